import { generateKeyPairSync } from 'node:crypto'
import { integer, oid } from '../../../hsm/der.ts'
import { schemes } from '../../../hsm/algorithms.ts'
import { dottedOid, inside } from '../../../src/der/read.ts'
import { TAG } from '../../../src/der/tags.ts'
import { certificateTime, context, sequence, smallInteger } from '../../../src/der/write.ts'
import { lint, type LintIssuer } from '../../../src/pki/lint.ts'
import { authorityName, legalName, machineName, personName, type Name } from '../../../src/pki/names.ts'
import { extensionsOf } from '../../../src/pki/profileExtensions.ts'
import { profiles, type ProfileName, type SubjectForm } from '../../../src/pki/profiles.ts'

const DAY_MS = 86_400_000
export const FROM = new Date('2026-03-01T00:00:00Z')

const newKey = (): Buffer =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'der', type: 'spki' })
const keys = { subject: newKey(), issuer: newKey() }

export const SUBJECTS: Readonly<Record<SubjectForm, Name>> = {
  'natural person': personName({
    country: 'GR',
    givenName: 'Ελένη',
    surname: 'Παπαδοπούλου',
    serialNumber: 'PNOGR-12345678',
  }),
  'legal person': legalName({
    country: 'NO',
    organization: 'Fjord AS',
    organizationIdentifier: 'NTRNO-987654321',
    name: 'Fjord',
  }),
  authority: authorityName({ country: 'NO', organization: 'Trust AS', name: 'Somebody else' }),
  machine: machineName({ organization: 'Trust AS', name: 'Ada' }),
}

const issuerName = authorityName({ country: 'NO', organization: 'Trust AS', name: 'Issuing CA' })

const publication = {
  ca: (id: string) => `http://pki.example.org/pki/ca/${id}.cer`,
  crl: (id: string, shard?: number) => `http://pki.example.org/pki/crl/${id}/${shard ?? 0}.crl`,
  ocsp: 'http://pki.example.org/pki/ocsp',
  document: (name: string) => `http://pki.example.org/pki/documents/${name}`,
}

/** DER of each field of a TBSCertificate, for a test to put something else in its place. */
export interface Parts {
  readonly version: readonly Buffer[]
  readonly serial: Buffer
  readonly signature: Buffer
  readonly issuer: Buffer
  readonly validity: Buffer
  readonly subject: Buffer
  readonly spki: Buffer
  readonly uniqueIds: readonly Buffer[]
  readonly extensions: readonly Buffer[]
}

/** Of a certificate of this profile that nothing is wrong with. */
export function partsOf(profile: ProfileName): Parts {
  const row = profiles[profile]
  const serial = Buffer.from('4f3c2b1a09f8e7d6c5b4a39281706f5e', 'hex')
  const isRoot = row.issuer === undefined
  const subject = SUBJECTS[row.subject]
  const particulars = {
    serial,
    spki: keys.subject,
    notBefore: FROM,
    issuerSpki: isRoot ? keys.subject : keys.issuer,
    issuerId: isRoot ? null : 'b7a4f1de',
    semantics: subject.semantics,
  }
  const says = {
    cps: 'https://example.org/cps',
    pds: [
      { language: 'en', url: 'https://example.org/pds/en' },
      { language: 'nb', url: 'https://example.org/pds/nb' },
    ],
    publication,
  }
  const to = new Date(FROM.getTime() + Math.min(row.days, 700) * DAY_MS - 1000)
  return {
    version: [context(0, smallInteger(2))],
    serial: integer(serial),
    signature: schemes['ecdsa-sha256'].algorithmIdentifier,
    issuer: isRoot ? subject.der : issuerName.der,
    validity: sequence(certificateTime(FROM), certificateTime(to)),
    subject: subject.der,
    spki: keys.subject,
    uniqueIds: [],
    extensions: extensionsOf(row, particulars, says),
  }
}

export function tbsOf(parts: Parts): Buffer {
  const { version, serial, signature, issuer, validity, subject, spki, uniqueIds, extensions } = parts
  const all = extensions.length === 0 ? [] : [context(3, sequence(...extensions))]
  return sequence(...version, serial, signature, issuer, validity, subject, spki, ...uniqueIds, ...all)
}

/** What the issuer of the samples is to the linter. */
export const lintIssuer: LintIssuer = {
  name: issuerName.der,
  spki: keys.issuer,
  notAfter: new Date('2030-01-01T00:00:00Z'),
}

/** Ids of the rules that these octets break. */
export function broken(tbs: Buffer, profile: ProfileName): string[] {
  const issuer = profiles[profile].issuer === undefined ? undefined : lintIssuer
  return lint(tbs, profiles[profile], issuer).map(({ rule }) => rule)
}

export const oidOf = (extension: Buffer): string =>
  dottedOid(inside(extension, TAG.SEQUENCE)[0]?.value ?? Buffer.alloc(0))

/** With another extension, or none, in the place of one. */
export function replaced(parts: Parts, id: string, by?: Buffer): Parts {
  return {
    ...parts,
    extensions: parts.extensions.flatMap((one) => (oidOf(one) !== id ? [one] : by === undefined ? [] : [by])),
  }
}

/** A Name of these attributes, each in an RDN of its own. @param rows OID and DER of the value */
export const nameOf = (...rows: readonly (readonly [string, Buffer])[]): Buffer =>
  sequence(...rows.map(([id, value]) => set(sequence(oid(id), value))))

const set = (element: Buffer): Buffer => Buffer.concat([Buffer.from([0x31]), lengthOf(element), element])
const lengthOf = ({ length }: Buffer): Buffer =>
  Buffer.from(length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff])
