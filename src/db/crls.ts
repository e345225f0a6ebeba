/** Revocation lists: what they are made of, whose turn it is, and what was published. src/pki/crlPublisher.ts has the order. */
import { REVOKED_AT } from './certificateStatus.ts'
import { one, type Database, type Queries } from './database.ts'
import { listedReasons, SHARD_OF } from './revocations.ts'

/** A list whose next number is ours to publish. */
export interface TakenList {
  readonly id: string
  readonly issuerId: string
  /** Null: the whole one. */
  readonly shard: number | null
  readonly number: number
}

/**
 * Enters the lists of every authority that there is: the whole one, and shards. Of an authority that issues to end entities
 * (its profile is one of these) all of them; of one above, those that the few authorities below it name.
 */
export async function enterLists(
  q: Queries,
  { sharded, shards }: { readonly sharded: readonly string[]; readonly shards: number },
): Promise<void> {
  await q.query({
    // The few authorities first: every minute, and not through all certificates.
    text: `with authority as materialized (
             select c.id, c.profile from key k join certificate c on c.key_id = k.id
              where k.purpose = 'ca' and c.state in ('issued', 'suspended', 'revoked') and c.not_after > now())
           insert into crl_list (issuer_id, shard)
           select c.id, s.shard
             from authority c
             cross join lateral (
               select null::int as shard union all
               select generate_series(0, $2::int - 1) where c.profile = any($1::text[]) union
               select (get_byte(b.serial, octet_length(b.serial) - 1) & 127)
                 from key o join certificate b on b.key_id = o.id and b.issuer_id = c.id where o.purpose = 'ca') s
            where not exists (select from crl_list l where l.issuer_id = c.id and l.shard is not distinct from s.shard)
           on conflict do nothing`,
    values: [sharded, shards],
  })
}

/**
 * Takes lists that are due: those that were never published, whose refreshing has come, or that lack a change. Each gets
 * its next number, which is accounted for from here on; numbers that somebody took and never published are void.
 */
export async function takeLists(
  q: Queries,
  by: {
    readonly instanceId: string
    readonly limit: number
    /** Only what was never published. */
    readonly first?: boolean
  },
): Promise<TakenList[]> {
  const rows = await q.query<Omit<TakenList, 'number'> & { number: string }>({
    name: 'crl-take',
    text: `with due as materialized (
        select l.id from crl_list l join certificate c on c.id = l.issuer_id
         where (l.instance is null or l.instance = $1::uuid
                or not exists (select from instance i where i.id = l.instance and i.lease_until > now()))
           and c.not_after > now() and coalesce(l.retry_at, now()) <= now()
           and (l.published is null or not $3::boolean)
           and (l.published is null or l.refresh_at <= now()
                or (l.earliest_at <= now()
                    and case when l.shard is null
                        then exists (select from status_change s where s.issuer_id = l.issuer_id and s.in_whole_at is null)
                        else exists (select from status_change s where s.issuer_id = l.issuer_id and s.shard = l.shard
                                        and s.shard is not null and s.in_shard_at is null) end))
         order by l.issuer_id, l.shard nulls first limit $2::int for update of l skip locked),
      void as (
        update crl set state = 'void' from due where crl.list_id = due.id and crl.state = 'planned'),
      taken as (
        update crl_list l set instance = $1::uuid, number = l.number + 1 from due where l.id = due.id
        returning l.id, l.issuer_id, l.shard, l.number),
      planned as (
        insert into crl (list_id, number, state) select id, number, 'planned' from taken)
      select id, issuer_id as "issuerId", shard, number from taken order by issuer_id, shard nulls first`,
    values: [by.instanceId, by.limit, by.first ?? false],
  })
  return rows.map((row) => ({ ...row, number: Number(row.number) }))
}

/** Lists that came to nothing: tried again after a while, by anybody. */
export async function giveBackLists(
  q: Queries,
  {
    ids,
    instanceId,
    retryS,
  }: { readonly ids: readonly string[]; readonly instanceId: string; readonly retryS: number },
): Promise<void> {
  await q.query({
    text: `update crl_list set instance = null, retry_at = now() + $3::int * interval '1 second'
            where id = any($1::uuid[]) and instance = $2::uuid`,
    values: [ids, instanceId, retryS],
  })
}

/** Entries that come at once: to write so many keeps everybody else waiting for some 5 ms. */
const PAGE = 20_000

/** i16, as src/pki/crl.ts reads it. */
const REASON_CODE = `int2send((case when state = 'suspended' then ${listedReasons.certificateHold} else case revocation_reason
  ${Object.entries(listedReasons)
    .map(([name, code]) => `when '${name}' then ${code}`)
    .join(' ')} else 0 end end)::int2)`

const packedPage = (where: string): string => `select string_agg(
    int2send(octet_length(serial)::int2) || serial
    || int8send(floor(extract(epoch from ${REVOKED_AT}))::bigint) || ${REASON_CODE}, ''::bytea order by serial) as packed
  from (select serial, state, revocation_reason, suspended_at, revoked_at from certificate
         where issuer_id = $1::uuid and ${where} and state in ('suspended', 'revoked') and ${REVOKED_AT} is not null
           and serial > $2::bytea
         order by serial limit ${PAGE}) as listed`

const WHOLE = packedPage('true')
const SHARD = packedPage(`(${SHARD_OF}) = $3::int`)

