import type { PublicJwk, Role } from '../../config/operators.ts'
import { one, type Queries } from './database.ts'

export type CeremonyState = 'open' | 'running' | 'done' | 'abandoned'

export interface CeremonyRow {
  readonly id: string
  /** As it was submitted. */
  readonly plan: Buffer
  readonly planSha256: Buffer
  /** Null: the service's own, on a laptop and in tests. */
  readonly submittedBy: string | null
  readonly submittedAt: Date
  readonly expiresAt: Date
  readonly expired: boolean
  readonly state: CeremonyState
  readonly endedAt: Date | null
}

const COLUMNS = `id, plan, plan_sha256 as "planSha256", submitted_by as "submittedBy", submitted_at as "submittedAt",
  expires_at as "expiresAt", expires_at <= now() as expired, state, ended_at as "endedAt"`

export async function insertCeremony(
  q: Queries,
  made: Pick<CeremonyRow, 'id' | 'plan' | 'planSha256' | 'submittedBy' | 'expiresAt'>,
): Promise<void> {
  await q.query({
    text: `insert into ceremony (id, plan, plan_sha256, submitted_by, expires_at)
           values ($1::uuid, $2::bytea, $3::bytea, $4::uuid, $5::timestamptz)`,
    values: [made.id, made.plan, made.planSha256, made.submittedBy, made.expiresAt],
  })
}

export async function findCeremony(q: Queries, id: string): Promise<CeremonyRow | undefined> {
  const rows = await q.query<CeremonyRow>({
    text: `select ${COLUMNS} from ceremony where id = $1::uuid`,
    values: [id],
  })
  return rows[0]
}

/** The same, and nobody else changes it, approves it or begins it until the transaction ends. */
export async function lockCeremony(q: Queries, id: string): Promise<CeremonyRow | undefined> {
  const rows = await q.query<CeremonyRow>({
    text: `select ${COLUMNS} from ceremony where id = $1::uuid for no key update`,
    values: [id],
  })
  return rows[0]
}

/** In order of submission; `after` is the id of the last one of the page before. */
export async function listCeremonies(
  q: Queries,
  query: { readonly limit: number; readonly after?: string },
): Promise<CeremonyRow[]> {
  return q.query<CeremonyRow>({
    text: `select ${COLUMNS} from ceremony
            where $2::uuid is null
               or (submitted_at, id) > ((select submitted_at from ceremony where id = $2::uuid), $2::uuid)
            order by submitted_at, id limit $1::int`,
    values: [query.limit, query.after ?? null],
  })
}

/** The service's own that a start began and did not end. */
export async function unfinishedOwn(q: Queries): Promise<CeremonyRow | undefined> {
  const rows = await q.query<CeremonyRow>({
    text: `select ${COLUMNS} from ceremony where submitted_by is null and state in ('open', 'running')
            order by submitted_at desc limit 1`,
  })
  return rows[0]
}

export interface ApprovalRow {
  readonly operatorId: string
  readonly name: string
  readonly publicKey: PublicJwk
  readonly thumbprint: string
  readonly roles: Role[]
  readonly operatorState: 'enabled' | 'disabled'
  readonly signature: string
  readonly approvedAt: Date
}

/** @returns false where this operator approved it before. */
export async function insertApproval(
  q: Queries,
  made: { readonly ceremonyId: string; readonly operatorId: string; readonly signature: string },
): Promise<boolean> {
  const rows = await q.query({
    text: `insert into ceremony_approval (ceremony_id, operator_id, signature)
           values ($1::uuid, $2::uuid, $3::text) on conflict do nothing returning operator_id`,
    values: [made.ceremonyId, made.operatorId, made.signature],
  })
  return rows.length === 1
}

/** With the operators as they are now; oldest first. */
export async function approvalsOf(q: Queries, ceremonyId: string): Promise<ApprovalRow[]> {
  return q.query<ApprovalRow>({
    text: `select o.id as "operatorId", o.name, o.public_key as "publicKey", o.thumbprint, o.roles,
                  o.state as "operatorState", a.signature, a.approved_at as "approvedAt"
             from ceremony_approval a join operator o on o.id = a.operator_id
            where a.ceremony_id = $1::uuid order by a.approved_at, o.id`,
    values: [ceremonyId],
  })
}

export type Facts = Readonly<Record<string, unknown>>

export interface EventRow {
  readonly position: number
  readonly step: string
  readonly event: 'begun' | 'done'
  readonly at: Date
  readonly facts: Facts
}

type NewEvent = Pick<EventRow, 'position' | 'step' | 'event' | 'facts'>

/** @throws Error where somebody else recorded something at this position: another process is at this ceremony */
export async function recordEvent(tx: Queries, ceremonyId: string, made: NewEvent): Promise<EventRow> {
  return insertEvent(tx, { ceremonyId, made, from: '' })
}

/**
 * The same, in a transaction of its own whose commit waits for no disk: whatever is committed after it is on the disk only
 * together with it. For what has a durable commit before anything follows from it.
 */
export async function recordAhead(q: Queries, ceremonyId: string, made: NewEvent): Promise<EventRow> {
  return insertEvent(q, { ceremonyId, made, from: `from set_config('synchronous_commit', 'off', true)` })
}

async function insertEvent(
  q: Queries,
  { ceremonyId, made, from }: { ceremonyId: string; made: NewEvent; from: string },
): Promise<EventRow> {
  const rows = await q.query<EventRow>({
    text: `insert into ceremony_event (ceremony_id, position, step, event, facts)
           select $1::uuid, $2::int, $3::text, $4::text, $5::jsonb ${from}
           returning position, step, event, at, facts`,
    values: [ceremonyId, made.position, made.step, made.event, JSON.stringify(made.facts)],
  })
  return one(rows)
}

export async function eventsOf(q: Queries, ceremonyId: string): Promise<EventRow[]> {
  return q.query<EventRow>({
    text: `select position, step, event, at, facts from ceremony_event
            where ceremony_id = $1::uuid order by position`,
    values: [ceremonyId],
  })
}

/** @returns false where it has ended. */
export async function beginCeremony(q: Queries, id: string): Promise<boolean> {
  const rows = await q.query({
    text: `update ceremony set state = 'running' where id = $1::uuid and state in ('open', 'running') returning id`,
    values: [id],
  })
  return rows.length === 1
}

/** @returns false where it is not running. */
export async function endCeremony(
  q: Queries,
  ended: { readonly id: string; readonly transcript: Buffer },
): Promise<boolean> {
  const rows = await q.query({
    text: `update ceremony set state = 'done', transcript = $2::bytea, ended_at = now()
            where id = $1::uuid and state = 'running' returning id`,
    values: [ended.id, ended.transcript],
  })
  return rows.length === 1
}

/** @returns false where it has ended. */
export async function abandonCeremony(q: Queries, id: string): Promise<boolean> {
  const rows = await q.query({
    text: `update ceremony set state = 'abandoned', ended_at = now()
            where id = $1::uuid and state in ('open', 'running') returning id`,
    values: [id],
  })
  return rows.length === 1
}

/** Undefined: the ceremony is not done. */
export async function transcriptOf(q: Queries, id: string): Promise<Buffer | undefined> {
  const rows = await q.query<{ transcript: Buffer }>({
    text: `select transcript from ceremony where id = $1::uuid and state = 'done'`,
    values: [id],
  })
  return rows[0]?.transcript
}
