import { randomBytes } from 'node:crypto'
import type { Module, Session, Slot } from 'graphene-pk11'
import type { Handle } from 'pkcs11js'
import { CKM, keyTypes, type KeyTypeRow } from '../algorithms.ts'
import type { ProviderRow } from '../providers.ts'
import { canaryLabel, serviceSecrets } from '../purposes.ts'
import type { MechanismInfo } from '../types.ts'
import { Failure } from './answer.ts'
import { tokenNames, type Connection, type StartOptions } from './connect.ts'
import { CKA } from './cryptoki.ts'
import { makePair } from './generate.ts'
import { Keys } from './keys.ts'
import { FailureLimit, Spending } from './limits.ts'
import { attribute, find, privateKeys } from './objects.ts'
import { readPublicHalf } from './describe.ts'
import { Seals } from './seals.ts'
import { makeSecret, missingSecrets, Secrets } from './secrets.ts'
import { WorkSession } from './sessions.ts'
import { Verifier } from './verifier.ts'

/** What the operations of a signer that has logged in work with. */
export interface Signer {
  readonly module: Module
  readonly slot: Slot
  readonly serial: string
  readonly provider: ProviderRow
  readonly mechanisms: readonly MechanismInfo[]
  /** Held open and unused: it keeps the login. */
  readonly anchor: Session
  readonly session: WorkSession
  readonly secrets: Secrets
  readonly seals: Seals
  readonly keys: Keys
  readonly verifier: Verifier
  readonly failures: FailureLimit
  readonly spending: Spending
  readonly clock: () => number
  readonly canary: Canary
  /** @throws Failure 'unavailable' if the token is not there any more. */
  readonly prove: () => void
  /** Handles of the last list, for its further pages. */
  listed: readonly Handle[]
}

export interface Canary {
  readonly ckaId: Buffer
  readonly spki: Buffer
  readonly row: KeyTypeRow
}

/** Everything between the login and the first operation. */
export function openSigner(connection: Connection, anchor: Session, options: StartOptions): Signer {
  const { module, slot, hello } = connection
  const { provider } = options
  const session = new WorkSession(module, slot)
  if (options.prepare) prepareToken({ session, provider }, hello.mechanisms)
  const secrets = Secrets.open(session, provider)
  const prove = proof({ slot, names: hello.info, secrets })
  const keys = new Keys(session, provider, prove)
  const canary = findCanary(session)
  keys.warm()
  return {
    module,
    slot,
    serial: hello.info.serial,
    provider,
    mechanisms: hello.mechanisms,
    anchor,
    session,
    secrets,
    seals: new Seals(secrets),
    keys,
    verifier: new Verifier(module, slot),
    failures: new FailureLimit(Date.now),
    spending: new Spending(),
    clock: Date.now,
    canary,
    prove,
    listed: [],
  }
}

/** The token is there: it answers to its names, and an HMAC with the seal secret can be made. */
function proof(it: { slot: Slot; names: { label: string; serial: string }; secrets: Secrets }): () => void {
  return () => {
    try {
      const { label, serial } = tokenNames(it.slot)
      it.secrets.hmac('seal', Buffer.from('alive'))
      if (label === it.names.label && serial === it.names.serial) return
    } catch {
      // Whatever it was: it is not an answer.
    }
    throw new Failure('unavailable', 'The token does not answer.')
  }
}

const labelled = { type: CKA.LABEL, value: canaryLabel }

/**
 * Makes the service secrets and the canary key where they are missing. Not on a token that has keys already: their
 * seals would all be broken, and a token whose secret was lost must be looked at by people.
 */
function prepareToken(
  maker: { session: WorkSession; provider: ProviderRow },
  mechanisms: readonly MechanismInfo[],
): void {
  const { session, provider } = maker
  const missing = missingSecrets(session)
  const [lost] = missing
  const canaries = find(session, [...privateKeys(), labelled]).length
  if (lost !== undefined && find(session, privateKeys()).length > canaries) {
    throw new Failure(
      'refused',
      `The token has keys, but not the secret '${serviceSecrets[lost]}'. It is not prepared again.`,
      { reason: 'token' },
    )
  }
  for (const name of missing) makeSecret(session, provider, name)
  if (canaries > 0) return
  const has = (mechanism: number): boolean => mechanisms.some((info) => info.mechanism === mechanism)
  const row = has(CKM.ECDSA) && has(CKM.EC_KEY_PAIR_GEN) ? keyTypes['P-256'] : keyTypes['RSA-2048']
  makePair(maker, { row, ckaId: randomBytes(Math.min(16, provider.idLength)), label: canaryLabel })
}

function findCanary(session: WorkSession): Canary {
  const [handle, second] = find(session, [...privateKeys(), labelled], 2)
  if (handle === undefined) throw new Failure('unavailable', `The token has no key '${canaryLabel}'.`)
  if (second !== undefined)
    throw new Failure('refused', `The token has two keys '${canaryLabel}'.`, { reason: 'token' })
  const ckaId = Buffer.from(attribute(session, handle, CKA.ID) ?? Buffer.alloc(0))
  const half = readPublicHalf(session, ckaId)
  if (half === undefined)
    throw new Failure('refused', `The key '${canaryLabel}' has no public half.`, { reason: 'token' })
  return { ckaId, ...half }
}
