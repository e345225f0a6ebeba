import { createPublicKey } from 'node:crypto'
import { calculateJwkThumbprint, type JWK } from 'jose'
import type { KeyType, SchemeName } from '../../hsm/algorithms.ts'
import type { KeyRecord, Sealed } from '../../hsm/records.ts'
import { TokenError } from '../../hsm/token.ts'
import type { Context } from '../context.ts'
import { keyRecord, listKeys, newestKey, type KeyRow } from '../db/keys.ts'
import { oneAtATime } from '../db/startLock.ts'
import { Refusal } from '../refusal.ts'
import { makeKey } from '../signing/makeKey.ts'

/** What notifications are signed with, and messages to the operator's gateway, under another tag; and nothing else. */
const PURPOSE = 'notification'
/** Few receivers know more than this one. */
const KEY_TYPE = 'P-256'
/** Enabled at a time: two, while one replaces another. */
const KEYS_MAX = 100

interface Way {
  readonly scheme: SchemeName
  /** RFC 9421, 6.2.2. */
  readonly alg: string
}

/** TABLE of key types and how they sign messages (RFC 9421, 3.3). What is not here signs none. */
const ways: Readonly<Partial<Record<KeyType, Way>>> = {
  'P-256': { scheme: 'ecdsa-sha256', alg: 'ecdsa-p256-sha256' },
  'P-384': { scheme: 'ecdsa-sha384', alg: 'ecdsa-p384-sha384' },
  Ed25519: { scheme: 'ed25519', alg: 'ed25519' },
}

export interface NotificationKey extends Way {
  readonly key: Sealed<KeyRecord>
  /** RFC 7638. */
  readonly keyid: string
}

/**
 * Makes the first key, where there is none: when an operator gives a client the first address, and at a start with a gateway
 * for messages, so that receivers find the key before what it signs. Later ones are made by `intaglio token generate notification`.
 * @throws Refusal 'conflict' where no token makes such keys
 */
export async function ensureNotificationKey(ctx: Context, actor: string): Promise<void> {
  if ((await newestKey(ctx.db, PURPOSE)) !== undefined) return
  try {
    ctx.token.makerOf(PURPOSE)
  } catch (error) {
    if (!(error instanceof TokenError)) throw error
    throw new Refusal('conflict', `No token makes keys for '${PURPOSE}': the configuration says so.`)
  }
  await oneAtATime(ctx.db, async () => {
    if ((await newestKey(ctx.db, PURPOSE)) === undefined)
      await makeKey(ctx, { keyType: KEY_TYPE, purpose: PURPOSE, actor })
  })
}

/** The newest that is enabled and can sign messages; undefined: there is none. */
export async function notificationKey(ctx: Context): Promise<NotificationKey | undefined> {
  const row = (await enabledKeys(ctx)).at(-1)
  const way = row && ways[row.keyType]
  if (row === undefined || way === undefined) return undefined
  const key = keyRecord(row)
  return { ...way, key, keyid: await calculateJwkThumbprint(jwkOf(key.spki)) }
}

/** The public halves of all that are enabled (RFC 7517, 5): what receivers verify with. */
export async function notificationKeySet(ctx: Context): Promise<{ readonly keys: readonly JWK[] }> {
  const rows = await enabledKeys(ctx)
  const keys = rows.map(async (row) => {
    const jwk = jwkOf(keyRecord(row).spki)
    return { ...jwk, kid: await calculateJwkThumbprint(jwk), use: 'sig' }
  })
  return { keys: await Promise.all(keys) }
}

/** Oldest first. */
async function enabledKeys(ctx: Context): Promise<KeyRow[]> {
  const rows = await listKeys(ctx.db, { limit: KEYS_MAX, purpose: PURPOSE })
  return rows.filter((row) => row.state === 'enabled' && ways[row.keyType] !== undefined)
}

function jwkOf(spki: Buffer): JWK {
  return createPublicKey({ key: spki, format: 'der', type: 'spki' }).export({ format: 'jwk' })
}
