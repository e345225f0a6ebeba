import { X509Certificate } from 'node:crypto'
import { expect } from 'chai'

/*
 * What four clients in the field require of answers, written down from their code: a member that one of them decodes as
 * mandatory is mandatory here, of its type, and a grammar that one of them parses by is the grammar here.
 */

type Json = Record<string, unknown>

const DOTTED_OID = /^[0-2](?:\.(?:0|[1-9]\d*))+$/
const GENERALIZED_TIME = /^\d{14}Z$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const object = (value: unknown, name: string): Json => {
  expect(value, name).to.be.an('object')
  return value as Json
}
const strings = (value: unknown, name: string): string[] => {
  expect(value, name).to.be.an('array')
  for (const one of value as unknown[]) expect(one, name).to.be.a('string')
  return value as string[]
}
const text = (value: unknown, name: string): string => {
  expect(value, name).to.be.a('string')
  return value as string
}
const whole = (value: unknown, name: string): number => {
  expect(value, name).to.satisfy(Number.isInteger)
  return value as number
}
const oids = (value: unknown, name: string): string[] => {
  for (const oid of strings(value, name)) expect(oid, name).to.match(DOTTED_OID)
  return value as string[]
}
const base64 = (value: unknown, name: string): Buffer => {
  expect(text(value, name), name).to.match(BASE64)
  return Buffer.from(value as string, 'base64')
}
/** The leaf, then who issued it, and so on. */
const chain = (value: unknown): X509Certificate[] => {
  const certificates = strings(value, 'certificates').map((one) => new X509Certificate(base64(one, one)))
  expect(certificates).to.not.be.empty
  certificates.slice(1).forEach((issuer, index) => {
    expect(certificates[index]?.verify(issuer.publicKey), 'issued by the next').to.equal(true)
  })
  return certificates
}

/** Java's X500Principal: keywords it knows and dotted OIDs, values escaped as RFC 2253 has it. */
const JAVA_KEYWORDS =
  'CN|C|L|S|ST|O|OU|T|IP|STREET|DC|DNQUALIFIER|DNQ|SURNAME|GIVENNAME|INITIALS|GENERATION|EMAILADDRESS|UID|SERIALNUMBER'
const JAVA_VALUE = String.raw`(?:#(?:[0-9a-fA-F]{2})+|(?:[^,+"\\<>;=\p{Cc}]|\\(?:[,+"\\<>;=# ]|[0-9a-fA-F]{2}))+)`
const JAVA_PAIR = String.raw`(?:(?:${JAVA_KEYWORDS})=${JAVA_VALUE}|\d+(?:\.\d+)+=#(?:[0-9a-fA-F]{2})+)`
const JAVA_NAME = new RegExp(`^${JAVA_PAIR}(?:[,+]${JAVA_PAIR})*$`, 'u')

export function checkJavaName(name: unknown): void {
  expect(text(name, 'name')).to.match(JAVA_NAME)
}

export interface ClientChecks {
  info(answer: Json): void
  list(answer: Json): void
  credential(answer: Json): void
  signatures(answer: Json, count: number): void
}

function signatures(answer: Json, count: number): void {
  const given = strings(answer['signatures'], 'signatures')
  expect(given).to.have.length(count)
  // The assemblers of CMS take ECDSA signatures as DER.
  for (const one of given) expect(base64(one, 'signature')[0]).to.equal(0x30)
}

/** eudi-lib-jvm-rqes-csc-kt 0.8.0: what is @Required and not nullable; require() of its resolvers. */
export const kotlin: ClientChecks = {
  info(answer) {
    expect(answer['specs']).to.equal('2.2.0.0')
    for (const name of ['name', 'region', 'lang', 'description']) text(answer[name], name)
    expect(() => new URL(text(answer['logo'], 'logo'))).to.not.throw()
    const authType = strings(answer['authType'], 'authType')
    strings(answer['supportedHashTypes'], 'supportedHashTypes')
    expect(strings(answer['methods'], 'methods')).to.not.be.empty
    strings(object(answer['signAlgorithms'], 'signAlgorithms')['algos'], 'algos')
    strings(object(answer['signature_formats'], 'signature_formats')['formats'], 'formats')
    strings(answer['conformance_levels'], 'conformance_levels')
    const places = ['oauth2', 'oauth2Issuer', 'oauth2Servers'].filter((name) => answer[name] !== undefined)
    const byOauth = authType.some((type) => ['oauth2code', 'oauth2client'].includes(type))
    expect(places).to.have.length(byOauth ? 1 : 0)
    if ('supportsRar' in answer) expect(answer['supportsRar']).to.be.a('boolean')
    if ('oauth2' in answer) expect(text(answer['oauth2'], 'oauth2')).to.match(/^https?:\/\/.*[^/]$/)
  },
  list(answer) {
    strings(answer['credentialIDs'], 'credentialIDs')
    if ('onlyValid' in answer) expect(answer['onlyValid']).to.be.a('boolean')
    for (const one of (answer['credentialInfos'] ?? []) as Json[]) {
      text(one['credentialID'], 'credentialID')
      kotlin.credential(one)
    }
  },
  credential(answer) {
    const key = object(answer['key'], 'key')
    expect(key['status']).to.be.oneOf(['enabled', 'disabled'])
    expect(oids(key['algo'], 'algo')).to.not.be.empty
    whole(key['len'], 'len')
    const cert = object(answer['cert'], 'cert')
    checkJavaName(cert['issuerDN'])
    checkJavaName(cert['subjectDN'])
    for (const name of ['validFrom', 'validTo']) expect(text(cert[name], name)).to.match(GENERALIZED_TIME)
    chain(cert['certificates'])
    for (const name of ['qcStatements', 'policy']) if (name in cert) strings(cert[name], name)
    const auth = object(answer['auth'], 'auth')
    expect(auth['mode']).to.be.oneOf(['explicit', 'oauth2code'])
    expect(auth).to.have.property('objects')
    for (const one of (auth['objects'] ?? []) as Json[]) {
      for (const name of ['type', 'id']) text(one[name], name)
    }
    expect(whole(answer['multisign'], 'multisign')).to.be.at.least(1)
    expect(answer['SCAL'] ?? '1').to.be.oneOf(['1', '2'])
  },
  signatures,
}

