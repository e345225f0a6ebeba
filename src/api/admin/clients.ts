import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Context } from '../../context.ts'
import {
  findClient,
  insertClient,
  listClients,
  rotateClientSecret,
  setClientState,
  setCreationLimit,
  setRedirectUris,
  setResponseUris,
  setRequirePushed,
  type ClientRow,
} from '../../db/clients.ts'
import { Refusal } from '../../refusal.ts'
import { clientKeys } from '../../db/clientCertificates.ts'
import { clientJwks } from '../../db/clientKeys.ts'
import { ensureNotificationKey } from '../../deliveries/notificationKeys.ts'
import { isRegistrable, URIS_MAX } from '../../deliveries/responseUris.ts'
import { CREATION_LIMIT_MAX } from '../../pki/createCredential.ts'
import { clientSecret } from '../../signing/derived.ts'
import { clientCertificateEndpoints } from './certificates.ts'
import { clientKeyEndpoints } from './clientKeys.ts'
import { actorOf, found, parsed, recordAct, type Call, type Endpoints, type Reply } from './endpoint.ts'
import { page, pageQuery } from './page.ts'
import { redirectUrisSchema } from './redirectUris.ts'

const ID_OCTETS = 12

/** Addresses that the client may have itself notified at. */
const responseUrisSchema = z
  .array(
    z.string().refine(isRegistrable, 'https, as URLs are written canonically, without query and fragment'),
  )
  .max(URIS_MAX)

const clientSchema = z.strictObject({
  name: z.string().trim().min(1).max(200),
  /** Chosen by the operator, so that a repeated request makes no second client; random where absent. */
  id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'letters, digits, _ and -, at most 64')
    .optional(),
  redirectUris: redirectUrisSchema.default([]),
  requirePushed: z.boolean().default(true),
})

/** Enters a client. @throws Refusal 'conflict' when the id is taken. */
export async function createClient(
  ctx: Context,
  actor: string,
  made: {
    readonly id?: string | undefined
    readonly name: string
    readonly redirectUris?: readonly string[]
    /** True if absent. */
    readonly requirePushed?: boolean
  },
): Promise<string> {
  const { name, redirectUris = [], requirePushed = true } = made
  const id = made.id ?? randomBytes(ID_OCTETS).toString('hex')
  await ctx.db.transaction(async (tx) => {
    const entered = await insertClient(tx, { id, name, redirectUris, requirePushed })
    if (!entered) throw new Refusal('conflict', 'A client with this id is entered already.')
    await recordAct(tx, { act: 'client.create', actor, subjects: [`client:${id}`] })
  })
  return id
}

