import { provider } from './providers.ts'
import type { TokenOptions } from './types.ts'

/**
 * Sessions that one signer holds: the idle one that keeps the login, one to work with, one to verify with; and one for
 * each operation at the same time, if these are several.
 */
const SESSIONS_PER_SIGNER = 3

/** @throws Error naming what an operator must change. */
export function checkConfiguration({ config, seals, log }: TokenOptions): void {
  const row = provider(config.provider)
  if (row.verified === undefined) {
    log.warn({ provider: row.name }, 'this make of token was never run against the real device')
  }
  checkEnvironment(config.environment)
  if (config.verifier !== undefined) {
    provider(config.verifier.provider)
    checkEnvironment(config.verifier.environment)
  }
  if (!row.hmac && seals === undefined) {
    throw new Error(
      `A token of make '${row.name}' makes no HMAC keys: name another token of the list in '${config.name}' as seals.`,
    )
  }
  if (!row.verifiesCurves && config.verifier === undefined) {
    throw new Error(
      `A token of make '${row.name}' verifies nothing for others: '${config.name}' needs a verifier.`,
    )
  }
  if (config.signers < 2 && config.verifier === undefined)
    throw new Error('There must be two signers or more: one verifies what another one signed.')
  const { concurrency = 1 } = config
  const sessions = SESSIONS_PER_SIGNER + (concurrency > 1 ? concurrency : 0)
  if (config.signers * sessions > row.sessions) {
    throw new Error(`${config.signers} signers need more sessions than a token of make '${row.name}' has.`)
  }
}

function checkEnvironment(environment: Readonly<Record<string, string>>): void {
  const name = Object.keys(environment).find((key) => key.startsWith('NODE_'))
  if (name !== undefined) {
    throw new Error(`The environment of the signers may not hold '${name}': it would change Node itself.`)
  }
}