/** eudi-lib-ios-rqes-csc-swift: Codable members that are not optional. */
export const ios: ClientChecks = {
  info(answer) {
    for (const name of ['specs', 'name', 'logo', 'region', 'lang', 'oauth2']) text(answer[name], name)
    for (const name of ['authType', 'methods']) strings(answer[name], name)
    const algorithms = object(answer['signAlgorithms'], 'signAlgorithms')
    for (const name of ['algos', 'algoParams']) strings(algorithms[name], name)
    const formats = object(answer['signature_formats'], 'signature_formats')
    strings(formats['formats'], 'formats')
    expect(formats['envelope_properties'], 'envelope_properties').to.be.an('array')
    for (const one of formats['envelope_properties'] as unknown[]) strings(one, 'envelope_properties')
  },
  list: (answer) => void strings(answer['credentialIDs'], 'credentialIDs'),
  credential(answer) {
    const cert = object(answer['cert'], 'cert')
    for (const name of ['status', 'issuerDN', 'serialNumber', 'subjectDN', 'validFrom', 'validTo']) {
      text(cert[name], name)
    }
    chain(cert['certificates'])
    const key = object(answer['key'], 'key')
    text(key['status'], 'status')
    oids(key['algo'], 'algo')
    whole(key['len'], 'len')
    whole(answer['multisign'], 'multisign')
  },
  signatures,
}

/** Zod's `.optional()` takes what is absent and refuses null, at any depth. */
function noNulls(value: unknown, path = ''): void {
  expect(value, path).to.not.equal(null)
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) noNulls(member, `${path}/${name}`)
}

/** Documenso, 2.17: its zod shapes of version 1. */
export const documenso: ClientChecks = {
  info(answer) {
    noNulls(answer)
    expect(() => new URL(text(answer['oauth2'], 'oauth2'))).to.not.throw()
    for (const name of ['authType', 'methods']) strings(answer[name], name)
  },
  list(answer) {
    noNulls(answer)
    expect(strings(answer['credentialIDs'], 'credentialIDs')).to.not.be.empty
  },
  credential(answer) {
    noNulls(answer)
    expect(answer['authMode']).to.be.oneOf(['implicit', 'explicit', 'oauth2code'])
    const key = object(answer['key'], 'key')
    expect(key['status']).to.be.oneOf(['enabled', 'disabled'])
    oids(key['algo'], 'algo')
    if ('curve' in key) expect(text(key['curve'], 'curve')).to.match(DOTTED_OID)
    const cert = object(answer['cert'], 'cert')
    for (const name of ['validFrom', 'validTo']) expect(text(cert[name], name)).to.match(GENERALIZED_TIME)
    chain(cert['certificates'])
    expect(whole(answer['multisign'], 'multisign')).to.be.at.least(1)
  },
  signatures(answer, count) {
    noNulls(answer)
    signatures(answer, count)
  },
}

/** pyHanko, sign/signers/csc_signer.py: asn1crypto parses the OIDs, so that a name such as ECDSA is an error. */
export const pyHanko: ClientChecks = {
  info: () => undefined,
  list: () => undefined,
  credential(answer) {
    const cert = object(answer['cert'], 'cert')
    const [leaf] = chain(cert['certificates'])
    expect(leaf?.ca).to.equal(false)
    expect(oids(object(answer['key'], 'key')['algo'], 'algo')).to.not.be.empty
    whole(answer['multisign'], 'multisign')
    expect(Number(answer['SCAL'])).to.be.oneOf([1, 2])
  },
  signatures,
}
