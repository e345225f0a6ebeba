import { z } from 'zod'
import { keyTypes, type KeyType } from '../../../hsm/algorithms.ts'
import { purposes, type Purpose } from '../../../hsm/purposes.ts'
import type { OpenToken } from '../../../hsm/tokens.ts'
import type { Context } from '../../context.ts'
import { findKey } from '../../db/keys.ts'
import { Refusal } from '../../refusal.ts'
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
  'GET /tokens': (ctx) => Promise.resolve({ body: { items: ctx.token.all.map(shown) } }),

  'GET /tokens/:name': (ctx, call) => {
    return Promise.resolve({ body: shown(named(ctx, call)) })
  },

  'GET /tokens/:name/keys': async (ctx, call) => {
    const { token } = named(ctx, call)
    const keys = await token.list().catch((error: unknown) => {
      throw tokenRefusal(ctx, error)
    })
    return { body: { items: keys.map(shownAttributes) } }
  },

  'POST /tokens/:name/keys': async (ctx, call) => {
    const { token, config } = named(ctx, call)
    const { purpose, keyType } = parsed(generateSchema(ctx), call.body)
    if (config.purposes?.includes(purpose) === false)
      throw new Refusal('conflict', `The token makes no keys for '${purpose}': its configuration says so.`)
    const made = await makeKey(ctx, { purpose, keyType, actor: actorOf(call), tokenSerial: token.serial })
    return { status: 201, body: shownKey(found(await findKey(ctx.db, made.keyId), 'key')) }
  },

  'POST /tokens/:name/probe': async (ctx, call) => {
    const { token } = named(ctx, call)
    const probe = await token.probe().catch((error: unknown) => {
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

function named(ctx: Context, call: Call): OpenToken {
  return found(ctx.token.named(call.params['name'] ?? ''), 'token')
}

function shown({ config, token }: OpenToken): Record<string, unknown> {
  const { name, provider, purposes: made = Object.keys(purposes), seals, verifier } = config
  return {
    name,
    provider,
    purposes: made,
    ...(seals === undefined ? {} : { seals }),
    ...(verifier === undefined ? {} : { verifier: verifier.module }),
    ...token.info,
    health: token.health(),
    // As found when a signer last started: whether logins with a wrong PIN were tried, by whomever.
    pin: token.metrics().pin,
  }
}
