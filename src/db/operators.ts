import type { PublicJwk, Role } from '../../config/operators.ts'
import type { Queries } from './database.ts'
import { one } from './database.ts'

export interface OperatorRow {
  readonly id: string
  readonly name: string
  readonly publicKey: PublicJwk
  /** RFC 7638, SHA-256, base64url: the `kid` of this operator's requests. */
  readonly thumbprint: string
  readonly roles: Role[]
  readonly state: 'enabled' | 'disabled'
  readonly createdAt: Date
}

const COLUMNS = `id, name, public_key as "publicKey", thumbprint, roles, state, created_at as "createdAt"`

/** @returns false when an operator with this key is there already. */
export async function insertOperator(
  q: Queries,
  operator: Pick<OperatorRow, 'id' | 'name' | 'publicKey' | 'thumbprint' | 'roles'>,
): Promise<boolean> {
  const rows = await q.query({
    text: `insert into operator (id, name, public_key, thumbprint, roles)
           values ($1::uuid, $2::text, $3::jsonb, $4::text, $5::text[])
           on conflict (thumbprint) do nothing returning id`,
    values: [
      operator.id,
      operator.name,
      JSON.stringify(operator.publicKey),
      operator.thumbprint,
      operator.roles,
    ],
  })
  return rows.length === 1
}

export async function findOperator(q: Queries, id: string): Promise<OperatorRow | undefined> {
  const rows = await q.query<OperatorRow>({
    text: `select ${COLUMNS} from operator where id = $1::uuid`,
    values: [id],
  })
  return rows[0]
}

export async function findOperatorByThumbprint(
  q: Queries,
  thumbprint: string,
): Promise<OperatorRow | undefined> {
  const rows = await q.query<OperatorRow>({
    name: 'operator-by-thumbprint',
    text: `select ${COLUMNS} from operator where thumbprint = $1::text and state = 'enabled'`,
    values: [thumbprint],
  })
  return rows[0]
}

export async function listOperators(
  q: Queries,
  query: { readonly limit: number; readonly after?: string | undefined },
): Promise<OperatorRow[]> {
  return q.query<OperatorRow>({
    text: `select ${COLUMNS} from operator
            where $2::uuid is null
               or (created_at, id) > ((select created_at from operator where id = $2::uuid), $2::uuid)
            order by created_at, id limit $1::int`,
    values: [query.limit, query.after ?? null],
  })
}

export async function countOperators(q: Queries): Promise<number> {
  const rows = await q.query<{ count: number }>({ text: 'select count(*)::int as count from operator' })
  return one(rows).count
}

/**
 * Takes every enabled operator with this role, in the order of their ids, so that two transactions that would each
 * remove "the other" holder of a role wait for one another instead.
 */
export async function lockOperatorsWithRole(q: Queries, role: Role): Promise<string[]> {
  const rows = await q.query<{ id: string }>({
    text: `select id from operator where state = 'enabled' and $1::text = any(roles) order by id for update`,
    values: [role],
  })
  return rows.map((row) => row.id)
}

export async function setOperatorState(
  q: Queries,
  id: string,
  state: OperatorRow['state'],
): Promise<boolean> {
  const rows = await q.query({
    text: 'update operator set state = $2::text where id = $1::uuid returning id',
    values: [id, state],
  })
  return rows.length === 1
}

export async function setOperatorRoles(q: Queries, id: string, roles: readonly Role[]): Promise<boolean> {
  const rows = await q.query({
    text: 'update operator set roles = $2::text[] where id = $1::uuid returning id',
    values: [id, roles],
  })
  return rows.length === 1
}

/**
 * Spends a request's identifier. The database's clock judges its age, because replicas must agree on it.
 * @param request.issuedAt seconds since 1970, as the operator's machine says. @param request.windowS seconds.
 */
export async function spendOperatorRequest(
  q: Queries,
  request: { readonly idHash: Buffer; readonly issuedAt: number; readonly windowS: number },
): Promise<'first' | 'stale' | 'seen'> {
  const rows = await q.query<{ fresh: boolean; first: boolean }>({
    name: 'operator-request-spend',
    // Kept for twice the window: longer than any clock that passed the first check could bring it back.
    text: `with judged as (
             select abs(extract(epoch from now()) - $2::bigint) <= $3::int as fresh
           ), spent as (
             insert into operator_request (id_hash, expires_at)
             select $1::bytea, now() + 2 * $3::int * interval '1 second' from judged where fresh
             on conflict (id_hash) do nothing returning 1
           )
           select fresh, exists (select from spent) as first from judged`,
    values: [request.idHash, request.issuedAt, request.windowS],
  })
  const { fresh, first } = one(rows)
  if (!fresh) return 'stale'
  return first ? 'first' : 'seen'
}

export async function sweepOperatorRequests(q: Queries): Promise<void> {
  await q.query({ text: 'delete from operator_request where expires_at < now()' })
}
