import { randomUUID } from 'node:crypto'
import type { AuditEntry } from '../audit.ts'
import { AUDIT_INSERT, auditColumns, auditUnnest } from './audit.ts'
import { byteas, texts, uuids } from './binary.ts'
import { one, type Queries } from './database.ts'
import { grouped } from './groupCommit.ts'

/** What is known of a timestamp before it is made. */
export interface TimestampRecord {
  /** Contents of its serial number: not negative, as short as can be. */
  readonly serial: Buffer
  /** The unit's. */
  readonly certificateId: string
  readonly hash: string
  readonly imprint: Buffer
}

export interface TimestampReservation extends TimestampRecord {
  readonly attempt: string
  readonly keyId: string
  readonly instanceId: string
  readonly intent: AuditEntry
}

/** Minutes after which the permit is dead: it is redeemed at once or not at all. */
const PERMIT_MINUTES = 1

const RESERVE = `with asked as materialized (
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $6::bytea[], $7::bytea[], $8::text[])
      as a(id, attempt, key_id, certificate_id, serial, imprint, hash)),
  made as (
    insert into authorisation (id, key_id, bound, count, expires_at)
    select asked.id, asked.key_id, true, 1, now() + interval '${PERMIT_MINUTES} minute'
      from asked
      join key k on k.id = asked.key_id and k.state = 'enabled'
      join certificate c on c.id = asked.certificate_id and c.key_id = k.id and c.state = 'issued'
       and c.not_before <= now() and c.not_after > now()
    returning id),
  opened as (
    insert into attempt (id, authorisation_id, instance)
    select asked.attempt, asked.id, $5::uuid from asked join made using (id) returning id),
  taken as (
    insert into authorised_hash (authorisation_id, position, digest, attempt)
    select asked.id, 1, asked.imprint, asked.attempt from asked join made using (id) returning 1),
  numbered as (
    insert into timestamp_token (serial, attempt, certificate_id, hash, imprint)
    select asked.serial, asked.attempt, asked.certificate_id, asked.hash, asked.imprint
      from asked join made using (id) returning 1),
  intent as (
    ${AUDIT_INSERT} from ${auditUnnest(9)} join opened on opened.id = entry.signature_id returning 1)
  select id as attempt from opened`

/**
 * Transaction 1 of a timestamp: its serial number is taken for good, the attempt opened, and the audit intent written.
 * @returns false where the unit does not serve any more: its key is not enabled, its certificate revoked or over
 */
export const reserveTimestamp = grouped<TimestampReservation, boolean>({
  name: 'timestamp-reserve',
  rows: () => 1,
  flush: async (db, items) => {
    const rows = await db.query<{ attempt: string }>({
      name: 'timestamp-reserve',
      text: RESERVE,
      values: [
        uuids(items.map(() => randomUUID())),
        uuids(items.map((item) => item.attempt)),
        uuids(items.map((item) => item.keyId)),
        uuids(items.map((item) => item.certificateId)),
        items[0]?.instanceId ?? null,
        byteas(items.map((item) => item.serial)),
        byteas(items.map((item) => item.imprint)),
        texts(items.map((item) => item.hash)),
        ...auditColumns(items.map((item) => item.intent)),
      ],
    })
    const opened = new Set(rows.map((row) => row.attempt))
    return items.map((item) => opened.has(item.attempt))
  },
})

export interface TimestampCompletion {
  readonly attempt: string
  readonly serial: Buffer
  readonly genTime: Date
  readonly result: AuditEntry
}

const COMPLETE = `with closed as (delete from attempt where id = any($1::uuid[]) returning id),
  dated as (
    update timestamp_token t set gen_time = d.at::timestamptz
      from unnest($1::uuid[], $2::bytea[], $3::text[]) as d(attempt, serial, at) join closed on closed.id = d.attempt
     where t.serial = d.serial),
  result as (
    ${AUDIT_INSERT} from ${auditUnnest(4)} join closed on closed.id = entry.signature_id returning 1)
  select id from closed`

/**
 * Transaction 2 of a timestamp, as complete() is of a signature.
 * @returns false when the attempt was closed meanwhile: then nothing may leave
 */
export const completeTimestamp = grouped<TimestampCompletion, boolean>({
  name: 'timestamp-complete',
  rows: () => 1,
  flush: async (db, items) => {
    const rows = await db.query<{ id: string }>({
      name: 'timestamp-complete',
      text: COMPLETE,
      values: [
        uuids(items.map((item) => item.attempt)),
        byteas(items.map((item) => item.serial)),
        texts(items.map((item) => item.genTime.toISOString())),
        ...auditColumns(items.map((item) => item.result)),
      ],
    })
    const closed = new Set(rows.map((row) => row.id))
    return items.map((item) => closed.has(item.attempt))
  },
})

/** The database's clock, in milliseconds since 1970. */
export async function databaseTime(q: Queries): Promise<number> {
  const { now } = one(
    await q.query<{ now: string }>({
      name: 'database-time',
      text: 'select (extract(epoch from clock_timestamp()) * 1000)::bigint as now',
    }),
  )
  return Number(now)
}
