import type { Logger } from 'pino'
import { raise, type AlarmName } from '../alarms.ts'
import type { DatabaseObserver, StatementFailure } from '../db/database.ts'
import type { Metrics } from '../metrics.ts'

/** Disk full. */
const FULL = '53100'
/** The database asks to be asked again, and is. */
const RETRIED = new Set(['40001', '40P01'])
/** An alarm about each of a thousand requests a second says no more than one a minute. */
const REPEATED_MS = 60_000
const FULL_SAYS = 'the disk of the database is full: nothing is signed'
const REFUSED_SAYS = 'the database refused a record, and what it is about was not done'

/** Counts statements, and raises the alarms that only a failing statement shows. */
export function observeDatabase(metrics: Metrics, log: Logger): DatabaseObserver {
  const raisedAt = new Map<AlarmName, number>()
  const raiseSeldom = (alarm: AlarmName, says: string, failure: StatementFailure): void => {
    const now = performance.now()
    if (now - (raisedAt.get(alarm) ?? -Infinity) < REPEATED_MS) return
    raisedAt.set(alarm, now)
    raise(log, alarm, { says, statement: failure.name, code: failure.code })
  }
  return {
    statement: (name, startedAt) => metrics.statement(name, startedAt),
    batch: (name, requests) => metrics.batch(name, requests),
    statementFailed: (failure) => {
      metrics.statementFailed(failure)
      const { code, isAway, isRecord } = failure
      if (code === FULL) raiseSeldom('database_full', FULL_SAYS, failure)
      else if (!isAway && !RETRIED.has(code) && isRecord)
        raiseSeldom('audit_not_written', REFUSED_SAYS, failure)
    },
  }
}
