import { z } from 'zod'
import type { CertificateSubject } from '../../pki/issueFor.ts'
import type { SubjectForm } from '../../pki/profiles.ts'
import { Refusal } from '../../refusal.ts'
import { parsed } from './endpoint.ts'

const [text, maybe] = [z.string(), z.string().optional()]

/** A refusal names the attribute as the request does: subject.countryName. */
const member = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject({ subject: z.strictObject(shape) })

/** TABLE of the attributes of each form, by the names that X.520 gives them. What they may hold, src/pki/names.ts says. */
const natural = member({
  countryName: text,
  givenName: maybe,
  surname: maybe,
  pseudonym: maybe,
  serialNumber: text,
  commonName: maybe,
})
const legal = member({
  countryName: text,
  organizationName: text,
  organizationIdentifier: text,
  organizationalUnitName: maybe,
  commonName: text,
})
const machine = member({ organizationName: text, commonName: text })

/** Whom a certificate is to name, as an operator wrote it. @throws Refusal invalid_request */
export function subjectOf(form: SubjectForm, given: Readonly<Record<string, string>>): CertificateSubject {
  if (form === 'natural person') {
    const { countryName: country, ...rest } = parsed(natural, { subject: given }).subject
    return { form, country, ...rest }
  }
  if (form === 'legal person') {
    const all = parsed(legal, { subject: given }).subject
    return {
      form,
      country: all.countryName,
      organization: all.organizationName,
      organizationIdentifier: all.organizationIdentifier,
      organizationalUnit: all.organizationalUnitName,
      name: all.commonName,
    }
  }
  if (form !== 'machine') throw new Refusal('invalid_request', 'Authorities are not asked for.')
  const { organizationName: organization, commonName: name } = parsed(machine, { subject: given }).subject
  return { form, organization, name }
}
