import { randomUUID } from 'node:crypto'
import { keyTypes, type KeyType } from '../../hsm/algorithms.ts'
import type { KeyRecord } from '../../hsm/records.ts'
import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { insertAudit } from '../db/audit.ts'
import { findClient } from '../db/clients.ts'
import { insertIssuer, insertIssuerKey } from '../db/credentialIssuers.ts'
import type { Queries } from '../db/database.ts'
import { Refusal } from '../refusal.ts'
import { issuerKeySeal } from '../signing/derived.ts'
import { makeKey } from '../signing/makeKey.ts'
import { didKeyOf } from './did/didKey.ts'
import { keysOfIssuer, methodOf } from './issuers.ts'

/** How an issuer is named: by its key for good, or by a document of this service that names its keys. */
export const issuerMethods = ['key', 'web'] as const
export type IssuerMethod = (typeof issuerMethods)[number]

export interface NewIssuer {
  readonly id: string
  readonly identifier: string
  readonly verificationMethod: string
}

/**
 * Gives a client an identity that issues credentials, with a key in the token.
 * @throws Refusal invalid_request where there is no such client
 */
export async function makeIssuer(
  ctx: Context,
  asked: {
    readonly clientId: string
    readonly keyType: KeyType
    readonly method: IssuerMethod
    readonly actor: string
  },
): Promise<NewIssuer> {
  const { clientId, keyType, method, actor } = asked
  if ((await findClient(ctx.db, clientId)) === undefined)
    throw new Refusal('invalid_request', 'There is no such client.')
  const id = randomUUID()
  // 1. The key. If we die after it, it is an enabled key that nobody's row names, and signs nothing.
  const key = await makeKey(ctx, { keyType, purpose: 'credential-issuing', actor })
  const identifier = method === 'key' ? didKeyOf(key) : didWebOf(ctx, id)
  const entered = await entering(ctx, { id, clientId, identifier }, key)
  // 2. Whose it is.
  await ctx.db.transaction(async (tx) => {
    await insertIssuer(tx, { id, clientId, identifier })
    await entered.store(tx)
    const subjects = [`issuer:${id}`, `client:${clientId}`, `key:${key.keyId}`]
    await insertAudit(tx, [auditEntry({ kind: 'act', act: 'issuer.create', actor, subjects })])
  })
  return { id, identifier, verificationMethod: entered.verificationMethod }
}

/**
 * Gives an issuer another key, which signs from now on. What the others signed stays good: its document names them all.
 * @throws Refusal not_found; conflict for a did:key, which is its key
 */
export async function rotateIssuer(
  ctx: Context,
  asked: { readonly issuerId: string; readonly keyType?: KeyType | undefined; readonly actor: string },
): Promise<NewIssuer> {
  const { issuerId, actor } = asked
  const [newest] = await keysOfIssuer(ctx, issuerId)
  if (newest === undefined) throw new Refusal('not_found', 'There is no such issuer.')
  const { identifier, clientId } = newest
  if (identifier.startsWith('did:key:'))
    throw new Refusal('conflict', 'A did:key is its key: make another issuer.')
  const keyType = asked.keyType ?? newest.key.keyType
  const key = await makeKey(ctx, { keyType, purpose: 'credential-issuing', actor })
  const entered = await entering(ctx, { id: issuerId, clientId, identifier }, key)
  await ctx.db.transaction(async (tx) => {
    await entered.store(tx)
    const subjects = [`issuer:${issuerId}`, `client:${clientId}`, `key:${key.keyId}`]
    await insertAudit(tx, [auditEntry({ kind: 'act', act: 'issuer.rotate', actor, subjects })])
  })
  return { id: issuerId, identifier, verificationMethod: entered.verificationMethod }
}

/** The row of a key with its seal. */
async function entering(
  ctx: Context,
  issuer: { readonly id: string; readonly clientId: string; readonly identifier: string },
  key: KeyRecord,
): Promise<{ readonly verificationMethod: string; readonly store: (tx: Queries) => Promise<void> }> {
  const { id: issuerId, clientId, identifier } = issuer
  const { keyId } = key
  const [scheme] = keyTypes[key.keyType].schemes
  if (scheme === undefined) throw new Error('a key type without a scheme')
  const verificationMethod = methodOf(identifier, key)
  const seal = await issuerKeySeal(ctx, { keyId, issuerId, clientId, identifier, verificationMethod, scheme })
  const row = { issuerId, keyId, verificationMethod, scheme, seal }
  return { verificationMethod, store: (tx) => insertIssuerKey(tx, row) }
}

/** Its document is at {baseUrl}/issuers/{id}/did.json (did:web, 2.5.2). */
function didWebOf(ctx: Context, id: string): string {
  const { host } = new URL(ctx.config.baseUrl)
  return `did:web:${host.replace(':', '%3A')}:issuers:${id}`
}
