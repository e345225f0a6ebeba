import { createHash, randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { auditEntry } from '../../src/audit.ts'
import { beginAsynchronous, findOutcome, postpone, tidyAsynchronous } from '../../src/db/asynchronous.ts'
import { holdInstance } from '../../src/db/instances.ts'
import { setClientState } from '../../src/db/clients.ts'
import { startJobs } from '../../src/jobs.ts'
import { authoriseCredential } from '../../src/signing/activation.ts'
import { signatureWork, signLater } from '../../src/signing/asynchronous.ts'
import { extendAuthorisation } from '../../src/signing/extension.ts'
import { permitFromSad } from '../../src/signing/permit.ts'
import { closeOpen } from '../../src/signing/recover.ts'
import { sign } from '../../src/signing/sign.ts'
import { createTestContext, type TestContext } from '../support/context.ts'
import { withClient } from '../support/database.ts'

const clientId = 'demo'
const URI = 'https://client.example/told'
const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()

/** What holds wherever the process that accepted a request, or the one that signs it, dies. */
describe('a request that is signed later', () => {
  let test: TestContext
  let credentialId: string

  before(async () => {
    test = await createTestContext()
    credentialId = await test.enrolCredential({ clientId, pin: '295716', keyType: 'P-256' })
    await holdInstance(test.ctx.db, { id: test.ctx.instanceId, version: 'test', leaseS: 600 })
  })
  afterEach(() => test.checkState())
  after(() => test.close())

  const authorised = async (digests: readonly Buffer[]) => {
    const secrets = ['295716']
    const request = {
      clientId,
      credentialId,
      secrets,
      count: digests.length,
      hash: 'SHA-256' as const,
      digests,
    }
    const { sad } = await authoriseCredential(test.ctx, request)
    const permit = (asked = digests) =>
      permitFromSad(test.ctx, { clientId, credentialId, sad, scheme: 'ecdsa-sha256', digests: asked })
    return { sad, permit }
  }
  const later = { clientId: 'demo', credentialId: '', validityMs: 60_000, responseUri: URI }
  const accept = async (text: string) => {
    const made = await authorised([digestOf(text)])
    return { ...made, id: await signLater(test.ctx, await made.permit(), { ...later, credentialId }) }
  }
  const sql = <Row>(text: string, values: unknown[] = []) =>
    withClient(test.database.superUrl, async (client) => (await client.query(text, values)).rows as Row[])
  const stateOf = async (id: string): Promise<string> => {
    const outcome = await findOutcome(test.ctx.db, { id, clientId })
    return outcome === undefined ? 'nothing' : (outcome.failure ?? outcome.state)
  }
  /** Another process takes what there is to do, until nothing is left. */
  const work = async (): Promise<void> => {
    const stop = startJobs(test.ctx, [signatureWork])
    const until = performance.now() + 10_000
    for (;;) {
      const open = await sql(`select from job where kind = 'signature' and state in ('waiting', 'running')`)
      if (open.length === 0 || performance.now() > until) break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await stop()
  }
  const begin = (id: string, instanceId: string) => {
    const facts = { act: 'sign', actor: 'service', subjects: [], signatureId: id }
    const result = auditEntry({ ...facts, kind: 'result', detail: { outcome: 'refused' } })
    return beginAsynchronous(test.ctx.db, { attempt: id, instanceId, result })
  }
  const notifications = async (id: string): Promise<number> =>
    (await sql(`select from job where kind = 'notification' and payload ->> 'responseID' = $1`, [id])).length

  it('has spent its SAD before it is signed, and is signed by whoever comes, though who accepted it died', async () => {
    const { id, permit } = await accept('accepted')
    expect(await stateOf(id)).to.equal('accepted')
    // Nobody is at it, so nothing is closed as unknown, whoever is dead.
    await closeOpen(test.ctx)
    expect(await stateOf(id)).to.equal('accepted')
    const again = await sign(test.ctx, await permit()).catch((error: unknown) => (error as Error).message)
    expect(again).to.equal('Hash is not authorized by the SAD')
    expect(await notifications(id)).to.equal(0)
    await work()
    expect(await stateOf(id)).to.equal('signed')
    expect(await notifications(id)).to.equal(1)
    const [row] = await sql<{ inputs: unknown }>('select inputs from asynchronous_signature where id = $1', [
      id,
    ])
    expect(row?.inputs, 'the digests, when they are of no use any more').to.equal(null)
  })

  it('is signed once by two processes that come together', async () => {
    const ids = await Promise.all(Array.from({ length: 6 }, async (_, at) => (await accept(`two ${at}`)).id))
    const other = { ...test.ctx, db: test.ctx.db, instanceId: randomUUID() }
    await holdInstance(test.ctx.db, { id: other.instanceId, version: 'test', leaseS: 600 })
    const verdicts = await Promise.all(
      ids.map((id) => Promise.all([begin(id, test.ctx.instanceId), begin(id, other.instanceId)])),
    )
    for (const [one, two] of verdicts) expect([one, two].sort()).to.deep.equal(['begun', 'gone'])
    for (const id of ids) await postpone(test.ctx.db, id)
    await work()
    for (const id of ids) expect(await stateOf(id)).to.equal('signed')
  })

  it('ends as failed, and never is signed, when a process dies at it; its client is told so', async () => {
    const { id } = await accept('died at')
    expect(await begin(id, randomUUID())).to.equal('begun')
    expect(await stateOf(id)).to.equal('begun')
    await closeOpen(test.ctx)
    expect(await stateOf(id)).to.equal('operation_failed')
    expect(await notifications(id)).to.equal(1)
    await work()
    expect(await stateOf(id)).to.equal('operation_failed')
  })

  it('waits again when the token is away, and is signed when it is back', async () => {
    const { id } = await accept('postponed')
    expect(await begin(id, test.ctx.instanceId)).to.equal('begun')
    await postpone(test.ctx.db, id)
    expect(await stateOf(id)).to.equal('accepted')
    await work()
    expect(await stateOf(id)).to.equal('signed')
  })

  it('is closed where a binary that did not know it closed its attempt', async () => {
    const { id } = await accept('old binary')
    expect(await begin(id, randomUUID())).to.equal('begun')
    const facts = { act: 'sign', actor: 'service', subjects: [], signatureId: id }
    const { body, salt } = auditEntry({ ...facts, kind: 'result', detail: { outcome: 'unknown' } })
    const said = JSON.parse(body.toString('utf8')) as { id: string }
    await sql('delete from attempt where id = $1', [id])
    await sql(
      `insert into audit (id, at, kind, act, actor, subjects, signature_id, version, body, salt)
       values ($1, now(), 'result', 'sign', 'service', '{}', $2, 1, $3, $4)`,
      [said.id, id, body, salt],
    )
    await tidyAsynchronous(test.ctx.db)
    expect(await stateOf(id)).to.equal('operation_failed')
    await work()
  })

  const meanwhile: readonly [what: string, failure: string, change: string][] = [
    ['the SAD expired', 'permit_expired', `update authorisation set expires_at = now() where id = $1`],
    ['it was taken back', 'permit_unknown', `update authorisation set revoked_at = now() where id = $1`],
  ]
  for (const [what, failure, change] of meanwhile) {
    it(`is not signed when ${what} meanwhile; what it took is free again`, async () => {
      const { id } = await accept(what)
      const [row] = await sql<{ authorisation: string }>(
        'select authorisation_id as authorisation from asynchronous_signature where id = $1',
        [id],
      )
      await sql(change, [row?.authorisation])
      await work()
      expect(await stateOf(id)).to.equal(failure)
      const taken = await sql('select from authorised_hash where attempt = $1', [id])
      expect(taken).to.have.length(0)
      expect(await notifications(id)).to.equal(1)
    })
  }

  it('is not signed for a client that was disabled meanwhile', async () => {
    const { id } = await accept('disabled')
    await setClientState(test.ctx.db, clientId, 'disabled')
    await work()
    await setClientState(test.ctx.db, clientId, 'enabled')
    expect(await stateOf(id)).to.equal('credential_disabled')
  })

  it('is signed although the rest of its SAD was extended meanwhile', async () => {
    const digests = [digestOf('first'), digestOf('second')]
    const { sad, permit } = await authorised(digests)
    const id = await signLater(test.ctx, await permit(digests.slice(0, 1)), { ...later, credentialId })
    const extended = await extendAuthorisation(test.ctx, { sad, clientId, credentialId })
    await work()
    expect(await stateOf(id)).to.equal('signed')
    const rest = { clientId, credentialId, sad: extended.sad, scheme: 'ecdsa-sha256' as const }
    const permitted = await permitFromSad(test.ctx, { ...rest, digests: digests.slice(1) })
    expect(await sign(test.ctx, permitted)).to.have.length(1)
  })

  it('is not accepted twice by one SAD, however many ask at once', async () => {
    const { permit } = await authorised([digestOf('once')])
    const permits = await Promise.all(Array.from({ length: 10 }, () => permit()))
    const ids = await Promise.allSettled(
      permits.map((one) => signLater(test.ctx, one, { ...later, credentialId })),
    )
    expect(ids.filter(({ status }) => status === 'fulfilled')).to.have.length(1)
    await work()
  })

  it('is erased, with its signatures, when its time is over, and is nobody else’s before', async () => {
    const { id } = await accept('erased')
    await work()
    expect(await findOutcome(test.ctx.db, { id, clientId: 'other' })).to.equal(undefined)
    const [row] = await sql<{ seconds: number }>(
      'select extract(epoch from expires_at - now())::int as seconds from asynchronous_signature where id = $1',
      [id],
    )
    expect(row?.seconds).to.be.within(50, 60)
    await tidyAsynchronous(test.ctx.db)
    expect(await stateOf(id)).to.equal('signed')
    await sql('update asynchronous_signature set expires_at = now() where id = $1', [id])
    expect(await stateOf(id)).to.equal('nothing')
    await tidyAsynchronous(test.ctx.db)
    expect(await sql('select from asynchronous_signature where id = $1', [id])).to.have.length(0)
  })
})
