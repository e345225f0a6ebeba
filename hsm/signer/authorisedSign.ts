import type { SchemeName, SchemeRow } from '../algorithms.ts'
import { keyTypes } from '../algorithms.ts'
import { purposes } from '../purposes.ts'
import { originOf, type AuthorisationRecord, type KeyRecord } from '../records.ts'
import type { Reference } from '../sealedOctets.ts'
import { Failure, refuse } from './answer.ts'
import { checkAuthorisation, checkInputs, checkScheme } from './rules.ts'
import { digestOf, signAll } from './sign.ts'
import { signParallel } from './signParallel.ts'
import type { Signer } from './signer.ts'

export interface SignRequest {
  readonly key: Reference
  readonly authorisation: Reference | undefined
  readonly credential: Reference | undefined
  readonly scheme: SchemeName
  readonly inputs: readonly Buffer[]
}

/** At once; or later, from a token that is slow and works on several things. */
export type Signatures = Buffer[] | Promise<Buffer[]>

/** What has to be asked of a slow token before anything is decided, so that the signer waits for none of it. */
export async function learnSeals(
  { seals }: Signer,
  request: Pick<SignRequest, 'key' | 'authorisation' | 'credential'>,
): Promise<void> {
  await seals.learn({ kind: 'key' }, request.key)
  const { spki } = seals.key(request.key)
  await seals.learn({ kind: 'authorisation', spki }, request.authorisation)
  await seals.learn({ kind: 'credential' }, request.credential)
}

/**
 * The gate before the token. In this order: the key's seal, the scheme and the inputs' form, the rule of the purpose,
 * for an activated key the authorisation's seal and what it says, and only then the key's handle and a signature.
 */
export function authorisedSign(signer: Signer, request: SignRequest): Signatures {
  const key = signer.seals.key(request.key)
  if (key.tokenSerial !== signer.serial) throw refuse('key', 'The key is in another token.')
  const purpose = purposes[key.purpose]
  const scheme = checkScheme(key, request.scheme, keyTypes[key.keyType].schemes)
  checkInputs(key, scheme, request.inputs)
  const digests =
    purpose.input === 'message' ? request.inputs.map((message) => digestOf(scheme, message)) : request.inputs
  const sign = (): Signatures => signDigests(signer, { key, scheme, digests })
  if (!purpose.activated) {
    if (request.authorisation !== undefined || request.credential !== undefined) {
      throw refuse('rule', `A key for '${key.purpose}' takes no authorisation.`)
    }
    return sign()
  }
  const authorisation = authorised(signer, request, { key, scheme })
  return spend(signer, { key, authorisation, wanted: request.inputs.length }, sign)
}

/** What is left when everything was found good. */
export function signDigests(
  { keys, session, pool }: Signer,
  it: { readonly key: KeyRecord; readonly scheme: SchemeRow; readonly digests: readonly Buffer[] },
): Signatures {
  const job = {
    scheme: it.scheme,
    digests: it.digests,
    key: () => keys.get(it.key),
    drop: () => {
      keys.drop(it.key.ckaId)
    },
  }
  return pool === undefined ? signAll(session, job) : signParallel(pool, job)
}

function authorised(
  signer: Signer,
  request: SignRequest,
  { key, scheme }: { key: KeyRecord; scheme: SchemeRow },
): AuthorisationRecord {
  if (request.authorisation === undefined) {
    throw refuse('rule', `A key for '${key.purpose}' signs only what its holder activated.`)
  }
  const { inputs } = request
  const use = { spki: key.spki, wanted: inputs.length }
  const authorisation = signer.seals.authorisation(request.authorisation, use)
  const credential =
    request.credential === undefined ? undefined : signer.seals.credential(request.credential)
  checkAuthorisation({ key, authorisation, credential }, { scheme, inputs }, signer.clock())
  return authorisation
}

/**
 * Without digests there is only a number, and it is counted here, over the whole chain: extending an authorisation lets
 * a signer make no more signatures than its holder activated. What was definitely not signed is given back.
 */
function spend(
  signer: Signer,
  r: { key: KeyRecord; authorisation: AuthorisationRecord; wanted: number },
  sign: () => Signatures,
): Signatures {
  const { authorisation, wanted } = r
  if (authorisation.digests !== undefined) return sign()
  const { authorisationId, count } = originOf(authorisation)
  const name = `${r.key.keyId} ${authorisationId}`
  if (!signer.spending.take(name, wanted, count)) {
    throw refuse('rule', 'The authorisation is for fewer signatures.')
  }
  const giveBack = (error: unknown): never => {
    if (error instanceof Failure && error.status !== 'unknown') signer.spending.giveBack(name, wanted)
    throw error
  }
  try {
    const signatures = sign()
    return Array.isArray(signatures) ? signatures : signatures.catch(giveBack)
  } catch (error) {
    return giveBack(error)
  }
}
