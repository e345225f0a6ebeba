/** What may be signed, decided from records whose seals were found good. Pure: no token, no state. */
import { hashes, schemes, type SchemeName, type SchemeRow } from '../algorithms.ts'
import { isCeremonyTranscript } from '../ceremonyTranscript.ts'
import { isDerSequence, isDerSet } from '../der.ts'
import { purposes } from '../purposes.ts'
import {
  MAX_CHAIN_MS,
  originOf,
  type ActivationRecord,
  type AuthorisationRecord,
  type CredentialRecord,
  type KeyRecord,
} from '../records.ts'
import { isSignatureBase } from '../signatureBase.ts'
import { MAX_AUTHORISED, MAX_DIGESTS } from '../wire.ts'
import { refuse } from './answer.ts'

/** The configuration allows an hour; a day would let one activation be saved for later. Ample for skewed clocks. */
export const MAX_AUTHORISATION_MS = 2 * 60 * 60 * 1000

/** @throws Failure 'rule' unless the scheme is one of the key's type. */
export function checkScheme(key: KeyRecord, name: SchemeName, allowed: readonly SchemeName[]): SchemeRow {
  if (!allowed.includes(name)) throw refuse('rule', `A ${key.keyType} key does not sign with ${name}.`)
  return schemes[name]
}

/**
 * Each input's form. Tokens take digests of a wrong length without complaint.
 * @throws Failure 'rule'
 */
export function checkInputs(key: KeyRecord, scheme: SchemeRow, inputs: readonly Buffer[]): void {
  const purpose = purposes[key.purpose]
  for (const input of inputs) {
    if (purpose.input === 'digest' && scheme.hash !== undefined && input.length !== scheme.hash.length) {
      throw refuse('rule', `A digest of ${input.length} octets is none of ${scheme.hash.name}.`)
    }
    if (input.length === 0) throw refuse('rule', 'An input is empty.')
    if (purpose.structure === 'DER SEQUENCE' && !isDerSequence(input)) {
      throw refuse('rule', `A key for '${purpose.name}' signs DER SEQUENCEs only.`)
    }
    if (purpose.structure === 'DER SET' && !isDerSet(input)) {
      throw refuse('rule', `A key for '${purpose.name}' signs DER SETs only.`)
    }
    if (purpose.structure === 'HTTP signature base' && !isSignatureBase(input)) {
      throw refuse('rule', `A key for '${purpose.name}' signs HTTP signature bases only.`)
    }
    if (purpose.structure === 'ceremony transcript' && !isCeremonyTranscript(input)) {
      throw refuse('rule', `A key for '${purpose.name}' signs transcripts of ceremonies only.`)
    }
  }
}

/** A credential goes with the key that it names, for the client it is linked to. */
export function checkCredential(
  key: KeyRecord,
  authorisation: AuthorisationRecord,
  credential: CredentialRecord | undefined,
): void {
  if ((credential?.credentialId ?? '') !== authorisation.credentialId) {
    throw refuse('rule', 'The authorisation is for another credential.')
  }
  if (credential === undefined) return
  if (credential.keyId !== key.keyId) throw refuse('rule', 'The credential is for another key.')
  if (credential.clientId !== authorisation.clientId) {
    throw refuse('rule', 'The credential is linked to another client.')
  }
  if (credential.scal === 2 && authorisation.digests === undefined) {
    throw refuse('rule', 'Under SCAL 2 an authorisation names its digests.')
  }
}

/** What an activation may authorise. */
export function checkNewAuthorisation(
  r: { key: KeyRecord; activation: ActivationRecord; credential: CredentialRecord | undefined },
  authorisation: AuthorisationRecord,
  now: number,
): void {
  const { key, activation, credential } = r
  if (!purposes[key.purpose].activated) throw refuse('rule', `A key for '${key.purpose}' is not activated.`)
  if (activation.keyId !== key.keyId || !activation.spki.equals(key.spki)) {
    throw refuse('rule', 'The activation is for another key.')
  }
  if (authorisation.keyId !== key.keyId) throw refuse('rule', 'The authorisation is for another key.')
  checkCredential(key, authorisation, credential)
  const { count, expiresAt, origin } = authorisation
  // Whose count and expiry would be anything that the service says.
  if (origin !== undefined) throw refuse('rule', 'What is activated extends nothing.')
  if (expiresAt <= now || expiresAt > now + MAX_AUTHORISATION_MS) {
    throw refuse('rule', 'The authorisation would expire too late, or has expired.')
  }
  if (count < 1 || count > MAX_DIGESTS || (credential !== undefined && count > credential.multisign)) {
    throw refuse('rule', `${count} signatures cannot be authorised at once.`)
  }
  checkDigests(key, authorisation)
}

/**
 * What an authorisation may be extended to, without a new activation: itself or a part of itself, for the same key,
 * client and credential, until its chain ends.
 * @throws Failure 'rule'
 */
