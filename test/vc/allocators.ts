import { fork, type ChildProcess } from 'node:child_process'
import { resolve } from 'node:path'
import type { TestService } from '../support/startService.ts'
import type { Allocated, Allocating } from './allocator.ts'

const ALLOCATOR = resolve(import.meta.dirname, '../../dist-test/test/vc/allocator.js')

/**
 * Entries of an issuer's lists, taken by two replicas in two processes at once, so many by each.
 * @returns what each says that it has taken, when both have ended
 */
export async function allocatedByTwo(
  service: Pick<TestService, 'database' | 'token'>,
  order: Pick<Allocating, 'issuerId' | 'count'>,
): Promise<readonly [Allocated, Allocated]> {
  const { database, token } = service
  const whole = JSON.stringify({ databaseUrl: database.url, token: token.config, ...order })
  const start = (): ChildProcess =>
    fork(ALLOCATOR, [whole], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [one, two] = [start(), start()]
  try {
    await Promise.all([said(one), said(two)])
    const both = [said<Allocated>(one), said<Allocated>(two)] as const
    for (const child of [one, two]) child.send('go')
    return await Promise.all(both)
  } finally {
    for (const child of [one, two]) child.kill('SIGKILL')
  }
}

function said<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => {
      resolve(message as T)
    })
    child.once('exit', () => {
      reject(new Error('a replica ended'))
    })
  })
}
