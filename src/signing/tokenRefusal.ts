import { TokenError } from '../../hsm/token.ts'
import { raise } from '../alarms.ts'
import type { Context } from '../context.ts'
import { Refusal, unavailable } from '../refusal.ts'

/** What a face may say of a token's error. A broken seal is an attack or a damaged database: an alarm, and a bare 500. */
export function tokenRefusal(ctx: Context, error: unknown): unknown {
  if (!(error instanceof TokenError)) return error
  if (error.reason === 'seal') {
    raise(ctx.log, 'seal_broken', { says: 'a sealed record was altered; nothing was signed', err: error })
    return error
  }
  // The signer's own limit on failed activations, which holds even against a service that was taken over.
  if (error.reason === 'activation') return new Refusal('credential_locked', 'Credential locked')
  return error.kind === 'unavailable' || error.kind === 'unknown'
    ? unavailable('The token does not answer at the moment', error)
    : error
}