export function checkExtension(
  r: { key: KeyRecord; authorisation: AuthorisationRecord; credential: CredentialRecord | undefined },
  extended: AuthorisationRecord,
  now: number,
): void {
  const { key, authorisation: old, credential } = r
  if (!purposes[key.purpose].activated) throw refuse('rule', `A key for '${key.purpose}' is not activated.`)
  if (old.keyId !== key.keyId) throw refuse('rule', 'The authorisation is for another key.')
  checkCredential(key, old, credential)
  if (now >= old.expiresAt) throw refuse('rule', 'The authorisation has expired.')
  checkSame(old, extended)
  const { digests, count, expiresAt } = extended
  const last = Math.min(now + MAX_AUTHORISATION_MS, originOf(old).expiresAt + MAX_CHAIN_MS)
  if (expiresAt <= now || expiresAt > last) {
    throw refuse('rule', 'The extension would expire too late, or has expired.')
  }
  const isNoMore = digests === undefined ? count <= old.count : covers(old.digests ?? [], digests)
  if (count < 1 || !isNoMore) throw refuse('rule', 'The extension is for more than the authorisation.')
  checkDigests(key, extended)
}

/** What no extension changes. Digests that were named stay named, and a number stays a number: it is counted by chain. */
function checkSame(old: AuthorisationRecord, extended: AuthorisationRecord): void {
  const began = originOf(old)
  const { origin } = extended
  const isSame =
    extended.keyId === old.keyId &&
    extended.credentialId === old.credentialId &&
    extended.clientId === old.clientId &&
    extended.hash === old.hash &&
    (extended.digests === undefined) === (old.digests === undefined) &&
    origin?.authorisationId === began.authorisationId &&
    origin.count === began.count &&
    origin.expiresAt === began.expiresAt
  if (!isSame) throw refuse('rule', 'The extension is of another authorisation.')
}

function checkDigests(key: KeyRecord, { digests, hash, count }: AuthorisationRecord): void {
  if (digests === undefined) return
  if (digests.length !== count) throw refuse('rule', 'The count is not that of the digests.')
  if ((hash === undefined) !== (key.keyType === 'Ed25519')) {
    throw refuse('rule', 'Digests are named with their hash, and messages for Ed25519 without.')
  }
  const octets = digests.reduce((sum, digest) => sum + digest.length + 4, 0)
  if (octets > MAX_AUTHORISED) throw refuse('rule', 'The authorised digests are too long.')
  if (hash !== undefined && digests.some((digest) => digest.length !== hashes[hash].length)) {
    throw refuse('rule', `A digest is none of ${hash}.`)
  }
}

/**
 * Whether this authorisation covers these inputs with this key, now.
 * @throws Failure 'rule'. How many an authorisation without digests has left is counted elsewhere.
 */
export function checkAuthorisation(
  r: { key: KeyRecord; authorisation: AuthorisationRecord; credential: CredentialRecord | undefined },
  use: { scheme: SchemeRow; inputs: readonly Buffer[] },
  now: number,
): void {
  const { key, authorisation, credential } = r
  if (authorisation.keyId !== key.keyId) throw refuse('rule', 'The authorisation is for another key.')
  checkCredential(key, authorisation, credential)
  if (now >= authorisation.expiresAt) throw refuse('rule', 'The authorisation has expired.')
  const { hash, digests, count } = authorisation
  // Only under SCAL 1 may the hash be left open together with the digests.
  const isHashOpen = hash === undefined && digests === undefined
  if (!isHashOpen && hash !== use.scheme.hash?.name) {
    throw refuse('rule', 'The authorisation is for another hash.')
  }
  if (use.inputs.length > count) throw refuse('rule', 'The authorisation is for fewer signatures.')
  if (digests !== undefined && !covers(digests, use.inputs)) {
    throw refuse('rule', 'A digest was not authorised.')
  }
}

/** A single input is sooner found among so many by looking than by counting. */
const FEW = 32

/** Tallies of long lists are kept as long as their record is remembered. */
const tallies = new WeakMap<readonly Buffer[], ReadonlyMap<string, number>>()

/** Each input occurs among the digests at least as often as among the inputs. */
function covers(digests: readonly Buffer[], inputs: readonly Buffer[]): boolean {
  const [only, second] = inputs
  if (only !== undefined && second === undefined && digests.length <= FEW) {
    return digests.some((digest) => digest.equals(only))
  }
  let tally = tallies.get(digests)
  if (tally === undefined) {
    tally = count(digests)
    tallies.set(digests, tally)
  }
  for (const [input, times] of count(inputs)) if (times > (tally.get(input) ?? 0)) return false
  return true
}

function count(items: readonly Buffer[]): Map<string, number> {
  const tally = new Map<string, number>()
  for (const item of items) {
    const name = item.toString('latin1')
    tally.set(name, (tally.get(name) ?? 0) + 1)
  }
  return tally
}
