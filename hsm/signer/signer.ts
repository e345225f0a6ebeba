import { randomBytes } from 'node:crypto'
import type { Module, Session, Slot } from 'graphene-pk11'
import type { Handle } from 'pkcs11js'
import { CKM, keyTypes, type KeyTypeRow } from '../algorithms.ts'
import type { Hello } from '../codec.ts'
import type { ProviderRow } from '../providers.ts'
import { canaryLabel, serviceSecrets } from '../purposes.ts'
import type { MechanismInfo } from '../types.ts'
import { Failure } from './answer.ts'
import { tokenNames, type Connection } from './connect.ts'
import { CKA } from './cryptoki.ts'
import { makePair, type Maker } from './generate.ts'
import { Keys } from './keys.ts'
import { SessionPool } from './pool.ts'
import { Hashing } from './hashing.ts'
import { FailureLimit, Spending } from './limits.ts'
import { attribute, find, privateKeys } from './objects.ts'
import type { Reached } from './opening.ts'
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
  /** Held open and unused: they keep the logins. */
  readonly anchors: readonly Session[]
  readonly session: WorkSession
  /** For a token that is slow and works on several things at once. */
  readonly pool: SessionPool | undefined
  /** In this token, or in the other one that seals for it. */
  readonly secrets: Secrets
  readonly seals: Seals
  readonly keys: Keys
  readonly verifier: Verifier
  readonly failures: FailureLimit
  readonly spending: Spending
  /** Messages that come by parts. */
  readonly hashing: Hashing
  readonly clock: () => number
  readonly canary: Canary
  /** @throws Failure 'unavailable' if the token, or the one that seals for it, is not there any more. */
  readonly prove: () => void
  /** Handles of the last list, for its further pages. */
  listed: readonly Handle[]
}

export interface Canary {
  readonly ckaId: Buffer
  readonly spki: Buffer
  readonly row: KeyTypeRow
}

/** What follows the logins. The last token is the one that has the secrets: the first, or another that seals for it. */
export interface LoggedIn {
  readonly tokens: readonly Reached[]
  readonly anchors: readonly Session[]
  /** Make what the first token lacks of secrets of its own and of the canary key. */
  readonly prepare: boolean
  /** Operations that the first token works on at the same time. */
  readonly concurrency: number
}

/** Everything between the login and the first operation. */
export function openSigner({ tokens, anchors, prepare, concurrency }: LoggedIn): Signer {
  const [own, sealing = own] = tokens
  if (own === undefined || sealing === undefined) throw new Error('a signer without a token')
  const { module, slot, hello } = own.connection
  const { provider } = own.options
  const session = new WorkSession(module, slot)
  if (prepare) prepareToken({ session, provider }, { hello, hasSecrets: sealing === own })
  const secrets = Secrets.open(sealing === own ? session : sessionOf(sealing), sealing.options.provider)
  const canary = findCanary(session)
  const canaryIsThere = (): boolean => find(session, privateKeys(canary.ckaId), 1).length === 1
  const prove = proof(
    tokens.map(({ connection }) => connection),
    // An HMAC proves the token that has the secrets; the other one has at least to show its canary key.
    () => secrets.hmac('seal', Buffer.from('alive')).length > 0 && (sealing === own || canaryIsThere()),
  )
  const keys = new Keys(session, provider, prove)
  keys.warm()
  const pool = concurrency > 1 ? new SessionPool(module, slot, concurrency) : undefined
  if (sealing === own) secrets.pool = pool
  return {
    module,
    slot,
    serial: hello.info.serial,
    provider,
    mechanisms: hello.mechanisms,
    anchors,
    session,
    pool,
    secrets,
    seals: new Seals(secrets),
    keys,
    verifier: new Verifier(module, slot),
    failures: new FailureLimit(Date.now),
    spending: new Spending(),
    hashing: new Hashing(),
    clock: Date.now,
    canary,
    prove,
    listed: [],
  }
}

const sessionOf = ({ connection }: Reached): WorkSession =>
  new WorkSession(connection.module, connection.slot)

/** The tokens are there: they answer to their names, and do something that only they can. */
function proof(connections: readonly Connection[], acts: () => boolean): () => void {
  const isItself = ({ slot, hello }: Connection): boolean => {
    const { label, serial } = tokenNames(slot)
    return label === hello.info.label && serial === hello.info.serial
  }
  return () => {
    try {
      if (connections.every(isItself) && acts()) return
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
function prepareToken(maker: Maker, token: { hello: Hello; hasSecrets: boolean }): void {
  const { session, provider } = maker
  const missing = token.hasSecrets ? missingSecrets(session) : []
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
  const has = (mechanism: number): boolean =>
    token.hello.mechanisms.some((info) => info.mechanism === mechanism)
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
