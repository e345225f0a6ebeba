/** The service as it is, in a process that kills itself at a named point when it is told to. */
import { ServerResponse } from 'node:http'
import { Token } from '../../../hsm/token.ts'
import { Database, type Statement } from '../../../src/db/database.ts'
import type { Arming, Failpoint } from './failpoints.ts'

let armed: Arming | undefined
let passes = 0

process.on('message', (message) => {
  armed = message as Arming
  passes = 0
})
// A test that is killed takes its servers with it.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))

function pass(point: Failpoint): void {
  if (armed?.point === point && ++passes >= armed.pass) process.kill(process.pid, 'SIGKILL')
}

/** Transactions 1 and 2, of signatures and of timestamps. */
const RESERVES = new Set(['authorisation-reserve', 'timestamp-reserve'])
const COMPLETES = new Set(['authorisation-complete', 'timestamp-complete'])

// Called with the database that it was taken from.
// eslint-disable-next-line @typescript-eslint/unbound-method
const query = Database.prototype.query
Database.prototype.query = async function <Row>(this: Database, statement: Statement): Promise<Row[]> {
  if (RESERVES.has(statement.name ?? '')) {
    pass('before reserve')
    const rows = await query.call(this, statement)
    pass('reserved')
    return rows as Row[]
  }
  if (!COMPLETES.has(statement.name ?? '')) return (await query.call(this, statement)) as Row[]
  const completing = query.call(this, statement)
  // What was written to the socket in this turn is the kernel's by the next.
  setImmediate(() => pass('complete sent'))
  const rows = await completing
  pass('completed')
  return rows as Row[]
}

// eslint-disable-next-line @typescript-eslint/unbound-method
const sign = Token.prototype.sign
Token.prototype.sign = async function (this: Token, ...request): Promise<Buffer[]> {
  pass('before sign')
  const signatures = await sign.apply(this, request)
  pass('signed')
  return signatures
}

// eslint-disable-next-line @typescript-eslint/unbound-method
const end = ServerResponse.prototype.end
ServerResponse.prototype.end = function (this: ServerResponse, ...given: unknown[]): ServerResponse {
  const { url = '' } = this.req
  const signs = url.endsWith('/signatures/signHash') || url === '/pki/tsa'
  const isSignature = signs && this.statusCode === 200
  if (isSignature) this.once('finish', () => pass('answered'))
  end.apply(this, given as Parameters<typeof end>)
  return this
} as typeof end

await import('../../../src/server.ts')
