import type { Logger } from 'pino'
import type { RunningConfig } from '../config/config.ts'
import type { Tokens } from '../hsm/tokens.ts'
import type { Database } from './db/database.ts'
import type { Metrics } from './metrics.ts'
import type { Fetch } from './outgoing/fetch.ts'
import type { Sender } from './sender.ts'

/** What a handler is given. Made once, in service.ts. */
export interface Context {
  readonly config: RunningConfig
  readonly db: Database
  /** All tokens of the configuration. */
  readonly token: Tokens
  /** The service's wall clock, in milliseconds. Expiries are decided by Postgres' clock, not by this one. */
  readonly clock: () => number
  readonly log: Logger
  readonly metrics: Metrics
  /** The way out to servers of others: https, public addresses, hosts that are allowed. */
  readonly fetch: Fetch
  /** Undefined: nothing is sent to holders. */
  readonly sender: Sender | undefined
  /** This process, in the table of instances: attempts name it, so that what it left open can be closed. */
  readonly instanceId: string
}
