import { z } from 'zod'
import { keyTypes, type KeyType } from '../../../hsm/algorithms.ts'
import { purposes, type Purpose } from '../../../hsm/purposes.ts'
import type { Context } from '../../context.ts'
import { findKey } from '../../db/keys.ts'
import { makeKey } from '../../signing/makeKey.ts'
import { tokenRefusal } from '../../signing/tokenRefusal.ts'
import { actorOf, found, parsed, type Call, type Endpoints } from './endpoint.ts'
import { shownAttributes, shownKey } from './keys.ts'
import { keyTypeSchema } from './keyType.ts'

/** Purposes of the service's own keys. A person's key is made by its holder, and by nobody else. */
const servicePurposes = Object.values(purposes)
  .filter((row) => !row.activated)
  .map((row) => row.name)

export const tokenEndpoints: Endpoints<'tokens'> = {
  'GET /tokens': (ctx) => Promise.resolve({ body: { items: [shown(ctx)] } }),

  'GET /tokens/:name': (ctx, call) => {
    named(ctx, call)
    return Promise.resolve({ body: shown(ctx) })
  },

  'GET /tokens/:name/keys': async (ctx, call) => {
    named(ctx, call)
    const keys = await ctx.token.list().catch((error: unknown) => {
      throw tokenRefusal(ctx, error)
    })
    return { body: { items: keys.map(shownAttributes) } }
  },

  'POST /tokens/:name/keys': async (ctx, call) => {
    named(ctx, call)
    const { purpose, keyType } = parsed(generateSchema(ctx), call.body)
    const made = await makeKey(ctx, { purpose, keyType, actor: actorOf(call) })
    return { status: 201, body: shownKey(found(await findKey(ctx.db, made.keyId), 'key')) }
  },

  'POST /tokens/:name/probe': async (ctx, call) => {
    named(ctx, call)
    const probe = await ctx.token.probe().catch((error: unknown) => {
      throw tokenRefusal(ctx, error)
    })
    return { body: probe }
  },
}

function generateSchema(ctx: Context) {
  return z.strictObject({
    purpose: z.enum(servicePurposes as [Purpose, ...Purpose[]]),
    keyType: keyTypeSchema(ctx.config.profile, Object.keys(keyTypes) as KeyType[]),
  })
}

/** The list has one token for now; its name stands in addresses so that it can have more. */
function named(ctx: Context, call: Call): void {
  found(
    ctx.config.tokens.find((token) => token.name === call.params['name']),
    'token',
  )
}

function shown(ctx: Context): Record<string, unknown> {
  const [config] = ctx.config.tokens
  return { name: config?.name, provider: config?.provider, ...ctx.token.info, health: ctx.token.health() }
}
