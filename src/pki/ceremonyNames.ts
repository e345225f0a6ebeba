import type { X509Certificate } from 'node:crypto'
import type { CeremonyPlan } from './ceremonyPlan.ts'

/** What a certificate's subject says, by the plan that it is made by: in the form of subjectIn. */
export function plannedSubject(
  plan: Pick<CeremonyPlan, 'country' | 'organization' | 'organizationIdentifier'>,
  name: string,
): string {
  const { country, organization, organizationIdentifier: identifier } = plan
  const attributes = [
    `C=${country}`,
    `O=${organization}`,
    ...(identifier === undefined ? [] : [`organizationIdentifier=${identifier}`]),
    `CN=${name}`,
  ]
  return attributes.join('\n').normalize('NFC')
}

/** What a certificate's subject says, however it is encoded. OpenSSL writes some characters of a name behind a backslash. */
export const subjectIn = ({ subject }: X509Certificate): string => subject.replaceAll(/\\(.)/g, '$1')