export const clientEndpoints: Endpoints<'clients'> = {
  'GET /clients': async (ctx, call) => {
    const query = parsed(z.strictObject(pageQuery), call.query)
    const found = await page(
      query,
      (window) => listClients(ctx.db, window),
      (row) => row.id,
    )
    return { body: { items: found.rows.map(shown), next: found.next } }
  },

  'POST /clients': async (ctx, call) => {
    const id = await createClient(ctx, actorOf(call), parsed(clientSchema, call.body))
    return { status: 201, body: await shownWithSecret(ctx, id) }
  },

  'GET /clients/:id': async (ctx, call) => ({ body: shown(await clientOf(ctx, call)) }),

  'POST /clients/:id/disable': (ctx, call) => changeState(ctx, call, 'disabled'),
  'POST /clients/:id/enable': (ctx, call) => changeState(ctx, call, 'enabled'),

  'POST /clients/:id/redirect-uris': async (ctx, call) => {
    const { id } = await clientOf(ctx, call)
    const { redirectUris } = parsed(z.strictObject({ redirectUris: redirectUrisSchema }), call.body)
    await ctx.db.transaction(async (tx) => {
      await setRedirectUris(tx, id, redirectUris)
      const act = { act: 'client.redirect-uris', actor: actorOf(call), subjects: [`client:${id}`] }
      await recordAct(tx, { ...act, detail: { redirectUris } })
    })
    return { body: shown(await clientOf(ctx, call)) }
  },

  'POST /clients/:id/response-uris': async (ctx, call) => {
    const { id } = await clientOf(ctx, call)
    const { responseUris } = parsed(z.strictObject({ responseUris: responseUrisSchema }), call.body)
    if (responseUris.length > 0) await ensureNotificationKey(ctx, actorOf(call))
    await ctx.db.transaction(async (tx) => {
      await setResponseUris(tx, id, responseUris)
      const act = { act: 'client.response-uris', actor: actorOf(call), subjects: [`client:${id}`] }
      await recordAct(tx, { ...act, detail: { responseUris } })
    })
    return { body: shown(await clientOf(ctx, call)) }
  },

  'POST /clients/:id/require-pushed': async (ctx, call) => {
    const { id } = await clientOf(ctx, call)
    const { requirePushed } = parsed(z.strictObject({ requirePushed: z.boolean() }), call.body)
    await ctx.db.transaction(async (tx) => {
      await setRequirePushed(tx, id, requirePushed)
      const act = { act: 'client.require-pushed', actor: actorOf(call), subjects: [`client:${id}`] }
      await recordAct(tx, { ...act, detail: { requirePushed } })
    })
    return { body: shown(await clientOf(ctx, call)) }
  },

  'POST /clients/:id/creation-limit': async (ctx, call) => {
    const { id } = await clientOf(ctx, call)
    const limit = z.int().min(0).max(CREATION_LIMIT_MAX)
    const { creationLimit } = parsed(z.strictObject({ creationLimit: limit }), call.body)
    await ctx.db.transaction(async (tx) => {
      await setCreationLimit(tx, id, creationLimit)
      const act = { act: 'client.creation-limit', actor: actorOf(call), subjects: [`client:${id}`] }
      await recordAct(tx, { ...act, detail: { creationLimit } })
    })
    return { body: shown(await clientOf(ctx, call)) }
  },

  ...clientCertificateEndpoints,
  ...clientKeyEndpoints,

  'POST /clients/:id/rotate-secret': async (ctx, call) => {
    const { id } = await clientOf(ctx, call)
    await ctx.db.transaction(async (tx) => {
      // A secret beside a certificate or a key would be the weaker of two doors.
      if ((await clientKeys(tx, id)).length > 0)
        throw new Refusal('conflict', 'The client has certificates: remove them first.')
      if ((await clientJwks(tx, id)).length > 0)
        throw new Refusal('conflict', 'The client has keys: remove them first.')
      await rotateClientSecret(tx, id)
      await recordAct(tx, { act: 'client.rotate-secret', actor: actorOf(call), subjects: [`client:${id}`] })
    })
    return { body: await shownWithSecret(ctx, id) }
  },
}

async function changeState(ctx: Context, call: Call, state: ClientRow['state']): Promise<Reply> {
  const client = await clientOf(ctx, call)
  if (client.state !== state) {
    await ctx.db.transaction(async (tx) => {
      await setClientState(tx, client.id, state)
      const act = state === 'enabled' ? 'client.enable' : 'client.disable'
      await recordAct(tx, { act, actor: actorOf(call), subjects: [`client:${client.id}`] })
    })
  }
  return { body: shown(await clientOf(ctx, call)) }
}

async function clientOf(ctx: Context, call: Call): Promise<ClientRow> {
  return found(await findClient(ctx.db, call.params['id'] ?? ''), 'client')
}

/** The secret is derived in the token and stored nowhere; this is where it is shown, once. */
async function shownWithSecret(ctx: Context, id: string): Promise<Record<string, unknown>> {
  const row = found(await findClient(ctx.db, id), 'client')
  const secret = await clientSecret(ctx, { id, version: row.secretVersion })
  return { ...shown(row), clientSecret: secret }
}

function shown(row: ClientRow): Record<string, unknown> {
  const { id, name, state, authentication, redirectUris, responseUris, requirePushed } = row
  const { creationLimit, createdAt } = row
  return {
    id,
    name,
    state,
    authentication,
    redirectUris,
    responseUris,
    requirePushed,
    creationLimit,
    createdAt,
  }
}
