import { createHash, randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { auditEntry } from '../../src/audit.ts'
import { insertAudit } from '../../src/db/audit.ts'
import { complete } from '../../src/db/completions.ts'
import { holdInstance } from '../../src/db/instances.ts'
import { planKey } from '../../src/db/keys.ts'
import { reserve } from '../../src/db/reservations.ts'
import { authoriseCredential } from '../../src/signing/activation.ts'
import { permitFromSad } from '../../src/signing/permit.ts'
import { closeOpen, startRecovery } from '../../src/signing/recover.ts'
import { createTestContext, type TestContext } from '../support/context.ts'
import { withClient } from '../support/database.ts'

describe('recovery', () => {
  let test: TestContext
  let credentialId: string
  const clientId = 'demo'
  const digest = createHash('sha256').update('left open').digest()

  before(async () => {
    test = await createTestContext()
    credentialId = await test.enrolCredential({ clientId, pin: '295716', keyType: 'P-256' })
    await holdInstance(test.ctx.db, { id: test.ctx.instanceId, version: 'test', leaseS: 60 })
  })
  afterEach(() => test.checkState())
  after(() => test.close())

  /** As a process that died after transaction 1 leaves it. */
  async function leaveOpen(
    instanceId: string,
  ): Promise<{ attempt: string; sad: string; authorisationId: string }> {
    const secrets = ['295716']
    const request = { clientId, credentialId, secrets, count: 1, hash: 'SHA-256' as const, digests: [digest] }
    const { sad } = await authoriseCredential(test.ctx, request)
    const permit = await permitFromSad(test.ctx, { ...request, sad, scheme: 'ecdsa-sha256' })
    const authorisationId = permit.redeem().activated?.authorisation.authorisationId ?? ''
    const attempt = randomUUID()
    const facts = { act: 'sign', actor: `client:${clientId}`, subjects: [], signatureId: attempt }
    const detail = { digests: [digest.toString('hex')] }
    const intent = auditEntry({ ...facts, kind: 'intent', detail })
    const inputs = [digest]
    await reserve(test.ctx.db, { attempt, authorisationId, instanceId, inputs, named: inputs, intent })
    return { attempt, sad, authorisationId }
  }

  /** 'open', or what its result says. */
  const outcomeOf = (attempt: string): Promise<string> =>
    withClient(test.database.superUrl, async (client) => {
      const open = await client.query('select from attempt where id = $1', [attempt])
      const results = await client.query<{ outcome: string }>(
        `select convert_from(body, 'utf8')::jsonb -> 'detail' ->> 'outcome' as outcome from audit
          where signature_id = $1 and kind = 'result'`,
        [attempt],
      )
      return [...open.rows.map(() => 'open'), ...results.rows.map(({ outcome }) => outcome)].join()
    })

  it("closes what a dead process left open as 'outcome unknown', and leaves a living one's alone", async () => {
    const dead = await leaveOpen(randomUUID())
    const living = await leaveOpen(test.ctx.instanceId)
    await closeOpen(test.ctx)
    expect(await outcomeOf(dead.attempt)).to.equal('unknown')
    expect(await outcomeOf(living.attempt)).to.equal('open')
  })

  it('closes an attempt that is older than any request lives, whoever holds it, and nothing leaves after', async () => {
    const old = await leaveOpen(test.ctx.instanceId)
    await withClient(test.database.superUrl, (client) =>
      client.query(`update attempt set reserved_at = now() - interval '5 minutes' where id = $1`, [
        old.attempt,
      ]),
    )
    await closeOpen(test.ctx)
    expect(await outcomeOf(old.attempt)).to.equal('unknown')
    const facts = { act: 'sign', actor: `client:${clientId}`, subjects: [], signatureId: old.attempt }
    const late = await complete(test.ctx.db, {
      attempt: old.attempt,
      result: auditEntry({ ...facts, kind: 'result', detail: { outcome: 'signed' } }),
    })
    expect(late).to.equal(false)
  })

  it('destroys, at the start, a key whose making never ended', async () => {
    const [keyId, ckaId] = [randomUUID(), await test.ctx.token.random(16)]
    const plan = {
      id: keyId,
      tokenSerial: test.ctx.token.serial,
      ckaId,
      keyType: 'P-256',
      purpose: 'ca',
    } as const
    const facts = { act: 'key.generate', actor: 'service', subjects: [`key:${keyId}`], signatureId: keyId }
    await planKey(test.ctx.db, plan)
    await insertAudit(test.ctx.db, [auditEntry({ ...facts, kind: 'intent' })])
    await test.ctx.token.generate({ keyId, ckaId, keyType: 'P-256', purpose: 'ca' })
    await withClient(test.database.superUrl, async (client) => {
      await client.query(`update key set created_at = now() - interval '5 minutes' where id = $1`, [keyId])
    })
    await (
      await startRecovery(test.ctx)
    )()
    expect(await test.ctx.token.describe(ckaId)).to.equal(undefined)
    const rows = await test.ctx.db.query({
      text: 'select state from key where id = $1::uuid',
      values: [keyId],
    })
    expect(rows).to.deep.equal([{ state: 'destroyed' }])
  })
})
