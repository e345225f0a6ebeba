import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from './database.ts'

/** Any number: whoever prepares a token or makes its authorities holds it. */
const LOCK = 0x1e7a0cb
const POLL_MS = 200
/** It takes seconds; after this long somebody hangs. */
const WAIT_MS = 60_000

/**
 * Work of a first start that must not be done twice at once, by any replica: secrets of the token, authorities. A replica that dies lets go with its
 * connection; the next finds what was done and goes on from there.
 */
export async function oneAtATime<T>(db: Database, work: () => Promise<T>): Promise<T> {
  for (const until = performance.now() + WAIT_MS; performance.now() < until;) {
    const done = await ifFree(db, work)
    if (done !== undefined) return done.result
    await pause(POLL_MS)
  }
  throw new Error('Another process has been at its first start for a minute: look for it, and start again.')
}

/** The same, without waiting. @returns undefined where another one is at it */
export function ifFree<T>(db: Database, work: () => Promise<T>): Promise<{ result: T } | undefined> {
  return db.transaction(async (tx) => {
    const rows = await tx.query<{ mine: boolean }>({
      text: 'select pg_try_advisory_xact_lock($1::bigint) as mine',
      values: [LOCK],
    })
    return rows[0]?.mine === true ? { result: await work() } : undefined
  })
}
