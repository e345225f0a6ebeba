import { hashes, keyTypes, schemes } from '../../../hsm/algorithms.ts'
import { Refusal } from '../../refusal.ts'
import { isOtp } from '../../signing/totp.ts'
import { decodeBase64, decodeBase64Url } from './encoding.ts'

/** A request's members by name, on their way into the words of v2.2. */
export type Words = Map<string, unknown>
/** Puts what it knows into the standard's words and leaves everything else. */
export type Rule = (words: Words) => void
export type Body = Readonly<Record<string, unknown>>
/** @throws Refusal 'invalid_request' */
export type Read = (body: Body) => Body

const AUTHORIZE = 'credentials/authorize'
const EXTEND = 'credentials/extendTransaction'
const SIGN_HASH = 'signatures/signHash'
const SIGN_POLLING = 'signatures/signPolling'

/*
 * TABLE of what clients in the field write otherwise than the standard, and what is read for it: everything that is
 * tolerated stands here. One row, one test with `csc.strict` off and one with it on, where the core refuses them as it
 * refuses anything that it does not know. Answers are in the standard's words only.
 */

/** Every method, either edition. */
const everywhere: readonly Rule[] = [
  // The EUDI wallet's Kotlin library writes absent members out.
  (words) => words.forEach((value, name) => value === null && words.delete(name)),
  // Its iOS library spells some members in two ways; these were never read by anyone. Any other unknown member is
  // refused, since it may be one that its sender relies on.
  ignored('auth_info', 'only_valid', 'client_data', 'sign_algo_params'),
]

/** By method, either edition. */
const spellings: Readonly<Record<string, readonly Rule[]>> = {
  // Digests in the URL's alphabet, as oauth2/authorize takes them: Documenso and the EUDI libraries reuse them.
  [AUTHORIZE]: [standardAlphabet('hash'), standardAlphabet('hashes')],
  [EXTEND]: [standardAlphabet('hash'), standardAlphabet('hashes')],
  [SIGN_HASH]: [
    standardAlphabet('hash'),
    standardAlphabet('hashes'),
    // The word of the Greek QTSP's interface, and the OID of the key itself; hashAlgorithmOID says the rest.
    ecdsaNamed('ECDSA'),
    ecdsaNamed(keyTypes['P-256'].oid),
  ],
  // signHash says responseID, signPolling says requestID: one id, by the name that it was given out under.
  [SIGN_POLLING]: [renamed('responseID', 'requestID')],
}

/** Names of version 1: proper ones on /csc/v1; pyHanko writes them on /csc/v2, too. */
const version1Names: Readonly<Record<string, readonly Rule[]>> = {
  [AUTHORIZE]: [
    impliedHash,
    renamed('hash', 'hashes'),
    renamed('hashAlgo', 'hashAlgorithmOID'),
    otpForm,
    gathered(['PIN', 'OTP']),
  ],
  [EXTEND]: [impliedHash, renamed('hash', 'hashes'), renamed('hashAlgo', 'hashAlgorithmOID')],
  [SIGN_HASH]: [renamed('hash', 'hashes'), renamed('hashAlgo', 'hashAlgorithmOID')],
}

/** How a request of a method is read on /csc/v2. */
export function readingVersion2(method: string, { strict }: { readonly strict: boolean }): Read {
  if (strict) return (body) => body
  return applied([...everywhere, ...(spellings[method] ?? []), ...(version1Names[method] ?? [])])
}

/** How a request of a method is read on /csc/v1. @param from.members those that the method has there, and no others */
export function readingVersion1(
  method: string,
  from: { readonly members: readonly string[]; readonly strict: boolean },
): Read {
  const names = version1Names[method] ?? []
  const known = onlyMembers(from.members)
  if (from.strict) return applied([known, ...names])
  return applied([...everywhere, known, ...(spellings[method] ?? []), ...names])
}

/** `__proto__` stays an own member, to be refused. */
function applied(rules: readonly Rule[]): Read {
  return (body) => {
    const words: Words = new Map(Object.entries(body))
    for (const rule of rules) rule(words)
    return Object.fromEntries(words)
  }
}

/** Longer names than any of ours are cut: they are the caller's own text. */
const NAME_SHOWN = 64

export function unknownParameter(name: string): Refusal {
  return new Refusal('invalid_request', `Unknown parameter ${name.slice(0, NAME_SHOWN)}`)
}

function onlyMembers(members: readonly string[]): Rule {
  const known = new Set(members)
  return (words) => {
    for (const name of words.keys()) if (!known.has(name)) throw unknownParameter(name)
  }
}

function ignored(...names: readonly string[]): Rule {
  return (words) => names.forEach((name) => words.delete(name))
}

function renamed(alias: string, name: string): Rule {
  return (words) => {
    if (!words.has(alias)) return
    const value = words.get(alias)
    words.delete(alias)
    put(words, name, value)
  }
}

/** What is said in two ways must be the same. @throws Refusal 'invalid_request' */
function put(words: Words, name: string, value: unknown): void {
  if (words.has(name) && JSON.stringify(words.get(name)) !== JSON.stringify(value)) {
    throw new Refusal('invalid_request', `Parameter ${name} is given twice`)
  }
  words.set(name, value)
}

/** Version 1 has a member for each secret, version 2 one list of them. */
function gathered(ids: readonly string[]): Rule {
  return (words) => {
    const given = ids.filter((id) => words.has(id))
    if (given.length === 0) return
    const authData = given.map((id) => ({ id, value: words.get(id) }))
    given.forEach((id) => words.delete(id))
    put(words, 'authData', authData)
  }
}

/** In the list of version 2 nothing would say which of the secrets is malformed. */
function otpForm(words: Words): void {
  if (words.has('OTP') && !isOtp(words.get('OTP'))) {
    throw new Refusal('invalid_request', 'Invalid parameter OTP')
  }
}

/** Version 1 does not say here which hash it was: of those that are signed with, each length belongs to one. */
function impliedHash(words: Words): void {
  const given = words.get('hash')
  if (!Array.isArray(given) || words.has('hashAlgo') || words.has('hashAlgorithmOID')) return
  const lengths = new Set(given.map((text) => (typeof text === 'string' ? decodeBase64(text)?.length : 0)))
  const row = Object.values(hashes).find(({ length }) => lengths.size === 1 && lengths.has(length))
  if (row !== undefined) words.set('hashAlgorithmOID', row.oid)
}

/** Base64url, with padding or without, becomes base64; what is neither is left to be refused. */
function standardAlphabet(name: string): Rule {
  const standard = (text: unknown): unknown => {
    if (typeof text !== 'string' || (text.length % 4 === 0 && !/[-_]/.test(text))) return text
    return decodeBase64Url(text)?.toString('base64') ?? text
  }
  return (words) => {
    const value = words.get(name)
    if (Array.isArray(value)) words.set(name, value.map(standard))
  }
}

function ecdsaNamed(alias: string): Rule {
  return (words) => {
    if (words.get('signAlgo') !== alias) return
    const hash = words.get('hashAlgorithmOID') ?? words.get('hashAlgo')
    if (hash === undefined) {
      throw new Refusal('invalid_request', 'Missing (or invalid type) string parameter hashAlgorithmOID')
    }
    // A hash that nothing here is signed with is refused for itself.
    const scheme = Object.values(schemes).find((row) => row.family === 'EC' && row.hash?.oid === hash)
    if (scheme !== undefined) words.set('signAlgo', scheme.oid)
  }
}
