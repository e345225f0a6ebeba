/** A process that issues and renews certificates, four at a time, or a credential's, and kills itself at a named point. */
import { generateKeyPairSync, hash } from 'node:crypto'
import type { TokenConfigShape } from '../../../hsm/types.ts'
import { Token } from '../../../hsm/token.ts'
import { findCredential } from '../../../src/db/credentials.ts'
import { Database, type Statement } from '../../../src/db/database.ts'
import { holdLease } from '../../../src/lease.ts'
import { startClockWatch } from '../../../src/pki/clock.ts'
import type { IssuedCertificate } from '../../../src/pki/issue.ts'
import { issueFor } from '../../../src/pki/issueFor.ts'
import { renew } from '../../../src/pki/renew.ts'
import { openContext } from '../../support/context.ts'
import type { Given, IssuanceFailpoint, IssuerOrder } from './issuanceFailpoints.ts'

const AT_ONCE = 4

const order = JSON.parse(process.argv[2] ?? '') as IssuerOrder
let passes = 0

function pass(point: IssuanceFailpoint): void {
  if (order.point === point && ++passes >= order.pass) process.kill(process.pid, 'SIGKILL')
}

process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))

// Called with the database that it was taken from.
// eslint-disable-next-line @typescript-eslint/unbound-method
const query = Database.prototype.query
Database.prototype.query = async function <Row>(this: Database, statement: Statement): Promise<Row[]> {
  const { name } = statement
  if (name === 'certificate-plan') pass('before plan')
  if (name === 'certificate-store') pass('before store')
  const rows = await query.call(this, statement)
  if (name === 'certificate-plan') pass('planned')
  if (name === 'certificate-store') pass('stored')
  return rows as Row[]
}

// eslint-disable-next-line @typescript-eslint/unbound-method
const transaction = Database.prototype.transaction
Database.prototype.transaction = async function <T>(this: Database, work: Work<T>): Promise<T> {
  const seen = { store: false }
  const done = await transaction.call(this, (tx) => {
    const watched: typeof tx = {
      query: (statement) => {
        if (statement.name === 'certificate-store') seen.store = true
        if (seen.store) pass('before store')
        return tx.query(statement)
      },
    }
    return work(watched)
  })
  if (seen.store) pass('stored')
  return done as T
}
type Work<T> = (tx: Parameters<Parameters<Database['transaction']>[0]>[0]) => Promise<T>

// eslint-disable-next-line @typescript-eslint/unbound-method
const sign = Token.prototype.sign
Token.prototype.sign = async function (this: Token, ...request): Promise<Buffer[]> {
  pass('before sign')
  const signatures = await sign.apply(this, request)
  pass('signed')
  return signatures
}

const token = { config: order.token as TokenConfigShape }
const ctx = await openContext({ database: { url: order.databaseUrl }, token, lines: [] })
await holdLease(ctx.db, ctx.log, ctx.instanceId)
await startClockWatch(ctx)
const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = { keyType: 'P-256', spki: publicKey.export({ format: 'der', type: 'spki' }) } as const

const who = { actor: 'operator:load', reason: 'expiry' } as const

async function forEver(): Promise<void> {
  for (;;) {
    const subject = {
      form: 'natural person',
      country: 'NO',
      surname: 'Nordmann',
      serialNumber: 'PNONO-1',
    } as const
    const issued = await issueFor(ctx, { profile: 'ncp-n', subject, key, actor: who.actor })
    await tell(issued)
    await tell(await renew(ctx, { ...who, which: { id: issued.id } }))
  }
}

async function renewForEver(id: string): Promise<void> {
  for (;;) {
    const credential = await findCredential(ctx.db, { id })
    await tell(await renew(ctx, { ...who, which: { id: credential?.certificateId ?? '' } }))
  }
}

/** Told before the next one is begun. */
async function tell({ id, der }: IssuedCertificate): Promise<void> {
  const given: Given = { id, certificate: hash('sha256', der, 'hex') }
  await new Promise((told) => process.send?.(given, told))
}

if (order.credentialId === undefined) await Promise.all(Array.from({ length: AT_ONCE }, forEver))
else await renewForEver(order.credentialId)