/** A list's entries in the order of their serials, packed, a page at a time. @param q one transaction that sees one state */
export async function* listedEntries(
  q: Queries,
  { issuerId, shard }: Pick<TakenList, 'issuerId' | 'shard'>,
): AsyncGenerator<Buffer> {
  const pageAfter = async (serial: Buffer): Promise<Buffer | null> => {
    const values = shard === null ? [issuerId, serial] : [issuerId, serial, shard]
    const [name, text] = shard === null ? ['crl-whole', WHOLE] : ['crl-shard', SHARD]
    return one(await q.query<{ packed: Buffer | null }>({ name, text, values })).packed
  }
  let next = pageAfter(Buffer.alloc(0))
  for (;;) {
    const packed = await next
    if (packed === null) return
    const { last, count } = lastSerial(packed)
    if (count < PAGE) {
      yield packed
      return
    }
    // Postgres is at the next page while this one is written.
    next = pageAfter(last)
    // Whoever reads no further, or fails meanwhile, is not told of it here; who reads on, is.
    next.catch(() => undefined)
    yield packed
  }
}

function lastSerial(packed: Buffer): { readonly last: Buffer; readonly count: number } {
  let [count, start, end] = [0, 0, 0]
  for (let at = 0; at < packed.length; at = end + 10, count++) {
    start = at + 2
    end = start + packed.readUInt16BE(at)
  }
  return { last: Buffer.from(packed.subarray(start, end)), count }
}

/** Entries of the whole list of an issuer. */
export async function countListed(q: Queries, issuerId: string): Promise<number> {
  const { count } = one(
    await q.query<{ count: number }>({
      text: `select count(*)::int as count from certificate
              where issuer_id = $1::uuid and state in ('suspended', 'revoked')`,
      values: [issuerId],
    }),
  )
  return count
}

/** Changes that no list of these knows of yet. */
export async function changesFor(
  q: Queries,
  { issuerId, shard }: Pick<TakenList, 'issuerId' | 'shard'>,
): Promise<string[]> {
  const where =
    shard === null ? 'in_whole_at is null' : 'shard = $2::int and shard is not null and in_shard_at is null'
  const rows = await q.query<{ id: string }>({
    text: `select id from status_change where issuer_id = $1::uuid and ${where}`,
    values: shard === null ? [issuerId] : [issuerId, shard],
  })
  return rows.map(({ id }) => id)
}

/** Octets of a stored part: a reader that is slow holds no more. */
export const PART_OCTETS = 1024 * 1024
/** Lists of which the octets are kept: those that somebody may be reading, and what an operator may want to look at. */
const KEPT = 3

export interface PublishedList {
  readonly list: TakenList
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly entries: number
  readonly der: Buffer
  readonly sha256: Buffer
  /** What it is the first to know of. */
  readonly changes: readonly string[]
  /** Seconds until it is made anew though nothing changes, and until it may be where something does. */
  readonly refreshS: number
  readonly pauseS: number
}

/**
 * From here on relying parties get this one, and its changes are published.
 * @throws Error where the list was taken over by somebody else meanwhile: its number is void
 */
export async function storePublished(tx: Queries, made: PublishedList): Promise<void> {
  const { list, der } = made
  const known = list.shard === null ? 'in_whole_at' : 'in_shard_at'
  const rows = await tx.query({
    text: `with published as (
        update crl set state = 'published', this_update = $3::timestamptz, next_update = $4::timestamptz,
                       entries = $5::int, octets = $6::bigint, sha256 = $7::bytea, published_at = now()
         where list_id = $1::uuid and number = $2::bigint and state = 'planned' returning 1),
      newest as (
        update crl_list set published = $2::bigint, instance = null, retry_at = null,
               refresh_at = $3::timestamptz + $8::int * interval '1 second', earliest_at = now() + $9::int * interval '1 second'
         where id = $1::uuid and exists (select from published)),
      told as (update status_change set ${known} = now() where id = any($10::uuid[]) and exists (select from published)),
      gone as (delete from crl_part where list_id = $1::uuid and number <= $2::bigint - ${KEPT})
      select from published`,
    values: [
      ...[list.id, list.number, made.thisUpdate, made.nextUpdate, made.entries, der.length, made.sha256],
      ...[made.refreshS, made.pauseS, made.changes],
    ],
  })
  if (rows.length !== 1) throw new Error('a revocation list was taken over by another process')
  for (let at = 0, part = 0; at < der.length; at += PART_OCTETS, part++) {
    await tx.query({
      text: `insert into crl_part (list_id, number, part, octets) values ($1::uuid, $2::bigint, $3::int, $4::bytea)`,
      values: [list.id, list.number, part, der.subarray(at, at + PART_OCTETS)],
    })
  }
}

/** One state of the database for everything in `work`; it must have no other effects. @param work.now its time */
export async function oneState<T>(db: Database, work: (q: Queries, now: Date) => Promise<T>): Promise<T> {
  return db.transaction(async (tx) => {
    await tx.query({ text: 'set transaction isolation level repeatable read, read only' })
    // The first statement decides which state, so its time is not before that of anything in it.
    const { now } = one(
      await tx.query<{ now: Date }>({ text: `select date_trunc('second', clock_timestamp()) as now` }),
    )
    return work(tx, now)
  })
}
