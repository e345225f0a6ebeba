import { provider } from './providers.ts'
import type { TokenOptions } from './types.ts'

/** Sessions that one signer holds: the idle one that keeps the login, one to work with, one to verify with. */
const SESSIONS_PER_SIGNER = 3

/** @throws Error naming what an operator must change. */
export function checkConfiguration({ config, log }: TokenOptions): void {
  const row = provider(config.provider)
  if (row.verified === undefined) {
    log.warn({ provider: row.name }, 'this make of token was never run against the real device')
  }
  const name = Object.keys(config.environment).find((key) => key.startsWith('NODE_'))
  if (name !== undefined) {
    throw new Error(`The environment of the signers may not hold '${name}': it would change Node itself.`)
  }
  if (config.signers < 2)
    throw new Error('There must be two signers or more: one verifies what another one signed.')
  if (config.signers * SESSIONS_PER_SIGNER > row.sessions) {
    throw new Error(`${config.signers} signers need more sessions than a token of make '${row.name}' has.`)
  }
}
