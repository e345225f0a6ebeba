import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { Context } from '../../src/context.ts'
import { tidyOcsp } from '../../src/db/ocsp.ts'
import { settleNumbers, takeNumbers } from '../../src/db/signatureCounters.ts'
import { createLogger } from '../../src/log.ts'
import { Metrics } from '../../src/metrics.ts'
import { refreshDue, ocspOf } from '../../src/pki/ocspWork.ts'
import { revoke } from '../../src/pki/revoke.ts'
import { startService as startReplica, type Service } from '../../src/service.ts'
import { settleCounters } from '../../src/signing/signCounted.ts'
import { startService, type TestService } from '../support/startService.ts'
import { certIdOf, newNonce, OcspClient, readAnswer, requestFor, serialOf } from './ocspClient.ts'
import { copyOf, signatures } from './ocspCopies.ts'

/** Whatever is revoked is seen by everyone after this, on a machine that does other things as well. */
const SEEN_MS = 1_000
const REVOKED = 10

describe('an OCSP answer', function () {
  this.timeout(60_000)
  let service: TestService
  let ocsp: OcspClient
  let leaf: Buffer
  before(async () => {
    service = await startService()
    ocsp = await OcspClient.of(service)
    leaf = service.credential.certificate
  })
  after(() => service.close())
  afterEach(() => service.checkState())

  const copies = (count: number, change = ''): Promise<Buffer[]> => copyOf(service, leaf, { count, change })
  const about = (serial: Buffer): Buffer => requestFor([certIdOf({ issuer: ocsp.issuer, serial })])
  const statusOf = async (serial: Buffer, at = ocsp): Promise<string> =>
    (await at.get(about(serial))).singles[0]?.status ?? ''

  describe('beside another replica', () => {
    let replica: Service
    let there: OcspClient
    before(async () => {
      const log = createLogger('warn', { write: () => undefined })
      replica = await startReplica({ config: service.config, log })
      there = ocsp.at(replica.url)
    })
    after(() => replica.close())

    it('gives what the other one has signed', async () => {
      const [serial = leaf] = await copies(1)
      const [here, elsewhere] = [await ocsp.get(about(serial)), await there.get(about(serial))]
      expect(elsewhere.der).to.deep.equal(here.der)
    })

    it('says revoked within a second of the revocation, whoever revokes and whoever is asked', async () => {
      const times: number[] = []
      for (const serial of await copies(REVOKED)) {
        for (const at of [ocsp, there]) expect(await statusOf(serial, at)).to.equal('good')
        const id = await idOf(service, serial)
        await revoke(service.ctx, {
          certificateId: id,
          credentialId: 'none',
          reason: 'superseded',
          actor: 'service',
        })
        const revokedAt = performance.now()
        await Promise.all(
          [ocsp, there].map(async (at) => {
            while ((await statusOf(serial, at)) !== 'revoked')
              expect(performance.now() - revokedAt).to.be.lessThan(SEEN_MS)
            times.push(performance.now() - revokedAt)
          }),
        )
        expect(await statusOf(serial, there)).to.equal('revoked')
      }
      expect(Math.max(...times)).to.be.lessThan(SEEN_MS)
    })

    it('keeps no answer of before a revocation that came while it was signed', async () => {
      for (const serial of await copies(5)) {
        const id = await idOf(service, serial)
        const asked = Promise.all([statusOf(serial), statusOf(serial, there), statusOf(serial)])
        await service.sql(`update certificate set state = 'revoked', revoked_at = now() where id = $1`, [id])
        await asked
        const kept = await service.sql<{ der: Buffer }>(
          'select der from ocsp_answer where certificate_id = $1',
          [id],
        )
        for (const { der } of kept) expect(readAnswer(der).singles[0]?.status).to.equal('revoked')
      }
    })
  })

  describe('keeps answers', () => {
    it('while they are asked for: signed anew at half of their life, and not before', async () => {
      const [asked = leaf, unasked = leaf] = await copies(2)
      const first = await ocsp.get(about(asked))
      await ocsp.get(about(unasked))
      await ocsp.get(about(asked))
      for (const serial of [asked, unasked]) {
        const held = heldOf(service.ctx, serial)
        expect(held?.refreshAt).to.be.within(Date.now() + 895_000, Date.now() + 1_081_000)
      }
      const other: Context = { ...service.ctx, metrics: new Metrics(), instanceId: randomUUID() }
      const answerOf = async (serial: Buffer): Promise<Buffer> => {
        const [row] = await service.sql<{ der: Buffer }>(
          'select a.der from ocsp_answer a join certificate c on c.id = a.certificate_id where c.serial = $1',
          [serial],
        )
        return row?.der ?? Buffer.alloc(0)
      }
      const before = await answerOf(unasked)
      await service.sql(
        `update ocsp_answer set this_update = this_update - interval '1100 s', next_update = next_update - interval '1100 s'`,
      )
      // As another replica would, that somebody asked about one of the two.
      const theirs = ocspOf(other)
      await theirs.answer(about(asked))
      await refreshDue(other, theirs)
      expect((await answerOf(asked)).equals(first.der)).to.equal(false)
      expect(await answerOf(unasked)).to.deep.equal(before)
    })

    it('until they have ended, and changes for an hour', async () => {
      const [kept = leaf, ended = leaf] = await copies(2)
      for (const serial of [kept, ended]) await ocsp.get(about(serial))
      await service.sql(`update certificate set state = 'revoked', revoked_at = now() where serial = $1`, [
        kept,
      ])
      const seenUntil = performance.now() + SEEN_MS
      while ((await statusOf(kept)) !== 'revoked') expect(performance.now()).to.be.lessThan(seenUntil)
      await service.sql(
        `update ocsp_answer set next_update = now() - interval '1 second'
          where certificate_id = (select id from certificate where serial = $1)`,
        [ended],
      )
      await service.sql(`update certificate_change set at = at - interval '2 hours'`)
      await tidyOcsp(service.ctx.db)
      const rows = await service.sql<{ serial: Buffer }>(
        `select c.serial from ocsp_answer a join certificate c on c.id = a.certificate_id where c.serial = any($1)`,
        [[kept, ended]],
      )
      expect(rows.map(({ serial }) => serial)).to.deep.equal([kept])
      expect(await service.sql('select from certificate_change')).to.deep.equal([])
    })

    it('of a responder until its certificate is revoked, and then none', async () => {
      const { responder } = await ocsp.get(ocsp.request(leaf))
      await service.sql(
        `update certificate set state = 'revoked', revoked_at = now(), revocation_reason = 'keyCompromise'
                          where serial = $1`,
        [serialOf(responder?.raw ?? leaf)],
      )
      const until = performance.now() + SEEN_MS
      const other = async (): Promise<boolean> =>
        (await ocsp.get(ocsp.request(leaf))).responder?.serialNumber !== responder?.serialNumber
      while (!(await other())) expect(performance.now()).to.be.lessThan(until)
    })

    it('of a responder that is followed by another one, at half of its life, to their end', async () => {
      const before = await ocsp.get(ocsp.request(leaf))
      const { responders, authorities } = ocspOf(service.ctx)
      for (const authority of await authorities.all()) await responders.rollOver(authority)
      const count = async (): Promise<number> => {
        const rows = await service.sql(`select from certificate where profile = 'ocsp' and state = 'issued'`)
        return rows.length
      }
      expect(await count()).to.equal(1)
      await service.sql(`update certificate set not_before = not_before - interval '16 days', not_after = not_after - interval '16 days'
                          where profile = 'ocsp'`)
      for (const authority of await authorities.all()) await responders.rollOver(authority)
      expect(await count()).to.equal(2)
      expect((await ocsp.get(ocsp.request(leaf))).der).to.deep.equal(before.der)
      const live = await ocsp.post(ocsp.request(leaf, { nonce: newNonce() }))
      expect(live.responder?.serialNumber).not.to.equal(before.responder?.serialNumber)
    })
  })

  it('has a number that was taken before, of a block that is followed by others', async () => {
    const [key] = await service.sql<{ id: string }>(`select id from key where purpose = 'ca' limit 1`)
    const counted = { keyId: key?.id ?? '', instanceId: randomUUID() }
    await takeNumbers(service.ctx.db, { ...counted, made: 0, more: 10 })
    await takeNumbers(service.ctx.db, { ...counted, made: 10, more: 10 })
    const row = async (): Promise<unknown[]> =>
      service.sql('select taken::int, made::int from signature_counter where instance_id = $1', [
        counted.instanceId,
      ])
    expect(await row()).to.deep.equal([{ taken: 20, made: 10 }])
    await settleNumbers(service.ctx.db, { ...counted, made: 12, taken: 13 })
    expect(await row()).to.deep.equal([{ taken: 13, made: 12 }])
  })

  it('is counted, and leaves nothing in the audit log', async () => {
    const rows = (): Promise<{ count: number }[]> => service.sql('select count(*)::int as count from audit')
    await ocsp.post(ocsp.request(leaf, { nonce: newNonce() }))
    const [audit, before] = [await rows(), await signatures(service.ctx)]
    for (let n = 0; n < 5; n++) await ocsp.post(ocsp.request(leaf, { nonce: newNonce() }))
    expect(await rows()).to.deep.equal(audit)
    expect((await signatures(service.ctx)) - before).to.equal(5)
    await settleCounters(service.ctx)
    const counted = await service.sql<{ taken: number; made: number }>(
      'select sum(taken)::int as taken, sum(made)::int as made from signature_counter where instance_id = $1',
      [service.ctx.instanceId],
    )
    expect(counted).to.deep.equal([
      { taken: await signatures(service.ctx), made: await signatures(service.ctx) },
    ])
  })
})

function heldOf(ctx: Context, serial: Buffer): { readonly refreshAt: number } | undefined {
  for (const [name, { answers }] of ocspOf(ctx).statuses.held())
    if (name === serial.toString('latin1')) return answers.get('SHA-1')
  return undefined
}

async function idOf(service: TestService, serial: Buffer): Promise<string> {
  const [row] = await service.sql<{ id: string }>('select id from certificate where serial = $1', [serial])
  return row?.id ?? ''
}
