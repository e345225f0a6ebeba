import { z } from 'zod'
import type { KeyAttributes } from '../../../hsm/token.ts'
import { purposes, type Purpose } from '../../../hsm/purposes.ts'
import type { Context } from '../../context.ts'
import { unlockKey } from '../../db/attempts.ts'
import { findKey, listKeys, setKeyState, type KeyRow } from '../../db/keys.ts'
import { Refusal } from '../../refusal.ts'
import { tokenRefusal } from '../../signing/tokenRefusal.ts'
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
import { page, pageQuery, uuidPosition } from './page.ts'

const keysQuery = z.strictObject({
  ...pageQuery,
  purpose: z.enum(Object.keys(purposes) as [Purpose, ...Purpose[]]).optional(),
})

export const keyEndpoints: Endpoints<'keys'> = {
  'GET /keys': async (ctx, call) => {
    const query = parsed(keysQuery, call.query)
    const { purpose } = query
    const found = await page(
      query,
      ({ limit, after }) =>
        listKeys(ctx.db, { limit, ...uuidPosition(after), ...(purpose === undefined ? {} : { purpose }) }),
      (row) => row.id,
    )
    return { body: { items: found.rows.map(shownKey), next: found.next } }
  },

  'GET /keys/:id': async (ctx, call) => {
    const key = found(await findKey(ctx.db, uuidParam(call, 'key')), 'key')
    const attributes = await describeKey(ctx, key).catch((error: unknown) => {
      throw tokenRefusal(ctx, error)
    })
    return {
      body: { ...shownKey(key), inToken: attributes === undefined ? null : shownAttributes(attributes) },
    }
  },

  'POST /keys/:id/disable': (ctx, call) => changeState(ctx, call, 'disabled'),
  'POST /keys/:id/enable': (ctx, call) => changeState(ctx, call, 'enabled'),

  'POST /keys/:id/unlock': async (ctx, call) => {
    const key = found(await findKey(ctx.db, uuidParam(call, 'key')), 'key')
    await ctx.db.transaction(async (tx) => {
      await unlockKey(tx, key.id)
      await recordAct(tx, { act: 'key.unlock', actor: actorOf(call), subjects: [`key:${key.id}`] })
    })
    return { body: shownKey(key) }
  },
}

/** Undefined where the token has no such key, or is not configured any more. */
function describeKey(ctx: Context, key: KeyRow): Promise<KeyAttributes | undefined> {
  const holder = ctx.token.all.find(({ token }) => token.serial === key.tokenSerial)
  return holder === undefined ? Promise.resolve(undefined) : holder.token.describe(key.ckaId)
}

async function changeState(ctx: Context, call: Call, state: 'enabled' | 'disabled'): Promise<Reply> {
  const id = uuidParam(call, 'key')
  await ctx.db.transaction(async (tx) => {
    const key = found(await findKey(tx, id), 'key')
    if (key.state === state) return
    if (!(await setKeyState(tx, id, state))) throw new Refusal('conflict', `The key is ${key.state}.`)
    const act = state === 'enabled' ? 'key.enable' : 'key.disable'
    await recordAct(tx, { act, actor: actorOf(call), subjects: [`key:${id}`] })
  })
  return { body: shownKey(found(await findKey(ctx.db, id), 'key')) }
}

export function shownKey(row: KeyRow): Record<string, unknown> {
  const { id, purpose, keyType, state, tokenSerial, createdAt } = row
  return {
    id,
    purpose,
    keyType,
    state,
    tokenSerial,
    ckaId: row.ckaId.toString('hex'),
    ...(row.spki === null ? {} : { publicKey: row.spki.toString('base64') }),
    createdAt,
  }
}

/** As the token tells them; `null`: it does not tell. */
export function shownAttributes(attributes: KeyAttributes): Record<string, unknown> {
  const flags = Object.entries(attributes.flags).map(([flag, value]) => [flag, value ?? null])
  return {
    class: attributes.class,
    ckaId: attributes.ckaId.toString('hex'),
    label: attributes.label,
    keyType: attributes.keyType ?? null,
    flags: Object.fromEntries(flags),
    allowedMechanisms: attributes.allowedMechanisms ?? null,
  }
}
