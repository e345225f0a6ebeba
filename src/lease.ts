import type { Logger } from 'pino'
import type { Database } from './db/database.ts'
import { deleteInstance, holdInstance } from './db/instances.ts'
import { sweepOperatorRequests } from './db/operators.ts'
import { version } from './version.ts'

/** A process that has not renewed by then is taken for dead, and what it left open is closed. */
const LEASE_S = 15
const RENEW_MS = 5_000

/**
 * Enters this process among the instances and keeps its lease alive.
 * @returns a function that ends it: only when nothing of this process is under way any more
 */
export async function holdLease(db: Database, log: Logger, instanceId: string): Promise<() => Promise<void>> {
  const hold = { id: instanceId, version, leaseS: LEASE_S }
  await holdInstance(db, hold)
  let beating: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    beating = beating
      .then(() => holdInstance(db, hold))
      .then(() => sweepOperatorRequests(db))
      .catch((error: unknown) => {
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
