import { hash, randomUUID } from 'node:crypto'
import type { Generated } from '../../../hsm/types.ts'
import { auditEntry } from '../../audit.ts'
import type { Context } from '../../context.ts'
import { insertAudit } from '../../db/audit.ts'
import type { Queries } from '../../db/database.ts'
import {
  findHolderKey,
  insertHolderKey,
  isIdTaken,
  setHolderKeyState,
  type HolderKeyRow,
  type KeyForm,
} from '../../db/holderKeys.ts'
import { findIdempotent, insertIdempotent } from '../../db/idempotentRequests.ts'
import { Refusal } from '../../refusal.ts'
import { decideToDestroy, destroyKey } from '../../signing/destroyKey.ts'
import { recogniseSecrets } from '../../signing/holderPermit.ts'
import { keyActivations } from '../../signing/keyActivation.ts'
import { makeKey } from '../../signing/makeKey.ts'
import { multikeyOf } from '../multikey.ts'
import { keyById } from './findKey.ts'
import { signatureTypes, type SignatureType } from './signatureTypes.ts'

export interface HolderKeyRequest {
  readonly clientId: string
  readonly identifier: string
  readonly signatureType: SignatureType
  readonly form: KeyForm
  readonly secrets: readonly string[]
  /** The client's own name for this request, which makes it one that may come again. */
  readonly idempotencyKey?: string | undefined
  /** The key whose place the new one takes. */
  readonly replaces?: HolderKeyRow | undefined
}

/**
 * Makes a client a key, in the token, that its holder's secrets open. Of two who ask for one id at once, one gets it: the
 * key of the other is destroyed. If we die before the row is stored, the next start destroys the key.
 * @throws Refusal conflict: the id is, or was, another key's; the Idempotency-Key was used for another request
 */
export async function makeHolderKey(ctx: Context, request: HolderKeyRequest): Promise<HolderKeyRow> {
  const { clientId, identifier, signatureType, secrets } = request
  const before = await earlier(ctx, request)
  if (before !== undefined) return before
  if (identifier.includes('#') && (await isIdTaken(ctx.db, { clientId, id: identifier }))) throw taken()
  const { keyType } = signatureTypes[signatureType]
  const keyId = randomUUID()
  const actor = `client:${clientId}`
  let id = identifier
  const stored = async (tx: Queries, made: Generated): Promise<void> => {
    id = identifier.includes('#') ? identifier : `${identifier}#${multikeyOf(made.key)}`
    await store(tx, request, { keyId, id })
  }
  try {
    await makeKey(ctx, { keyType, purpose: 'holder', actor, keyId, secrets, stored })
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'conflict') throw error
    await discard(ctx, { keyId, actor })
    const faster = await earlier(ctx, request)
    if (faster === undefined) throw error
    return faster
  }
  return keyById(ctx, { clientId, id })
}

const taken = (): Refusal =>
  new Refusal('conflict', 'The identifier is, or was, that of another key: an id is given once.')

async function store(
  tx: Queries,
  request: HolderKeyRequest,
  { keyId, id }: { readonly keyId: string; readonly id: string },
): Promise<void> {
  const { clientId, identifier, signatureType, form, replaces } = request
  const { scheme } = signatureTypes[signatureType]
  const [{ name: activation }] = keyActivations
  if (!(await insertHolderKey(tx, { keyId, clientId, id, identifier, scheme, form, activation }))) {
    throw taken()
  }
  const named = idempotencyOf(request)
  if (named !== undefined && !(await insertIdempotent(tx, { ...named, keyId }))) throw usedAlready()
  if (replaces === undefined) return
  const change = { from: ['enabled', 'disabled'], to: 'rotated' } as const
  if (!(await setHolderKeyState(tx, replaces.keyId, change))) {
    throw new Refusal('conflict', 'The key was rotated or deleted meanwhile.')
  }
  const subjects = [`key:${replaces.keyId}`, `key:${keyId}`]
  await insertAudit(tx, [
    auditEntry({ kind: 'act', act: 'key.rotate', actor: `client:${clientId}`, subjects }),
  ])
}

const usedAlready = (): Refusal =>
  new Refusal('conflict', 'The Idempotency-Key was used for another request.')

/** The request is known by everything but its secrets: what is hashed here can be guessed. */
function idempotencyOf(request: HolderKeyRequest) {
  const { clientId, identifier, signatureType, form, idempotencyKey, replaces } = request
  if (idempotencyKey === undefined) return undefined
  const asked = JSON.stringify([identifier, signatureType, form, replaces?.keyId ?? null])
  return {
    clientId,
    nameHash: hash('sha256', idempotencyKey, 'buffer'),
    requestHash: hash('sha256', asked, 'buffer'),
  }
}

/**
 * The key that the same request made before. Its secrets are asked of the key itself, as an attempt like any other.
 * @throws Refusal conflict
 */
async function earlier(ctx: Context, request: HolderKeyRequest): Promise<HolderKeyRow | undefined> {
  const named = idempotencyOf(request)
  if (named === undefined) return undefined
  const before = await findIdempotent(ctx.db, named)
  if (before === undefined) return undefined
  if (!before.requestHash.equals(named.requestHash)) throw usedAlready()
  const key = await findHolderKey(ctx.db, { clientId: request.clientId, id: before.id })
  // It was deleted meanwhile.
  if (key === undefined) throw usedAlready()
  await recogniseSecrets(ctx, key, request.secrets).catch((error: unknown) => {
    throw error instanceof Refusal && error.code === 'activation_failed' ? usedAlready() : error
  })
  return key
}

/** A key that somebody else was faster than. Where the token is away, recovery destroys it. */
async function discard(
  ctx: Context,
  { keyId, actor }: { readonly keyId: string; readonly actor: string },
): Promise<void> {
  const facts = { kind: 'result', act: 'key.generate', actor, subjects: [`key:${keyId}`] } as const
  const destruction = await ctx.db.transaction(async (tx) => {
    await insertAudit(tx, [auditEntry({ ...facts, signatureId: keyId, detail: { outcome: 'refused' } })])
    return decideToDestroy(tx, { keyId, actor })
  })
  if (destruction === undefined) return
  await destroyKey(ctx, destruction).catch((error: unknown) => {
    ctx.log.warn({ err: error, key: keyId }, 'a key is not destroyed yet; it is tried again')
  })
}
