/** Certificates as people read them: also those that follow no profile, for any may be asked about. */
import { createPublicKey, hash } from 'node:crypto'
import type { KeyType } from '../../hsm/algorithms.ts'
import { elements, inside, magnitude, type Element } from '../der/read.ts'
import { TAG } from '../der/tags.ts'
import type { Mark } from './extensions.ts'
import { oidsIn, policiesIn } from './lintExtensions.ts'
import { readTbs, type ReadAttribute, type ReadExtension, type ReadTbs } from './lintParse.ts'
import { disclosures, oids, statementsIn, type Statement } from './lintStatements.ts'
import { listAddress, locationsIn } from './lintStatus.ts'
import { escaped, nameAttributes } from './names.ts'
import { OID } from './oids.ts'
import { keyTypeOf } from './pkcs10.ts'

/** A certificate in words. What it has not is absent. */
export interface Described {
  readonly subject: string
  readonly issuer: string
  /** Hexadecimal, capital letters. */
  readonly serial: string
  readonly notBefore: Date
  readonly notAfter: Date
  readonly key: string
  readonly authority?: true
  readonly keyUsage?: readonly string[]
  readonly extendedKeyUsage?: readonly string[]
  readonly policies?: readonly string[]
  readonly cps?: readonly string[]
  readonly statements?: readonly string[]
  readonly marks?: readonly string[]
  /** Where its status is found, and its issuer. */
  readonly list?: string
  readonly responder?: readonly string[]
  readonly issuerCertificate?: readonly string[]
  /** Extensions that this program does not put into words, by OID. */
  readonly others?: readonly string[]
}

