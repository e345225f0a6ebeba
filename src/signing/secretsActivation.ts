import { randomBytes, randomUUID } from 'node:crypto'
import type { ActivationRecord, AuthorisationRecord, Sealed } from '../../hsm/records.ts'
import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { returnAttempt, type Attempt } from '../db/attempts.ts'
import { insertAudit } from '../db/audit.ts'
import { reserveKeyAttempt, type KeyAttempt } from '../db/keyAttempts.ts'
import { Refusal } from '../refusal.ts'
import { inTurn } from './inTurn.ts'
import type { KeyActivation, Opening } from './keyActivation.ts'
import { KDF, SALT_OCTETS, stretch } from './secrets.ts'
import { tokenRefusal } from './tokenRefusal.ts'

/** A salt for keys that do not exist. */
const NOBODYS_SALT = randomBytes(SALT_OCTETS)
/**
 * Attempts by one client at one key that are judged at once in this process. As many as compute at once, so that one key has
 * all of the machine; and so few that right secrets which are still under way do not look like wrong ones, on two replicas.
 */
const LANES = 2
/** Seconds until a signer bears more failures of a key (hsm/signer/limits.ts): its window, at most. */
const SIGNERS_WINDOW_S = 3_600

let turn = 0

type Reserved = Extract<KeyAttempt, { outcome: 'reserved' }>

/**
 * Secrets that the client passes on: the attempt is counted in Postgres before they are looked at, Argon2id stretches them off
 * the event loop, and the signer compares and seals. A gate in software: docs/key-service.md says what it proves.
 */
export const secretsActivation: KeyActivation = {
  name: 'secrets',
  activate: async (ctx, opening, finish) => {
    const attempt = { keyId: opening.key.keyId, clientId: opening.clientId }
    return inTurn(`${attempt.keyId} ${attempt.clientId} ${turn++ % LANES}`, async () => {
      const made = await judged(ctx, opening, attempt)
      await finish(made)
      ctx.metrics.activation('accepted')
      return made
    })
  },
  pretend: async (ctx, { clientId, secrets }) => {
    await stretch(secrets, { salt: NOBODYS_SALT, ...KDF }, clientId)
    await ctx.token.mac('credential', NOBODYS_SALT).catch((error: unknown) => {
      throw tokenRefusal(ctx, error)
    })
  },
}

async function judged(
  ctx: Context,
  opening: Opening,
  attempt: Attempt,
): Promise<Sealed<AuthorisationRecord>> {
  // From here on the attempt counts as failed until the token says otherwise; so it does if we die.
  const { now, activation } = await reserved(ctx, opening)
  const authorisation = recordOf(ctx, opening, now)
  const seal = await sealed(ctx, opening, { activation, authorisation }).catch(async (error: unknown) => {
    await returnAttempt(ctx.db, attempt)
    throw refusalOf(ctx, error)
  })
  if (seal !== undefined) return { ...authorisation, seal }
  const { clientId, keyId } = attempt
  const facts = { act: 'activation.failed', actor: `client:${clientId}`, subjects: [`key:${keyId}`] }
  await insertAudit(ctx.db, [auditEntry({ kind: 'act', ...facts, detail: { wrong: 'secrets' } })])
  ctx.metrics.activation('wrong')
  throw new Refusal('activation_failed', 'The secrets are wrong.')
}

async function reserved(ctx: Context, { key, clientId }: Opening): Promise<Reserved> {
  const verdict = await reserveKeyAttempt(ctx.db, { key, clientId })
  if (verdict.outcome === 'reserved') return verdict
  ctx.metrics.activation('locked')
  if (verdict.outcome === 'locked') throw locked()
  const { seconds: retryAfter } = verdict
  throw new Refusal('throttled', 'The secrets were wrong too often: wait before you try again.', {
    retryAfter,
  })
}

const locked = (): Refusal =>
  new Refusal('credential_locked', 'The secrets were wrong too often: an operator has to unlock the key.')

async function sealed(
  ctx: Context,
  { key, clientId, secrets }: Opening,
  records: { readonly activation: Sealed<ActivationRecord>; readonly authorisation: AuthorisationRecord },
): Promise<Buffer | undefined> {
  const stretched = await stretch(secrets, records.activation, clientId)
  return ctx.token.activate({ key, ...records, stretched })
}

/** The signer has a limit of its own, which holds even against a service that was taken over. */
function refusalOf(ctx: Context, error: unknown): unknown {
  const refusal = tokenRefusal(ctx, error)
  if (!(refusal instanceof Refusal) || refusal.code !== 'credential_locked') return refusal
  return new Refusal('throttled', 'The secrets were wrong too often: wait before you try again.', {
    retryAfter: SIGNERS_WINDOW_S,
  })
}

function recordOf(ctx: Context, opening: Opening, now: number): AuthorisationRecord {
  const { key, clientId, hash, digests, count } = opening
  return {
    authorisationId: randomUUID(),
    keyId: key.keyId,
    credentialId: '',
    clientId,
    hash,
    digests,
    count,
    expiresAt: now + ctx.config.csc.sadSeconds * 1000,
  }
}
