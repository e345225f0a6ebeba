import type { HashName } from '../../hsm/algorithms.ts'
import type { AuthorisationRecord, KeyRecord, Sealed } from '../../hsm/records.ts'
import type { Context } from '../context.ts'
import { secretsActivation } from './secretsActivation.ts'

/** What a holder opens a key for. */
export interface Opening {
  readonly clientId: string
  readonly key: Sealed<KeyRecord>
  readonly secrets: readonly string[]
  /** How many signatures. */
  readonly count: number
  /** The digests' hash; absent for Ed25519, whose inputs are messages. */
  readonly hash?: HashName | undefined
  /** These and no others, as many as the count; absent: any, so many. */
  readonly digests?: readonly Buffer[]
}

/**
 * How a key that is used without a credential is opened. A token with an authorisation of its own for each key (EN 419 221-5)
 * takes over here, for the keys whose row names it.
 */
export interface KeyActivation {
  /** As holder_key.activation has it. */
  readonly name: string
  /**
   * Judges what the holder gave, and seals what it authorises.
   * @param finish makes a success known, and forgets the client's failures at the key, in one transaction
   * @throws Refusal activation_failed, throttled (with the seconds to wait), credential_locked, unavailable
   */
  readonly activate: (
    ctx: Context,
    opening: Opening,
    finish: (made: Sealed<AuthorisationRecord>) => Promise<void>,
  ) => Promise<Sealed<AuthorisationRecord>>
  /** The work of judging for a key that there is not, so that asking for one tells nothing. */
  readonly pretend: (ctx: Context, asked: Pick<Opening, 'clientId' | 'secrets'>) => Promise<void>
}

/** TABLE of what opens keys; the first one opens new keys. */
export const keyActivations: readonly [KeyActivation, ...KeyActivation[]] = [secretsActivation]

export function keyActivation(name: string): KeyActivation {
  const row = keyActivations.find((one) => one.name === name)
  if (row === undefined) throw new Error(`nothing here opens keys by '${name}'`)
  return row
}
