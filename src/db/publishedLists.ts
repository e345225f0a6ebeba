import { one, type Queries } from './database.ts'

/** The list that relying parties get. */
export interface CurrentList {
  readonly listId: string
  readonly issuerId: string
  readonly shard: number | null
  readonly number: number
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly entries: number
  readonly octets: number
  readonly sha256: Buffer
}

const CURRENT = `select l.id as "listId", l.issuer_id as "issuerId", l.shard, c.number::float8 as number,
         c.this_update as "thisUpdate", c.next_update as "nextUpdate", c.entries, c.octets::float8 as octets, c.sha256
    from crl_list l join crl c on c.list_id = l.id and c.number = l.published`

export async function currentList(
  q: Queries,
  { issuerId, shard }: { readonly issuerId: string; readonly shard: number | null },
): Promise<CurrentList | undefined> {
  const [row] = await q.query<CurrentList>({
    name: 'crl-current',
    text: `${CURRENT} where l.issuer_id = $1::uuid and l.shard is not distinct from $2::int`,
    values: [issuerId, shard],
  })
  return row
}

/** Those of all issuers, the whole one of each first. */
export async function currentLists(q: Queries): Promise<CurrentList[]> {
  return q.query<CurrentList>({ text: `${CURRENT} order by l.issuer_id, l.shard nulls first` })
}

/** @returns undefined where it is gone: newer ones were published meanwhile */
export async function listPart(
  q: Queries,
  { listId, number, part }: { readonly listId: string; readonly number: number; readonly part: number },
): Promise<Buffer | undefined> {
  const [row] = await q.query<{ octets: Buffer }>({
    name: 'crl-part',
    text: `select octets from crl_part where list_id = $1::uuid and number = $2::bigint and part = $3::int`,
    values: [listId, number, part],
  })
  return row?.octets
}

/** How lists keep to their times. */
export interface ListHealth {
  /** Lists that are not there, or of whose time between refreshing and ending more than half is over. */
  readonly late: number
  /** Seconds that the oldest change which is not published has waited; 0: none waits. */
  readonly oldestChange: number
}

export async function listHealth(q: Queries): Promise<ListHealth> {
  return one(
    await q.query<ListHealth>({
      text: `select (select count(*) from crl_list l join certificate a on a.id = l.issuer_id and a.not_after > now()
                       left join crl c on c.list_id = l.id and c.number = l.published
                      where c.number is null or now() > l.refresh_at + (c.next_update - l.refresh_at) / 2)::int as late,
                    coalesce(extract(epoch from now() - least(
                      (select min(decided_at) from status_change where in_whole_at is null),
                      (select min(decided_at) from status_change where shard is not null and in_shard_at is null))), 0)::float8
                      as "oldestChange"`,
    }),
  )
}
