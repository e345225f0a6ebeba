/** A replica in a process of its own that takes entries of status lists when it is told to, and says which. */
import type { TokenConfigShape } from '../../hsm/types.ts'
import { allocateEntry } from '../../src/credentials/status/allocate.ts'
import { holdLease } from '../../src/lease.ts'
import { startClockWatch } from '../../src/pki/clock.ts'
import { openContext } from '../support/context.ts'

export interface Allocating {
  readonly databaseUrl: string
  readonly token: object
  readonly issuerId: string
  readonly count: number
}

export interface Allocated {
  readonly entries: readonly string[]
  readonly seconds: number
  readonly processorSeconds: number
}

const order = JSON.parse(process.argv[2] ?? '') as Allocating
// A test that is killed takes its replicas with it.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))

const token = { config: order.token as TokenConfigShape }
const ctx = await openContext({ database: { url: order.databaseUrl }, token, lines: [] })
await holdLease(ctx.db, ctx.log, ctx.instanceId)
await startClockWatch(ctx)
const { issuerId } = order

async function allocate(): Promise<Allocated> {
  const [began, before] = [performance.now(), process.cpuUsage()]
  const taken = await Promise.all(
    Array.from({ length: order.count }, () => allocateEntry(ctx, { issuerId, credentialId: undefined })),
  )
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(before)
  const entries = taken.map(({ listId, index }) => `${listId} ${String(index)}`)
  return { entries, seconds, processorSeconds: (user + system) / 1e6 }
}

process.on('message', () => void allocate().then((allocated) => process.send?.(allocated)))
process.send?.('ready')
