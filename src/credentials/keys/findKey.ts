import type { Context } from '../../context.ts'
import { findHolderKey, findHolderKeys, type HolderKeyRow } from '../../db/holderKeys.ts'
import { Refusal } from '../../refusal.ts'
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
  const [key, another] = await findHolderKeys(ctx.db, asking)
  if (key === undefined) {
    if (asking.secrets !== undefined) await keyActivations[0].pretend(ctx, asking.secrets)
    throw unknownKey()
  }
  if (another !== undefined) {
    throw new Refusal('conflict', 'Several enabled keys have this identifier: name one by its id.')
  }
  return key
}

/** The same, to sign with. @throws Refusal as above, credential_disabled */
export async function usableKey(ctx: Context, asking: Asking): Promise<HolderKeyRow> {
  const key = await namedKey(ctx, asking)
  if (key.state !== 'enabled' || key.keyState !== 'enabled') {
    const state = key.state === 'enabled' ? 'disabled' : key.state
    throw new Refusal('credential_disabled', `The key is ${state}.`)
  }
  return key
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
