import type { Context } from '../../context.ts'
import { findHolderKey, findHolderKeys, type HolderKeyRow, type HolderKeyState } from '../../db/holderKeys.ts'
import { Refusal } from '../../refusal.ts'
import { believing } from '../../signing/believed.ts'
import { keyActivations } from '../../signing/keyActivation.ts'

export interface Asking {
  readonly clientId: string
  /** An id, or an identifier that one enabled key has. */
  readonly name: string
  /** What came with it: an unknown key costs what a known one does. */
  readonly secrets?: readonly string[] | undefined
}

const unknownKey = (): Refusal => new Refusal('not_found', 'There is no such key.')

/**
 * The key that a client means. Another client's is one that there is not.
 * @throws Refusal not_found, conflict where several keys have the identifier
 */
export async function namedKey(ctx: Context, asking: Asking): Promise<HolderKeyRow> {
  return meant(ctx, asking, await findHolderKeys(ctx.db, asking))
}

/** The same, to open it. @throws Refusal as above, credential_disabled */
export async function usableKey(ctx: Context, asking: Asking): Promise<HolderKeyRow> {
  return usable(await namedKey(ctx, asking))
}

const findBelieved = believing({
  find: findHolderKeys,
  nameOf: ({ clientId, name }: Pick<Asking, 'clientId' | 'name'>) => JSON.stringify([clientId, name]),
  isUsable: ([key, another]) => key !== undefined && stateOf(key) === 'enabled' && another === undefined,
  // An id is one key's for ever; which key an identifier means may change.
  isKept: ([key], { name }) => key?.id === name,
  weightOf: () => 0,
})

/**
 * The same, to sign with it at once. By its id it is looked up once a second: the reservation decides, by what is then.
 * @throws Refusal as usableKey
 */
export async function signingKey(ctx: Context, asking: Asking): Promise<HolderKeyRow> {
  return usable(await meant(ctx, asking, (await findBelieved(ctx, asking)) ?? []))
}

/** The key with this very id. @throws Refusal not_found */
export async function keyById(
  ctx: Context,
  asking: { readonly clientId: string; readonly id: string },
): Promise<HolderKeyRow> {
  const key = await findHolderKey(ctx.db, asking)
  if (key === undefined) throw unknownKey()
  return key
}

async function meant(ctx: Context, asking: Asking, keys: readonly HolderKeyRow[]): Promise<HolderKeyRow> {
  const [key, another] = keys
  if (key === undefined) {
    const { clientId, secrets } = asking
    if (secrets !== undefined) await keyActivations[0].pretend(ctx, { clientId, secrets })
    throw unknownKey()
  }
  if (another !== undefined) {
    throw new Refusal('conflict', 'Several enabled keys have this identifier: name one by its id.')
  }
  return key
}

/** @throws Refusal credential_disabled */
export function usable(key: HolderKeyRow): HolderKeyRow {
  const state = stateOf(key)
  if (state === 'enabled') return key
  throw new Refusal('credential_disabled', `The key is ${state}.`)
}

/** What a key's client is told: one that an operator has disabled signs as little as one that its client has. */
export const stateOf = ({ state, keyState }: HolderKeyRow): HolderKeyState =>
  state === 'enabled' && keyState !== 'enabled' ? 'disabled' : state
