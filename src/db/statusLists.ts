/** Status lists: who gets which entry, whose turn it is to publish, and what was published. */
import type { Queries } from './database.ts'

/** Positions of a list that are ours, and what makes indices of them. */
export interface TakenPositions {
  readonly listId: string
  readonly first: number
  readonly length: number
  readonly shuffle: Buffer
}

/**
 * Takes so many positions of the issuer's newest list, for good: a short statement of its own, so that nobody waits for
 * what is issued with them.
 * @returns undefined where there is no list that was published and has room
 */
export async function takePositions(
  q: Queries,
  { issuerId, count }: { readonly issuerId: string; readonly count: number },
): Promise<TakenPositions | undefined> {
  const [row] = await q.query<TakenPositions>({
    name: 'status-take-positions',
    text: `update status_list l set taken = l.taken + $2::int
            where l.id = (select id from status_list where issuer_id = $1::uuid order by number desc limit 1)
              and l.taken + $2::int <= l.length and l.octets is not null
           returning l.id as "listId", l.taken - $2::int as first, l.length, l.shuffle`,
    values: [issuerId, count],
  })
  return row
}

export interface NewList {
  readonly id: string
  readonly issuerId: string
  readonly length: number
  readonly shuffle: Buffer
}

/** The issuer's next list, unless one with room for `count` is there, or being made. */
export async function insertList(
  q: Queries,
  { list, count }: { list: NewList; count: number },
): Promise<void> {
  await q.query({
    text: `insert into status_list (id, issuer_id, number, length, shuffle)
           select $1::uuid, $2::uuid, coalesce(max(number) + 1, 0), $3::int, $4::bytea
             from status_list where issuer_id = $2::uuid
           having coalesce(bool_and(taken + $5::int > length), true)
           on conflict (issuer_id, number) do nothing`,
    values: [list.id, list.issuerId, list.length, list.shuffle, count],
  })
}

/** Whether a replica that is alive is at the issuer's next list. */
export async function isListBeingMade(q: Queries, issuerId: string): Promise<boolean> {
  const rows = await q.query({
    name: 'status-list-being-made',
    text: `select from status_list l join instance i on i.id = l.instance and i.lease_until > now()
            where l.issuer_id = $1::uuid and l.octets is null`,
    values: [issuerId],
  })
  return rows.length > 0
}

export interface NewEntry {
  readonly listId: string
  readonly index: number
  readonly credentialId: string | undefined
  /** What the credential names it for; undefined: everything. */
  readonly purposes: readonly string[] | undefined
}

export async function insertEntries(q: Queries, entries: readonly NewEntry[]): Promise<void> {
  await q.query({
    name: 'status-insert-entries',
    text: `insert into status_entry (list_id, index, credential_id, purposes)
           select list_id, index, credential_id, string_to_array(purposes, ' ')
             from unnest($1::uuid[], $2::int[], $3::text[], $4::text[]) as made(list_id, index, credential_id, purposes)`,
    values: [
      entries.map(({ listId }) => listId),
      entries.map(({ index }) => index),
      entries.map(({ credentialId }) => credentialId ?? null),
      entries.map(({ purposes }) => purposes?.join(' ') ?? null),
    ],
  })
}

export interface EntryRow {
  readonly listId: string
  readonly index: number
  readonly status: number
  readonly issuerId: string
  /** What the credential names it for; null: everything. */
  readonly purposes: readonly string[] | null
}

/** A client's entries of a credential, two at most: of several with one id, the one that is named. */
export async function findEntries(
  q: Queries,
  by: {
    readonly clientId: string
    readonly credentialId: string
    readonly entry?: { readonly listId: string; readonly index: number } | undefined
  },
): Promise<EntryRow[]> {
  return q.query<EntryRow>({
    text: `select e.list_id as "listId", e.index, e.status, l.issuer_id as "issuerId", e.purposes
             from status_entry e join status_list l on l.id = e.list_id
             join credential_issuer i on i.id = l.issuer_id and i.client_id = $1::text
            where e.credential_id = $2::text
              and ($3::uuid is null or (e.list_id = $3::uuid and e.index = $4::int))
            order by l.number desc limit 2`,
    values: [by.clientId, by.credentialId, by.entry?.listId ?? null, by.entry?.index ?? null],
  })
}

/** @returns false where its status is not any more what it was changed from */
export async function changeEntry(
  q: Queries,
  change: { readonly listId: string; readonly index: number; readonly from: number; readonly to: number },
): Promise<boolean> {
  const rows = await q.query({
    text: `update status_entry set status = $4::smallint, is_published = false, changed_at = now()
            where list_id = $1::uuid and index = $2::int and status = $3::smallint returning 1`,
    values: [change.listId, change.index, change.from, change.to],
  })
  return rows.length === 1
}

/** The status that an entry has now, published or not, and the DID of the list's issuer. */
export async function statusOf(
  q: Queries,
  entry: { readonly listId: string; readonly index: number },
): Promise<{ readonly status: number; readonly issuer: string } | undefined> {
  const [row] = await q.query<{ status: number; issuer: string }>({
    name: 'status-of',
    text: `select e.status, i.identifier as issuer from status_entry e
             join status_list l on l.id = e.list_id join credential_issuer i on i.id = l.issuer_id
            where e.list_id = $1::uuid and e.index = $2::int`,
    values: [entry.listId, entry.index],
  })
  return row
}
