import type { Logger } from 'pino'
import { Lasting } from './alarms.ts'
import type { Database } from './db/database.ts'
import { deleteInstance, holdInstance, sweepInstances } from './db/instances.ts'
import { sweepOperatorRequests } from './db/operators.ts'
import { version } from './version.ts'

/** A process that has not renewed by then is taken for dead, and what it left open is closed: within 10 s of its end. */
const LEASE_S = 5
/** Two renewals may fail or be late before that. */
const RENEW_MS = 1_500

/**
 * Enters this process among the instances and keeps its lease alive.
 * @returns a function that ends it: only when nothing of this process is under way any more
 */
export async function holdLease(db: Database, log: Logger, instanceId: string): Promise<() => Promise<void>> {
  const hold = { id: instanceId, version, leaseS: LEASE_S }
  await holdInstance(db, hold)
  const lasting = new Lasting(log)
  const renewed = (is: boolean): void => {
    lasting.note('lease_not_renewed', {
      on: !is,
      patienceMs: LEASE_S * 1_000 - RENEW_MS,
      says: 'the lease of this process ran out: other replicas close what it has open',
    })
  }
  let beating: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    beating = beating
      .then(() => holdInstance(db, hold))
      .then(() => {
        renewed(true)
        return sweepOperatorRequests(db)
      })
      .then(() => sweepInstances(db))
      .catch((error: unknown) => {
        renewed(false)
        log.warn({ err: error }, 'the lease was not renewed; the next beat tries again')
      })
  }, RENEW_MS)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await beating
    await deleteInstance(db, instanceId)
  }
}