/** TABLE of the bits of keyUsage (RFC 5280, 4.2.1.3), of other people's certificates, too. */
const USAGES = [
  ...['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'dataEncipherment', 'keyAgreement'],
  ...['keyCertSign', 'cRLSign', 'encipherOnly', 'decipherOnly'],
] as const

/** TABLE of what OIDs are called where people read them. */
const CALLED: Readonly<Record<string, string>> = {
  [OID.clientAuth]: 'clientAuth',
  [OID.ocspSigning]: 'OCSPSigning',
  [OID.timeStamping]: 'timeStamping',
  [OID.anyPolicy]: 'anyPolicy',
  [OID.ncp]: 'NCP',
  [OID.ncpPlus]: 'NCP+',
  [OID.qcpN]: 'QCP-n',
  [OID.qcpL]: 'QCP-l',
  [OID.qcpNQscd]: 'QCP-n-qscd',
  [OID.qcpLQscd]: 'QCP-l-qscd',
  [OID.qctEsign]: 'electronic signatures',
  [OID.qctEseal]: 'electronic seals',
  [OID.semanticsNatural]: "a natural person's (EN 319 412-1, 5.1.3)",
  [OID.semanticsLegal]: "a legal person's (EN 319 412-1, 5.1.4)",
}
const called = (oid: string): string => CALLED[oid] ?? oid
const calledWithOid = (oid: string): string => (CALLED[oid] === undefined ? oid : `${CALLED[oid]} (${oid})`)

const MARKS: Readonly<Record<Mark, { readonly oid: string; readonly says: string }>> = {
  ocspNoCheck: { oid: OID.ocspNoCheck, says: 'nobody need ask for its status (ocsp-nocheck)' },
  validityAssured: { oid: OID.validityAssured, says: 'valid for a short time, assured (validityAssured)' },
  noRevAvail: { oid: OID.noRevAvail, says: 'no revocation is ever published (noRevAvail)' },
}

/** How those are read that are put into words; key identifiers are of use to programs alone. */
const READERS: ReadonlyMap<string, (value: Buffer) => unknown> = new Map<string, (value: Buffer) => unknown>([
  [OID.subjectKeyIdentifier, () => true],
  [OID.authorityKeyIdentifier, () => true],
  [OID.basicConstraints, (value) => inside(value, TAG.SEQUENCE)],
  [OID.keyUsage, (value) => usagesIn(value)],
  [OID.extKeyUsage, oidsIn],
  [OID.certificatePolicies, policiesIn],
  [OID.qcStatements, (value) => statementsInWords(value)],
  [OID.cRLDistributionPoints, listAddress],
  [OID.authorityInfoAccess, locationsIn],
  ...Object.values(MARKS).map(({ oid }): [string, () => true] => [oid, () => true]),
])

const isWorded = (words: Words, oid: string): boolean => {
  const read = READERS.get(oid)
  return read !== undefined && words(oid, read) !== undefined
}

/** The to-be-signed part of a certificate. @param der a whole one. @throws Error */
export function tbsOf(der: Buffer): Buffer {
  const [tbs, , , ...more] = inside(der, TAG.SEQUENCE)
  if (tbs?.tag !== TAG.SEQUENCE || more.length > 0) throw new Error('not a certificate')
  return tbs.whole
}

/** What an extension says; undefined: it is not there, or says nothing that can be read, and is listed among the others. */
type Words = <T>(oid: string, say: (value: Buffer) => T) => T | undefined

const wordsOf =
  (read: ReadTbs): Words =>
  (oid, say) => {
    const found = read.extensions.find((one) => one.oid === oid)
    try {
      return found && say(found.value)
    } catch {
      return undefined
    }
  }

/** @param tbs DER of a TBSCertificate. @throws Error where it is none */
export function describeTbs(tbs: Buffer): Described {
  const read = readTbs(tbs)
  const words = wordsOf(read)
  const authority = words(
    OID.basicConstraints,
    (value) => inside(value, TAG.SEQUENCE)[0]?.tag === TAG.BOOLEAN,
  )
  return given({
    ...headOf(read),
    authority: authority === true ? authority : undefined,
    keyUsage: words(OID.keyUsage, usagesIn),
    extendedKeyUsage: words(OID.extKeyUsage, oidsIn)?.map(called),
    ...policiesInWords(words),
    statements: words(OID.qcStatements, statementsInWords),
    marks: some(
      Object.values(MARKS)
        .filter(({ oid }) => words(oid, () => true))
        .map(({ says }) => says),
    ),
    ...addressesInWords(words),
    others: some(read.extensions.filter(({ oid }) => !isWorded(words, oid)).map(otherInWords)),
  })
}

function policiesInWords(words: Words): Pick<All, 'policies' | 'cps'> {
  const policies = words(OID.certificatePolicies, policiesIn)
  const qualifiers = (policies ?? []).flatMap((policy) => policy.qualifiers)
  return {
    policies: policies?.map(({ policy }) => calledWithOid(policy)),
    cps: some(
      qualifiers.filter(({ id }) => id === OID.cps).map(({ content }) => plain(content.toString('latin1'))),
    ),
  }
}

function addressesInWords(words: Words): Pick<All, 'list' | 'responder' | 'issuerCertificate'> {
  const locations = words(OID.authorityInfoAccess, locationsIn) ?? []
  const by = (method: string): string[] =>
    locations.filter((one) => one.method === method).map(({ url }) => plain(url))
  return {
    list: words(OID.cRLDistributionPoints, (value) => plain(listAddress(value))),
    responder: some(by(OID.ocsp)),
    issuerCertificate: some(by(OID.caIssuers)),
  }
}

function headOf(
  read: ReadTbs,
): Pick<Described, 'subject' | 'issuer' | 'serial' | 'notBefore' | 'notAfter' | 'key'> {
  return {
    subject: rdnsInWords(read.subject.rdns),
    issuer: rdnsInWords(read.issuer.rdns),
    serial: magnitude(read.serial).toString('hex').toUpperCase(),
    notBefore: read.from,
    notAfter: read.to,
    key: keyInWords(read.spki.der),
  }
}

/** Members that are there. */
type All = { readonly [K in keyof Required<Described>]: Described[K] | undefined }

const given = (all: All): Described =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as unknown as Described

const some = (list: readonly string[]): readonly string[] | undefined =>
  list.length === 0 ? undefined : list

/** A Name as text, most specific first (RFC 4514). @param name DER. @throws Error */
export function nameInWords(name: Buffer): string {
  return rdnsInWords(
    inside(name, TAG.SEQUENCE).map((rdn) =>
      elements(rdn.value).map((attribute) => {
        const [type, value, ...more] = inside(attribute.whole, TAG.SEQUENCE)
        if (type?.tag !== TAG.OID || value === undefined || more.length > 0)
          throw new Error('not an attribute')
        return {
          oid: oids({ ...attribute, value: type.whole })[0] ?? '',
          tag: value.tag,
          content: value.value,
        }
      }),
    ),
  )
}

const SHORT = new Map<string, string>(Object.values(nameAttributes).map(({ oid, short }) => [oid, short]))

const rdnsInWords = (rdns: readonly (readonly ReadAttribute[])[]): string =>
  rdns
    .map((rdn) =>
      rdn.map((one) => `${SHORT.get(one.oid) ?? one.oid}=${escaped(plain(textOf(one)))}`).join(' + '),
    )
    .reverse()
    .join(', ')

function textOf({ tag, content }: Pick<ReadAttribute, 'tag' | 'content'>): string {
  if (tag === TAG.BMP_STRING && content.length % 2 === 0)
    return Buffer.from(content).swap16().toString('utf16le')
  const narrow: readonly number[] = [TAG.PRINTABLE_STRING, TAG.IA5_STRING, TAG.TELETEX_STRING]
  if (narrow.includes(tag)) return content.toString('latin1')
  return tag === TAG.UTF8_STRING ? content.toString('utf8') : `#${content.toString('hex')}`
}

/** A terminal obeys controls, and turns text around where it is told to: others' certificates say what they like. */
const plain = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')

/** TABLE of what keys that are certified here are called. Finding it out costs what verifying a signature does. */
const keyWords: Readonly<Record<KeyType, string>> = {
  'P-256': 'ec, prime256v1',
  'P-384': 'ec, secp384r1',
  'P-521': 'ec, secp521r1',
  'RSA-2048': 'rsa, 2048 bits',
  'RSA-3072': 'rsa, 3072 bits',
  'RSA-4096': 'rsa, 4096 bits',
  Ed25519: 'ed25519',
}

function keyInWords(spki: Buffer): string {
  const print = `SHA-256 ${hash('sha256', spki, 'hex').toUpperCase()}`
  const keyType = keyTypeOf(spki)
  if (keyType !== undefined) return `${keyWords[keyType]}, ${print}`
  try {
    const { asymmetricKeyType: type = '', asymmetricKeyDetails: details } = createPublicKey({
      key: spki,
      format: 'der',
      type: 'spki',
    })
    const size =
      details?.namedCurve ?? (details?.modulusLength === undefined ? '' : `${details.modulusLength} bits`)
    return [type, size, print].filter((part) => part !== '').join(', ')
  } catch {
    return print
  }
}

function usagesIn(value: Buffer): string[] {
  const [bits] = elements(value)
  if (bits?.tag !== TAG.BIT_STRING) throw new Error('not named bits')
  const octets = bits.value.subarray(1)
  return USAGES.filter((_name, at) => ((octets[at >> 3] ?? 0) & (0x80 >> (at & 7))) !== 0)
}

const statementsInWords = (value: Buffer): string[] =>
  statementsIn({ oid: OID.qcStatements, critical: false, value }).map(statementInWords)

function statementInWords({ id, info }: Statement): string {
  if (id === OID.qcCompliance) return 'is an EU qualified certificate (QcCompliance)'
  if (id === OID.qcSscd) return 'its key is in a qualified device (QcSSCD)'
  if (info === undefined) return id
  if (id === OID.qcType) return `is for ${oids(info).map(called).join(', ')} (QcType)`
  if (id === OID.qcSyntaxV2) return semanticsInWords(info)
  if (id !== OID.qcPds) return id
  const where = disclosures(info).map(({ url, language }) => `${plain(url)} (${plain(language)})`)
  return `is explained at ${where.join(', ')} (QcPDS)`
}

function semanticsInWords(info: Element): string {
  const [first] = elements(info.value)
  return first?.tag === TAG.OID ? `its identifier is ${oids(info).map(called).join(', ')}` : OID.qcSyntaxV2
}

const otherInWords = ({ oid, critical }: ReadExtension): string => (critical ? `${oid} (critical)` : oid)
