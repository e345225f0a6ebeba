import { z } from 'zod'
import { keyTypes, type KeyType } from '../../../hsm/algorithms.ts'
import type { Context } from '../../context.ts'
import { issuerMethods, makeIssuer, rotateIssuer } from '../../credentials/makeIssuer.ts'
import {
  findIssuer,
  issuerKeys,
  listIssuers,
  setIssuerState,
  type IssuerKeyRow,
  type IssuerRow,
} from '../../db/credentialIssuers.ts'
import {
  actorOf,
  found,
  parsed,
  recordAct,
  uuidParam,
  type Call,
  type Endpoints,
  type Reply,
} from './endpoint.ts'
import { keyTypeSchema } from './keyType.ts'
import { page, pageQuery, uuidPosition } from './page.ts'

const keyTypeNames = Object.keys(keyTypes) as KeyType[]

export const issuerEndpoints: Endpoints<'issuers'> = {
  'GET /issuers': async (ctx, call) => {
    const query = parsed(z.strictObject({ ...pageQuery, client: z.string().optional() }), call.query)
    const got = await page(
      query,
      ({ limit, after }) => listIssuers(ctx.db, { limit, clientId: query.client, ...uuidPosition(after) }),
      (row) => row.id,
    )
    return { body: { items: got.rows.map(shown), next: got.next } }
  },

  'POST /issuers': async (ctx, call) => {
    const schema = z.strictObject({
      client: z.string().min(1).max(64),
      keyType: keyTypeSchema(ctx.config.profile, keyTypeNames),
      method: z.enum(issuerMethods).default('key'),
    })
    const { client: clientId, keyType, method } = parsed(schema, call.body)
    const { id } = await makeIssuer(ctx, { clientId, keyType, method, actor: actorOf(call) })
    return { status: 201, body: await whole(ctx, id) }
  },

  'GET /issuers/:id': async (ctx, call) => ({ body: await whole(ctx, uuidParam(call, 'issuer')) }),

  'POST /issuers/:id/rotate': async (ctx, call) => {
    const schema = z.strictObject({ keyType: keyTypeSchema(ctx.config.profile, keyTypeNames).optional() })
    const { keyType } = parsed(schema, call.body)
    const issuerId = uuidParam(call, 'issuer')
    await rotateIssuer(ctx, { issuerId, keyType, actor: actorOf(call) })
    return { body: await whole(ctx, issuerId) }
  },

  'POST /issuers/:id/disable': (ctx, call) => changeState(ctx, call, 'disabled'),
  'POST /issuers/:id/enable': (ctx, call) => changeState(ctx, call, 'enabled'),
}

async function changeState(ctx: Context, call: Call, state: IssuerRow['state']): Promise<Reply> {
  const id = uuidParam(call, 'issuer')
  await ctx.db.transaction(async (tx) => {
    const issuer = found(await findIssuer(tx, id), 'issuer')
    if (issuer.state === state) return
    await setIssuerState(tx, id, state)
    const act = state === 'enabled' ? 'issuer.enable' : 'issuer.disable'
    await recordAct(tx, {
      act,
      actor: actorOf(call),
      subjects: [`issuer:${id}`, `client:${issuer.clientId}`],
    })
  })
  return { body: await whole(ctx, id) }
}

async function whole(ctx: Context, id: string): Promise<Record<string, unknown>> {
  const issuer = found(await findIssuer(ctx.db, id), 'issuer')
  const keys = await issuerKeys(ctx.db, id)
  return { ...shown(issuer), keys: keys.map(shownKey) }
}

function shown({ id, clientId, identifier, state, createdAt }: IssuerRow): Record<string, unknown> {
  return { id, client: clientId, identifier, state, createdAt }
}

function shownKey({ verificationMethod, state, key }: IssuerKeyRow): Record<string, unknown> {
  return { verificationMethod, keyId: key.keyId, keyType: key.keyType, state }
}
