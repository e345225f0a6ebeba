import type { Config } from '../config/config.ts'
import { Tokens } from '../hsm/tokens.ts'
import type { Context } from './context.ts'
import type { Database } from './db/database.ts'
import { knowsToken, listKeys, tokensOfKeys } from './db/keys.ts'
import { oneAtATime } from './db/startLock.ts'
import { TokenLogins } from './db/tokenLogin.ts'

/** Opens the tokens of a configuration. A PIN is tried only when Postgres can record that it was. */
export async function openTokens(
  config: Config,
  db: Database,
  { log, instanceId }: Pick<Context, 'log' | 'instanceId'>,
): Promise<Tokens> {
  // A database that knows keys belongs to tokens that were prepared: without its secrets, the first one is the wrong one.
  // Others may have come to the list since, as long as no key is known to be in them.
  const isNew = (await listKeys(db, { limit: 1 })).length === 0
  const home = config.tokens.find(({ seals }) => seals === undefined)
  const tokens = await Tokens.open({
    configs: config.tokens,
    loginGate: new TokenLogins(db, instanceId),
    log,
    prepare: async ({ name, serial }, open) => {
      const isUnknown = isNew || (name !== home?.name && !(await knowsToken(db, serial)))
      // Two replicas that both found a token empty would both make its secrets, and none could tell which to use.
      await (isUnknown ? oneAtATime(db, () => open(true)) : open(false))
    },
  })
  const serials = new Set(tokens.all.map(({ token }) => token.serial))
  for (const { serial, keys } of await tokensOfKeys(db)) {
    if (!serials.has(serial)) {
      log.warn({ serial, keys }, 'keys are in a token that is not configured: they cannot be used')
    }
  }
  return tokens
}
