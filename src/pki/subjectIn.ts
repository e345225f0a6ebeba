import { Refusal } from '../refusal.ts'
import { nameOf, type CertificateSubject } from './issueFor.ts'
import type { ReadTbs } from './lintParse.ts'
import { nameAttributes, type AttributeName } from './names.ts'
import type { SubjectForm } from './profiles.ts'

const NAMES = new Map(
  (Object.keys(nameAttributes) as AttributeName[]).map((name) => [nameAttributes[name].oid as string, name]),
)

/**
 * Whom a certificate of ours names, as it would be asked for today: to the octet the same name.
 * @throws Refusal conflict where a name like it is not certified any more
 */
export function subjectIn({ subject }: Pick<ReadTbs, 'subject'>, form: SubjectForm): CertificateSubject {
  const attributes = Object.fromEntries(
    subject.rdns.flat().map(({ oid, content }) => [NAMES.get(oid) ?? oid, content.toString('utf8')]),
  ) as Partial<Record<AttributeName, string>>
  const found = formed(form, attributes)
  if (found === undefined) throw changed('it names an authority')
  if (!written(found).equals(subject.der)) throw changed('it is written otherwise today')
  return found
}

function formed(
  form: SubjectForm,
  attributes: Partial<Record<AttributeName, string>>,
): CertificateSubject | undefined {
  const { countryName: country = '', organizationName: organization = '', commonName: name = '' } = attributes
  const { organizationIdentifier = '', organizationalUnitName: organizationalUnit } = attributes
  if (form === 'natural person') {
    const { givenName, surname, pseudonym, serialNumber = '', commonName } = attributes
    return { form, country, givenName, surname, pseudonym, serialNumber, commonName }
  }
  if (form === 'legal person')
    return { form, country, organization, organizationIdentifier, organizationalUnit, name }
  return form === 'machine' ? { form, organization, name } : undefined
}

function written(subject: CertificateSubject): Buffer {
  try {
    return nameOf(subject).der
  } catch (error) {
    if (error instanceof Refusal) throw changed(error.message)
    throw error
  }
}

const changed = (why: string): Refusal =>
  new Refusal('conflict', `Its subject is not certified any more: ${why}.`)
