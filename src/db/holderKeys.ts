import type { KeyType, SchemeName } from '../../hsm/algorithms.ts'
import type { Purpose } from '../../hsm/purposes.ts'
import type { KeyRecord, Sealed } from '../../hsm/records.ts'
import { sqlState, type Queries } from './database.ts'
import type { KeyState } from './keys.ts'

export type HolderKeyState = 'enabled' | 'disabled' | 'rotated' | 'deleted'
/** How a public key is written: type of its verification method. */
export type KeyForm = 'JsonWebKey' | 'Multikey'

/** A key of the key service, as its client knows it, with the key in the token. */
export interface HolderKeyRow {
  readonly keyId: string
  readonly clientId: string
  readonly id: string
  readonly identifier: string
  readonly scheme: SchemeName
  readonly form: KeyForm
  readonly activation: string
  readonly state: HolderKeyState
  readonly createdAt: Date
  readonly keyState: KeyState
  readonly tokenSerial: string
  readonly ckaId: Buffer
  readonly keyType: KeyType
  readonly purpose: Purpose
  readonly spki: Buffer
  readonly seal: Buffer
}

const COLUMNS = `h.key_id as "keyId", h.client_id as "clientId", h.id, h.identifier, h.scheme, h.form, h.activation, h.state,
  h.created_at as "createdAt", k.state as "keyState", k.token_serial as "tokenSerial", k.cka_id as "ckaId",
  k.key_type as "keyType", k.purpose, k.spki, k.seal`
const FROM = 'from holder_key h join key k on k.id = h.key_id'

export type NewHolderKey = Pick<
  HolderKeyRow,
  'keyId' | 'clientId' | 'id' | 'identifier' | 'scheme' | 'form' | 'activation'
>

/** SQLSTATE of a unique constraint that says no. */
const TAKEN = '23505'

/** @returns false where the client has a key with this id, or had one; the transaction is then void */
export async function insertHolderKey(tx: Queries, made: NewHolderKey): Promise<boolean> {
  try {
    await tx.query({
      text: `insert into holder_key (key_id, client_id, id, identifier, scheme, form, activation)
             values ($1::uuid, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text)`,
      values: [made.keyId, made.clientId, made.id, made.identifier, made.scheme, made.form, made.activation],
      answers: [TAKEN],
    })
    return true
  } catch (error) {
    if (sqlState(error) === TAKEN) return false
    throw error
  }
}

/** Whether an id is, or was, a key's: a guess that saves making a key in vain. The constraint decides. */
export async function isIdTaken(
  q: Queries,
  { clientId, id }: Pick<HolderKeyRow, 'clientId' | 'id'>,
): Promise<boolean> {
  const rows = await q.query({
    text: 'select 1 from holder_key where client_id = $1::text and id = $2::text',
    values: [clientId, id],
  })
  return rows.length > 0
}

/**
 * The keys that a name may mean: the one with this id, else those enabled with this identifier, two at most.
 * @param asked.clientId a client finds its own keys and no others
 */
export async function findHolderKeys(
  q: Queries,
  asked: { readonly clientId: string; readonly name: string },
): Promise<HolderKeyRow[]> {
  const rows = await q.query<HolderKeyRow>({
    name: 'holder-key-find',
    text: `select ${COLUMNS} ${FROM} where h.client_id = $1::text and h.id = $2::text and h.state <> 'deleted'
           union all
           (select ${COLUMNS} ${FROM}
             where h.client_id = $1::text and h.identifier = $2::text and h.id <> $2::text and h.state = 'enabled'
             limit 2)`,
    values: [asked.clientId, asked.name],
  })
  const exact = rows.filter((row) => row.id === asked.name)
  return exact.length > 0 ? exact : rows
}

/** The key with this very id; undefined also where it was deleted. */
export async function findHolderKey(
  q: Queries,
  { clientId, id }: Pick<HolderKeyRow, 'clientId' | 'id'>,
): Promise<HolderKeyRow | undefined> {
  const rows = await q.query<HolderKeyRow>({
    text: `select ${COLUMNS} ${FROM} where h.client_id = $1::text and h.id = $2::text and h.state <> 'deleted'`,
    values: [clientId, id],
  })
  return rows[0]
}

/** A client's keys in the order of making. @param query.after the key_id of the last one of the page before */
export async function listHolderKeys(
  q: Queries,
  query: { readonly clientId: string; readonly limit: number; readonly after?: string },
): Promise<HolderKeyRow[]> {
  return q.query<HolderKeyRow>({
    name: 'holder-key-list',
    text: `select ${COLUMNS} ${FROM}
            where h.client_id = $1::text and h.state <> 'deleted'
              and ($3::uuid is null
                   or (h.created_at, h.key_id)
                      > ((select created_at from holder_key where key_id = $3::uuid and client_id = $1::text), $3::uuid))
            order by h.created_at, h.key_id limit $2::int`,
    values: [query.clientId, query.limit, query.after ?? null],
  })
}

/** Of several who change a key's state one wins. @returns false when it was in none of the states that it may leave */
export async function setHolderKeyState(
  q: Queries,
  keyId: string,
  change: { readonly from: readonly HolderKeyState[]; readonly to: HolderKeyState },
): Promise<boolean> {
  const rows = await q.query({
    text: `update holder_key set state = $2::text where key_id = $1::uuid and state = any($3::text[]) returning 1`,
    values: [keyId, change.to, change.from],
  })
  return rows.length === 1
}

/** The sealed record of the key in the token. */
export function holderKeyRecord(row: HolderKeyRow): Sealed<KeyRecord> {
  const { keyId, tokenSerial, ckaId, keyType, purpose, spki, seal } = row
  return { keyId, tokenSerial, ckaId, keyType, purpose, spki, seal }
}
