import { fork, type ChildProcess } from 'node:child_process'
import { hash } from 'node:crypto'
import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'chai'
import { closeOpen } from '../../../src/signing/recover.ts'
import { endLeft } from '../../../src/pki/recover.ts'
import { revoke } from '../../../src/pki/revoke.ts'
import { createTestContext, type TestContext } from '../../support/context.ts'
import { withClient } from '../../support/database.ts'
import type { Given, IssuanceFailpoint, IssuerOrder } from './issuanceFailpoints.ts'
import { until } from './until.ts'

const ISSUER = resolve(import.meta.dirname, '../../../dist-test/test/chaos/support/issuer.js')
/** The lease of a dead process, and some. */
const RECOVERY_MS = 10_000

/** Processes that issue and are killed, and what they had given out until then. */
export class Issuing {
  readonly test: TestContext
  readonly given: Given[] = []
  kills = 0

  private constructor(test: TestContext) {
    this.test = test
  }

  static async begin(): Promise<Issuing> {
    return new Issuing(await createTestContext())
  }

  /** One process, which ends itself there. */
  async kill(point: IssuanceFailpoint, pass: number, credentialId?: string): Promise<void> {
    await this.#killed(this.#start({ point, pass, credentialId }), point)
  }

  /** One process, which is ended while it issues. @param afterMs since its first certificate */
  async killAfter(afterMs: number): Promise<void> {
    const child = this.#start({ pass: 0 })
    const killed = this.#killed(child, `after ${String(afterMs)} ms`)
    await Promise.race([new Promise((given) => child.once('message', given)), killed])
    await pause(afterMs)
    child.kill('SIGKILL')
    await killed
  }

  #start(how: Pick<IssuerOrder, 'point' | 'pass' | 'credentialId'>): ChildProcess {
    const { database, token } = this.test
    const order: IssuerOrder = { databaseUrl: database.url, token: token.config, ...how }
    const child = fork(ISSUER, [JSON.stringify(order)], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    child.on('message', (message) => this.given.push(message as Given))
    return child
  }

  async #killed(child: ChildProcess, where: string): Promise<void> {
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const signal = await new Promise((ended) => child.on('close', (_, by) => ended(by)))
    expect(signal, `${where}: ${said}`).to.equal('SIGKILL')
    this.kills++
  }

  planned(): Promise<number> {
    return this.#count(`state = 'planned'`)
  }

  async #count(where: string): Promise<number> {
    const [row] = await this.#sql<{ n: number }>(`select count(*)::int as n from certificate where ${where}`)
    return row?.n ?? 0
  }

  #sql<Row>(text: string): Promise<Row[]> {
    return withClient(this.test.database.superUrl, async (client) => (await client.query(text)).rows as Row[])
  }

  /** As another replica does it each second, until nothing is left. */
  async recover(): Promise<void> {
    const { ctx } = this.test
    const isSettled = async (): Promise<boolean> => {
      await closeOpen(ctx)
      await endLeft(ctx)
      return (await this.planned()) === 0
    }
    await until(isSettled, { withinMs: RECOVERY_MS, otherwise: () => 'planned certificates are left' })
  }

  /** No serial twice, nothing given out that is not stored, and of what was not stored it is known what the token did. */
  async check(): Promise<void> {
    const stored = await this.#sql<{ id: string; der: Buffer }>(
      `select id, der from certificate where state = 'issued'`,
    )
    const known = new Map(stored.map(({ id, der }) => [id, hash('sha256', der, 'hex')]))
    const unrecorded = this.given.filter(({ id, certificate }) => known.get(id) !== certificate)
    expect(unrecorded, 'certificates that were given out and are not stored').to.deep.equal([])
    expect(
      await this.#sql('select serial from certificate group by serial having count(*) > 1'),
    ).to.deep.equal([])
    const ended = await this.#sql<{ token: string }>(
      `select convert_from(body, 'utf8')::jsonb -> 'detail' ->> 'token' as token from audit a
        where act = 'certificate.void'
          and exists (select from certificate c where c.state = 'void' and 'certificate:' || c.id = any(a.subjects))`,
    )
    expect(ended).to.have.length(await this.#count(`state = 'void'`))
    for (const { token } of ended) expect(['not asked', 'signed', 'unknown']).to.include(token)
    await this.test.checkState()
  }

  /** What never left may be somewhere all the same: each can be revoked, and is a change that the next lists tell of. */
  async revokeUnfinished(): Promise<number> {
    const ended = await this.#sql<{ id: string }>(`select id from certificate where state = 'void'`)
    for (const { id: certificateId } of ended)
      await revoke(this.test.ctx, { certificateId, reason: 'keyCompromise', actor: 'operator:load' })
    const told = await this.#sql<{ id: string }>(
      `select c.id from certificate c join status_change s on s.certificate_id = c.id and s.change = 'revoke'
        where c.state = 'revoked' and c.revoked_at is not null`,
    )
    expect(told.map(({ id }) => id)).to.include.members(ended.map(({ id }) => id))
    await this.test.checkState()
    return ended.length
  }

  close(): Promise<void> {
    return this.test.close()
  }
}
