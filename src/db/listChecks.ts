/** What the checks of published lists look at. */
import { one, type Queries } from './database.ts'
import { listPart } from './publishedLists.ts'
import { listedReasons, SHARD_OF } from './revocations.ts'

/** A list, and how it was published last. */
export interface CheckedList {
  readonly id: string
  readonly issuerId: string
  readonly shard: number | null
  /** The last number that was given. */
  readonly given: number
  /** Of the one that relying parties get, and all that is recorded of it; null: there is none. */
  readonly number: number | null
  readonly state: string | null
  readonly thisUpdate: Date | null
  readonly nextUpdate: Date | null
  readonly entries: number | null
  readonly octets: number | null
  readonly sha256: Buffer | null
}

const LIVE = `l.issuer_id in (select id from certificate where not_after > now())`

/** Lists of authorities that have not ended, in the order of their ids. */
export async function checkedLists(
  q: Queries,
  query: { readonly limit: number; readonly after?: string | undefined },
): Promise<CheckedList[]> {
  return q.query<CheckedList>({
    text: `${SELECT} where ${LIVE} and ($2::uuid is null or l.id > $2::uuid) order by l.id limit $1::int`,
    values: [query.limit, query.after ?? null],
  })
}

const SELECT = `select l.id, l.issuer_id as "issuerId", l.shard, l.number::float8 as given, c.number::float8 as number,
         c.state, c.this_update as "thisUpdate", c.next_update as "nextUpdate", c.entries, c.octets::float8 as octets, c.sha256
    from crl_list l left join crl c on c.list_id = l.id and c.number = l.published`

/** The same, as it is in this state of the database. */
export async function checkedList(q: Queries, id: string): Promise<CheckedList> {
  return one(await q.query<CheckedList>({ text: `${SELECT} where l.id = $1::uuid`, values: [id] }))
}

export async function countCheckedLists(q: Queries): Promise<number> {
  const { count } = one(
    await q.query<{ count: number }>({ text: `select count(*)::int as count from crl_list l where ${LIVE}` }),
  )
  return count
}

/** Numbers of a list that are not as they should be; each empty where all are. */
export interface NumberProblems {
  /** Of those that were given, how many are not accounted for. */
  readonly missing: number
  /** Planned, though a later one was given. */
  readonly open: number
  /** Published, and not later than one with a lower number. */
  readonly disordered: number
  /** Published beyond the one that relying parties get, or beyond what was given. */
  readonly beyond: number
}

export async function numberProblems(q: Queries, listId: string): Promise<NumberProblems> {
  return one(
    await q.query<NumberProblems>({
      text: `with l as (select number, published from crl_list where id = $1::uuid),
               n as (select c.*, max(this_update) filter (where state = 'published')
                              over (order by number rows between unbounded preceding and 1 preceding) as before
                       from crl c where list_id = $1::uuid)
             select (select number - (select count(*) from n where n.number between 1 and l.number) from l)::int as missing,
                    (select count(*) from n, l where n.state = 'planned' and n.number < l.number)::int as open,
                    (select count(*) from n where n.state = 'published' and n.this_update < n.before)::int as disordered,
                    (select count(*) from n, l where n.number > l.number
                        or (n.state = 'published' and n.number > coalesce(l.published, 0)))::int as beyond`,
      values: [listId],
    }),
  )
}

/** The octets of a list in one piece; shorter than was recorded where parts are missing. */
export async function listOctets(
  q: Queries,
  { id, number, octets }: { readonly id: string; readonly number: number; readonly octets: number },
): Promise<Buffer> {
  const whole = Buffer.allocUnsafe(octets)
  let at = 0
  for (let part = 0; ; part++) {
    const octetsOfPart = await listPart(q, { listId: id, number, part })
    if (octetsOfPart === undefined) return whole.subarray(0, at)
    // More than was recorded: its hash is another one.
    at += octetsOfPart.copy(whole, at)
  }
}

export interface OlderEntry {
  readonly serial: Buffer
  /** Null: it was not in the list. */
  readonly seconds: number | null
  readonly reason: number
}

/** Certificates whose status was changed by something that the list does not know of, and how they stood in it. */
export async function changedSince(q: Queries, list: CheckedList): Promise<OlderEntry[]> {
  // Set when the first list with the change is published, in one transaction with it.
  const known = list.shard === null ? 'in_whole_at' : 'in_shard_at'
  const isKnown = `(s.${known} <= p.published_at)`
  const codes = Object.entries(listedReasons).map(([name, code]) => `when '${name}' then ${code}`)
  return q.query<OlderEntry>({
    text: `with p as (select published_at from crl where list_id = $1::uuid and number = $2::bigint)
           select c.serial,
                  case when b.change in ('revoke', 'suspend') then floor(extract(epoch from b.since))::float8 end as seconds,
                  case b.change when 'suspend' then ${listedReasons.certificateHold}
                                when 'revoke' then case b.reason ${codes.join(' ')} else 0 end else 0 end as reason
             from p cross join (select distinct s.certificate_id as id from status_change s, p
                                 where s.issuer_id = $3::uuid and ${isKnown} is not true
                                   and ($4::int is null or s.shard = $4::int)) changed
             join certificate c on c.id = changed.id
             left join lateral (
               select s.change, s.reason,
                      -- A hold that became a revocation began with the hold.
                      case when s.change = 'revoke' and lag(s.change) over at = 'suspend' then lag(s.decided_at) over at
                           else s.decided_at end as since
                 from status_change s where s.certificate_id = c.id and ${isKnown}
               window at as (order by s.decided_at, s.id)
                order by s.decided_at desc, s.id desc limit 1) b on true`,
    values: [list.id, list.number, list.issuerId, list.shard],
  })
}

/** A certificate that belongs to a list, if it has any: its octets. */
export async function oneOfShard(
  q: Queries,
  { issuerId, shard }: { readonly issuerId: string; readonly shard: number },
): Promise<Buffer | undefined> {
  const [row] = await q.query<{ tbs: Buffer }>({
    text: `select tbs from certificate where issuer_id = $1::uuid and ${SHARD_OF} = $2::int and der is not null
              and tbs is not null limit 1`,
    values: [issuerId, shard],
  })
  return row?.tbs
}
