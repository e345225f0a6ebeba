import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Context } from '../../context.ts'
import { clientKeys as certifiedKeys } from '../../db/clientCertificates.ts'
import {
  findClientKey,
  insertClientKey,
  listClientKeys,
  removeClientKey,
  type ClientKeyRow,
} from '../../db/clientKeys.ts'
import { findClient, requireClientKey, type ClientRow } from '../../db/clients.ts'
import { Refusal } from '../../refusal.ts'
import { actorOf, found, isUuid, parsed, recordAct, type Call, type Endpoints } from './endpoint.ts'
import { page, pageQuery, uuidPosition } from './page.ts'
import { publicJwk } from './publicJwk.ts'

const keySchema = z.strictObject({
  /** One public JWK. */
  jwk: z.unknown(),
})

/** Keys by which a client says who it is (RFC 7523), in place of a secret. */
export const clientKeyEndpoints: Endpoints<'clients/:id/keys'> = {
  'GET /clients/:id/keys': async (ctx, call) => {
    const { id } = await clientOf(ctx, call)
    const query = parsed(z.strictObject(pageQuery), call.query)
    const { rows, next } = await page(
      query,
      ({ limit, after }) => listClientKeys(ctx.db, id, { limit, ...uuidPosition(after) }),
      (row) => row.id,
    )
    return { body: { items: rows.map(shown), next } }
  },

  'POST /clients/:id/keys': async (ctx, call) => {
    const { id: clientId } = await clientOf(ctx, call)
    const made = await publicJwk(parsed(keySchema, call.body).jwk)
    const id = randomUUID()
    await ctx.db.transaction(async (tx) => {
      // First, since it holds back whoever gives the client a certificate at the same time.
      await requireClientKey(tx, clientId)
      // Two doors are as safe as the weaker one.
      if ((await certifiedKeys(tx, clientId)).length > 0)
        throw new Refusal('conflict', 'The client has certificates: remove them first.')
      if (!(await insertClientKey(tx, clientId, { id, ...made })))
        throw new Refusal('conflict', 'This key is registered already.')
      const detail = { key: id, thumbprint: made.thumbprint.toString('base64url') }
      const act = { act: 'client.key.add', actor: actorOf(call), subjects: [`client:${clientId}`] }
      await recordAct(tx, { ...act, detail })
    })
    return { status: 201, body: shown(found(await findClientKey(ctx.db, clientId, id), 'key')) }
  },

  'POST /clients/:id/keys/:key/remove': async (ctx, call) => {
    const { id: clientId } = await clientOf(ctx, call)
    const id = call.params['key'] ?? ''
    if (!isUuid(id)) throw new Refusal('not_found', 'There is no such key.')
    await ctx.db.transaction(async (tx) => {
      const { removedAt } = found(await findClientKey(tx, clientId, id), 'key')
      if (removedAt !== null) return
      await removeClientKey(tx, id)
      const act = { act: 'client.key.remove', actor: actorOf(call), subjects: [`client:${clientId}`] }
      await recordAct(tx, { ...act, detail: { key: id } })
    })
    return { body: shown(found(await findClientKey(ctx.db, clientId, id), 'key')) }
  },
}

async function clientOf(ctx: Context, call: Call): Promise<ClientRow> {
  return found(await findClient(ctx.db, call.params['id'] ?? ''), 'client')
}

function shown({ id, thumbprint, jwk, addedAt, removedAt }: ClientKeyRow): Record<string, unknown> {
  return {
    id,
    thumbprint: thumbprint.toString('base64url'),
    jwk,
    addedAt,
    ...(removedAt === null ? {} : { removedAt }),
  }
}
