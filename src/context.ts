import type { Logger } from 'pino'
import type { RunningConfig } from '../config/config.ts'
import type { Token } from '../hsm/token.ts'
import type { Database } from './db/database.ts'

/** What a handler is given. Made once, in service.ts. */
export interface Context {
  readonly config: RunningConfig
  readonly db: Database
  readonly token: Token
  /** The service's wall clock, in milliseconds. Expiries are decided by Postgres' clock, not by this one. */
  readonly clock: () => number
  readonly log: Logger
  /** This process, in the table of instances: attempts name it, so that what it left open can be closed. */
  readonly instanceId: string
}
