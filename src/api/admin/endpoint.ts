import type { z } from 'zod'
import type { Context } from '../../context.ts'
import type { Queries } from '../../db/database.ts'
import type { OperatorRow } from '../../db/operators.ts'
import { auditEntry, type AuditFacts } from '../../audit.ts'
import { insertAudit } from '../../db/audit.ts'
import { Refusal } from '../../refusal.ts'
import { WHOLE_UUID } from '../../uuid.ts'
import type { EndpointName } from './matrix.ts'

/** A request whose operator is known and whose role suffices. */
export interface Call {
  readonly operator: OperatorRow
  readonly params: Readonly<Record<string, string>>
  readonly query: unknown
  readonly body: unknown
}

export interface Reply {
  /** 200 where absent. */
  readonly status?: number
  readonly body: unknown
}

export type Endpoint = (ctx: Context, call: Call) => Promise<Reply>
export type Endpoints<Prefix extends string> = Readonly<
  Record<Extract<EndpointName, `${string} /${Prefix}${string}`>, Endpoint>
>

/** The operator as audit rows name them. */
export function actorOf(call: Call): string {
  return `operator:${call.operator.id}`
}

/** Records what was done, in the transaction that does it. */
export async function recordAct(q: Queries, act: Omit<AuditFacts, 'kind'>): Promise<void> {
  await insertAudit(q, [auditEntry({ kind: 'act', ...act })])
}

/** @throws Refusal 'invalid_request' that names the first member that is wrong. */
export function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const result = schema.safeParse(value ?? {})
  if (result.success) return result.data
  const [issue] = result.error.issues
  const path = issue?.path.join('.') ?? ''
  throw new Refusal(
    'invalid_request',
    path === '' ? (issue?.message ?? 'Invalid') : `${path}: ${issue?.message ?? ''}`,
  )
}

/** The row that an address names. */
export function found<Row>(row: Row | undefined, what: string): Row {
  if (row === undefined) throw new Refusal('not_found', `There is no such ${what}.`)
  return row
}

/** @throws Refusal 'not_found': what is no UUID names nothing, and Postgres need not be asked. */
export function uuidParam(call: Call, what: string): string {
  const id = call.params['id'] ?? ''
  if (!WHOLE_UUID.test(id)) throw new Refusal('not_found', `There is no such ${what}.`)
  return id
}

export function isUuid(text: string): boolean {
  return WHOLE_UUID.test(text)
}
