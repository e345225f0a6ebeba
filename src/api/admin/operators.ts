import { randomUUID, type X509Certificate } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import { z } from 'zod'
import { publicJwkSchema, rolesSchema, type PublicJwk, type Role } from '../../../config/operators.ts'
import type { Context } from '../../context.ts'
import type { Queries } from '../../db/database.ts'
import {
  findOperator,
  insertOperator,
  listOperators,
  lockOperatorsWithRole,
  setOperatorRoles,
  setOperatorState,
  type OperatorRow,
} from '../../db/operators.ts'
import { Refusal } from '../../refusal.ts'
import { addCertificate, operatorCertificateEndpoints } from './certificates.ts'
import { actorOf, found, parsed, recordAct, uuidParam, type Endpoints } from './endpoint.ts'
import { page, pageQuery, uuidPosition } from './page.ts'

const operatorSchema = z.strictObject({
  name: z.string().trim().min(1).max(200),
  publicKey: publicJwkSchema,
  roles: rolesSchema,
})
const rolesBody = z.strictObject({ roles: rolesSchema })

export interface NewOperator {
  readonly name: string
  readonly publicKey: PublicJwk
  readonly roles: readonly Role[]
  /** The certificate that they connect with, where a listener requires one. */
  readonly certificate?: X509Certificate | undefined
}

/** Enters an operator. @throws Refusal 'conflict' when the key is another operator's already. */
export async function createOperator(ctx: Context, actor: string, made: NewOperator): Promise<string> {
  const id = randomUUID()
  const { name, roles, publicKey } = made
  const thumbprint = await calculateJwkThumbprint(publicKey)
  await ctx.db.transaction(async (tx) => {
    const entered = await insertOperator(tx, { id, name, publicKey, thumbprint, roles: [...roles] })
    if (!entered) throw new Refusal('conflict', 'An operator with this key is entered already.')
    const detail = { roles: roles.join(' '), key: thumbprint }
    await recordAct(tx, { act: 'operator.create', actor, subjects: [`operator:${id}`], detail })
    if (made.certificate !== undefined)
      await addCertificate(tx, { operatorId: id }, { certificate: made.certificate, actor })
  })
  return id
}

export const operatorEndpoints: Endpoints<'operators'> = {
  'GET /operators': async (ctx, call) => {
    const query = parsed(z.strictObject(pageQuery), call.query)
    const found = await page(
      query,
      ({ limit, after }) => listOperators(ctx.db, { limit, ...uuidPosition(after) }),
      (row) => row.id,
    )
    return { body: { items: found.rows.map(shown), next: found.next } }
  },

  'POST /operators': async (ctx, call) => {
    const id = await createOperator(ctx, actorOf(call), parsed(operatorSchema, call.body))
    return { status: 201, body: shown(found(await findOperator(ctx.db, id), 'operator')) }
  },

  'GET /operators/:id': async (ctx, call) => {
    return { body: shown(found(await findOperator(ctx.db, uuidParam(call, 'operator')), 'operator')) }
  },

  ...operatorCertificateEndpoints,

  'POST /operators/:id/roles': async (ctx, call) => {
    const id = uuidParam(call, 'operator')
    const { roles } = parsed(rolesBody, call.body)
    if (id === call.operator.id) throw new Refusal('forbidden', 'Operators do not change their own roles.')
    await ctx.db.transaction(async (tx) => {
      found(await findOperator(tx, id), 'operator')
      if (!roles.includes('security-officer')) await keepSecurityOfficer(tx, id)
      await setOperatorRoles(tx, id, roles)
      const detail = { roles: roles.join(' ') }
      await recordAct(tx, {
        act: 'operator.roles',
        actor: actorOf(call),
        subjects: [`operator:${id}`],
        detail,
      })
    })
    return { body: shown(found(await findOperator(ctx.db, id), 'operator')) }
  },

  'POST /operators/:id/disable': async (ctx, call) => {
    const id = uuidParam(call, 'operator')
    await ctx.db.transaction(async (tx) => {
      await keepSecurityOfficer(tx, id)
      const { state } = found(await findOperator(tx, id), 'operator')
      if (state === 'disabled') return
      await setOperatorState(tx, id, 'disabled')
      await recordAct(tx, { act: 'operator.disable', actor: actorOf(call), subjects: [`operator:${id}`] })
    })
    return { body: shown(found(await findOperator(ctx.db, id), 'operator')) }
  },
}

/** Without a security officer nobody could enter one any more. */
async function keepSecurityOfficer(tx: Queries, leaving: string): Promise<void> {
  const officers = await lockOperatorsWithRole(tx, 'security-officer')
  if (officers.length === 1 && officers[0] === leaving) {
    throw new Refusal('conflict', 'This is the last security officer: enter another one first.')
  }
}

function shown(row: OperatorRow): Record<string, unknown> {
  const { id, name, roles, state, thumbprint, publicKey, createdAt } = row
  return { id, name, roles, state, thumbprint, publicKey, createdAt }
}
