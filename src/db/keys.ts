import type { KeyType } from '../../hsm/algorithms.ts'
import type { Purpose } from '../../hsm/purposes.ts'
import type { ActivationRecord, KeyRecord, Sealed } from '../../hsm/records.ts'
import type { Queries } from './database.ts'

export type KeyState = 'planned' | 'enabled' | 'disabled' | 'destroyed'

export interface KeyRow {
  readonly id: string
  readonly tokenSerial: string
  readonly ckaId: Buffer
  readonly keyType: KeyType
  readonly purpose: Purpose
  readonly spki: Buffer | null
  readonly seal: Buffer | null
  readonly state: KeyState
  readonly createdAt: Date
}

const COLUMNS = `id, token_serial as "tokenSerial", cka_id as "ckaId", key_type as "keyType", purpose, spki, seal,
  state, created_at as "createdAt"`

/** The intent to make a key: stored before the token is asked, so that a crash leaves no handle that nobody knows. */
export async function planKey(
  q: Queries,
  key: Pick<KeyRow, 'id' | 'tokenSerial' | 'ckaId' | 'keyType' | 'purpose'>,
): Promise<void> {
  await q.query({
    text: `insert into key (id, token_serial, cka_id, key_type, purpose, state)
           values ($1::uuid, $2::text, $3::bytea, $4::text, $5::text, 'planned')`,
    values: [key.id, key.tokenSerial, key.ckaId, key.keyType, key.purpose],
  })
}

/** What the token made. Only a key that is still planned takes it. */
export async function storeKey(
  q: Queries,
  made: { readonly key: Sealed<KeyRecord>; readonly activation?: Sealed<ActivationRecord> | undefined },
): Promise<void> {
  const rows = await q.query({
    text: `update key set spki = $2::bytea, seal = $3::bytea, state = 'enabled'
            where id = $1::uuid and state = 'planned' returning id`,
    values: [made.key.keyId, made.key.spki, made.key.seal],
  })
  if (rows.length !== 1) throw new Error('the key is not planned any more')
  const { activation } = made
  if (activation === undefined) return
  await q.query({
    text: `insert into activation (key_id, salt, memory_kib, passes, lanes, secrets, verifier, seal)
           values ($1::uuid, $2::bytea, $3::int, $4::int, $5::int, $6::int, $7::bytea, $8::bytea)`,
    values: [
      activation.keyId,
      activation.salt,
      activation.memoryKiB,
      activation.passes,
      activation.lanes,
      activation.secrets,
      activation.verifier,
      activation.seal,
    ],
  })
}

export async function findKey(q: Queries, id: string): Promise<KeyRow | undefined> {
  const rows = await q.query<KeyRow>({
    name: 'key-find',
    text: `select ${COLUMNS} from key where id = $1::uuid`,
    values: [id],
  })
  return rows[0]
}

/** In order of making; `after` is the id of the last key of the page before. */
export async function listKeys(
  q: Queries,
  query: { readonly limit: number; readonly after?: string; readonly purpose?: Purpose },
): Promise<KeyRow[]> {
  return q.query<KeyRow>({
    text: `select ${COLUMNS} from key
            where ($2::uuid is null
                   or (created_at, id) > ((select created_at from key where id = $2::uuid), $2::uuid))
              and ($3::text is null or purpose = $3::text)
            order by created_at, id limit $1::int`,
    values: [query.limit, query.after ?? null, query.purpose ?? null],
  })
}

/** The enabled key of a service's purpose, newest first: several may serve while one replaces another. */
export async function newestKey(q: Queries, purpose: Purpose): Promise<KeyRow | undefined> {
  const rows = await q.query<KeyRow>({
    text: `select ${COLUMNS} from key where purpose = $1::text and state = 'enabled'
            order by created_at desc, id desc limit 1`,
    values: [purpose],
  })
  return rows[0]
}

/** @returns false when the key is not in a state that allows it (planned and destroyed keys stay what they are). */
export async function setKeyState(q: Queries, id: string, state: 'enabled' | 'disabled'): Promise<boolean> {
  const rows = await q.query({
    text: `update key set state = $2::text where id = $1::uuid and state in ('enabled', 'disabled') returning id`,
    values: [id, state],
  })
  return rows.length === 1
}

export async function markDestroyed(q: Queries, id: string): Promise<void> {
  await q.query({
    text: `update key set state = 'destroyed', destroyed_at = now() where id = $1::uuid`,
    values: [id],
  })
}

/** Keys whose making never ended: older than any request lives, so no process is still at it. */
export async function stalePlannedKeys(
  q: Queries,
  tokenSerial: string,
  olderThanS: number,
): Promise<KeyRow[]> {
  return q.query<KeyRow>({
    text: `select ${COLUMNS} from key
            where state = 'planned' and token_serial = $1::text
              and created_at < now() - $2::int * interval '1 second'`,
    values: [tokenSerial, olderThanS],
  })
}

/** Whether this token was ever used by this database: a token without its service secrets is then the wrong one. */
export async function knowsToken(q: Queries, tokenSerial: string): Promise<boolean> {
  const rows = await q.query({
    text: `select 1 from key where token_serial = $1::text limit 1`,
    values: [tokenSerial],
  })
  return rows.length > 0
}

/** Tokens that hold keys of this database, and how many each. */
export async function tokensOfKeys(q: Queries): Promise<{ serial: string; keys: number }[]> {
  return q.query<{ serial: string; keys: number }>({
    text: `select token_serial as serial, count(*)::int as keys from key where state <> 'destroyed'
            group by token_serial order by token_serial`,
  })
}

/** The sealed record of a row that has one. */
export function keyRecord(row: KeyRow): Sealed<KeyRecord> {
  if (row.spki === null || row.seal === null) throw new Error('the key was never made')
  return {
    keyId: row.id,
    tokenSerial: row.tokenSerial,
    ckaId: row.ckaId,
    keyType: row.keyType,
    purpose: row.purpose,
    spki: row.spki,
    seal: row.seal,
  }
}
