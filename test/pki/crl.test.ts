import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { storePublished, takeLists, type TakenList } from '../../src/db/crls.ts'
import { publishDue } from '../../src/pki/crlPublisher.ts'
import { reinstate, revoke, revokeIn, suspend } from '../../src/pki/revoke.ts'
import { shardOf } from '../../src/pki/publication.ts'
import { sha256 } from '../../src/signing/sha256.ts'
import { startWatch } from '../../src/watch.ts'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { has, Lists, pemOf, run } from './lists.ts'

describe('revocation lists', function () {
  this.timeout(60_000)
  let service: TestService
  let lists: Lists
  before(async () => {
    service = await startService()
    lists = await Lists.of(service)
  })
  afterEach(() => service.checkState())
  after(async () => {
    lists.remove()
    await service.close()
  })

  const idOf = async (credential: TestCredential): Promise<string> => {
    const rows = await service.sql<{ id: string }>(
      'select certificate_id as id from credential where id = $1',
      [credential.id],
    )
    return rows[0]?.id ?? ''
  }
  const ours = (): string => `issuer_id = '${lists.issuing}'`
  const hexOf = async (credential: TestCredential): Promise<string> =>
    (await lists.serialOf(credential)).toString('hex').toUpperCase()

  it('are there from the start: whole ones, all shards of who issues to people, and of the root the one that is needed', async () => {
    const rows = await service.sql(
      `select issuer_id as issuer, count(*)::int as lists, count(published)::int as published,
              count(shard)::int as shards from crl_list group by 1 order by 2`,
    )
    expect(rows).to.deep.equal([
      { issuer: lists.root, lists: 2, published: 2, shards: 1 },
      { issuer: lists.issuing, lists: 129, published: 129, shards: 128 },
    ])
  })

  it('verify with the keys of their issuers, as openssl and GnuTLS see it, and always say when the next one comes', async () => {
    for (const issuer of [lists.root, lists.issuing]) {
      const file = lists.file('list.crl', await lists.octets(lists.path(undefined, issuer)))
      const ca = await lists.pem('ca.pem', `/ca/${issuer}.cer`)
      const judged = run(
        'openssl',
        'crl',
        '-inform',
        'DER',
        '-in',
        file,
        '-CAfile',
        ca,
        '-noout',
        '-nextupdate',
        '-crlnumber',
      )
      expect(judged.said).to.match(/verify OK/)
      expect(judged.said).to.match(/nextUpdate=\w/)
      expect(judged.said).to.match(/crlNumber=0x[0-9A-F]+/)
      if (!has('certtool')) continue
      const told = run('certtool', '--inder', '--crl-info', '--infile', file)
      expect(told.status, told.said).to.equal(0)
      expect(told.said).to.match(/Authority Key Identifier|CRL Number/)
    }
  })

  it('come in shards that say where they are found, critically, each with its own address', async () => {
    for (const shard of [0, 127]) {
      const text = await lists.text(lists.path(shard))
      const uri = `/pki${lists.path(shard)}`.replaceAll('.', '\\.')
      expect(text).to.match(
        new RegExp(`Issuing Distribution Point: critical\\s+Full Name:\\s+URI:http://[0-9.:]+${uri}\\s`),
      )
    }
    expect(await lists.text(lists.path())).not.to.include('Issuing Distribution Point')
  })

  it('have what was revoked, with its reason, in the whole one and in its shard, and nothing else changes', async () => {
    const [good, gone] = [await service.newCredential(), await service.newCredential()]
    const shard = await lists.shardOf(gone)
    const other = (shard + 1) % 128
    const before = {
      whole: await lists.numberOf(null),
      shard: await lists.numberOf(shard),
      other: await lists.numberOf(other),
    }
    await revoke(service.ctx, { certificateId: await idOf(gone), reason: 'keyCompromise', actor: 'service' })
    await publishDue(service.ctx)
    const entry = { serial: await hexOf(gone), reason: 'Key Compromise' }
    expect(await lists.revoked(lists.path())).to.deep.include(entry)
    expect(await lists.revoked(lists.path(shard))).to.deep.include(entry)
    expect(await lists.numberOf(null)).to.equal(before.whole + 1)
    expect(await lists.numberOf(shard)).to.equal(before.shard + 1)
    expect(await lists.numberOf(other)).to.equal(before.other)

    const [root, issuing] = [
      await lists.pem('root.pem', `/ca/${lists.root}.cer`),
      await lists.pem('i.pem', `/ca/${lists.issuing}.cer`),
    ]
    const crls = [lists.path(), lists.path(undefined, lists.root)]
    const crl = lists.file(
      'crls.pem',
      (await Promise.all(crls.map((path) => lists.octets(path))))
        .map((one) => pemOf(one, 'X509 CRL'))
        .join(''),
    )
    const verified = (leaf: TestCredential): string =>
      run(
        'openssl',
        'verify',
        '-x509_strict',
        '-crl_check_all',
        '-CAfile',
        root,
        '-untrusted',
        issuing,
        '-CRLfile',
        crl,
        lists.file('leaf.pem', pemOf(leaf.certificate)),
      ).said
    expect(verified(good)).to.match(/leaf\.pem: OK\n$/)
    expect(verified(gone)).to.match(/certificate revoked/)
  })

  it('have what is suspended until it is reinstated, and for good when it is revoked, since it was suspended', async () => {
    const mine = await service.newCredential()
    const request = { certificateId: await idOf(mine), actor: 'service' }
    const path = lists.path(await lists.shardOf(mine))
    const serial = await hexOf(mine)
    await suspend(service.ctx, request)
    await publishDue(service.ctx)
    expect(await lists.revoked(path)).to.deep.include({ serial, reason: 'Certificate Hold' })
    await reinstate(service.ctx, request)
    await publishDue(service.ctx)
    expect((await lists.revoked(path)).map((entry) => entry.serial)).not.to.include(serial)
    await suspend(service.ctx, request)
    await service.sql(`update certificate set suspended_at = now() - interval '1 hour' where id = $1`, [
      request.certificateId,
    ])
    await revoke(service.ctx, { ...request, reason: 'unspecified' })
    await publishDue(service.ctx)
    expect(await lists.revoked(path)).to.deep.include({ serial, reason: undefined })
    const [row] = await service.sql<{ ms: number }>(
      `select (extract(epoch from date_trunc('second', suspended_at)) * 1000)::float8 as ms from certificate where id = $1`,
      [request.certificateId],
    )
    const stated = new RegExp(`${serial}\\s+Revocation Date: (.+)`).exec(await lists.text(path))?.[1] ?? ''
    expect(Date.parse(stated)).to.equal(row?.ms)
  })

  it('are one for a burst of revocations', async () => {
    const ids = await lists.issueOnPaper(20)
    const before = await lists.numberOf(null)
    await service.ctx.db.transaction(async (tx) => {
      for (const certificateId of ids)
        await revokeIn(tx, { certificateId, reason: 'superseded', actor: 'service' })
    })
    await publishDue(service.ctx)
    expect(await lists.numberOf(null)).to.equal(before + 1)
    const rows = await service.sql<{ waiting: number }>(
      `select count(*)::int as waiting from status_change
        where in_whole_at is null or (shard is not null and in_shard_at is null)`,
    )
    expect(rows).to.deep.equal([{ waiting: 0 }])
  })

  it('are made anew in time though nothing changes, and not sooner', async () => {
    const before = await lists.numberOf(5)
    await publishDue(service.ctx)
    expect(await lists.numberOf(5)).to.equal(before)
    await service.sql(`update crl_list set refresh_at = now() where shard = 5 and ${ours()}`)
    await publishDue(service.ctx)
    expect(await lists.numberOf(5)).to.equal(before + 1)
    const [row] = await service.sql<{ hours: number; refresh: number }>(
      `select extract(epoch from c.next_update - c.this_update)::int / 3600 as hours,
              round(extract(epoch from l.refresh_at - c.this_update) / 3600)::int as refresh
         from crl_list l join crl c on c.list_id = l.id and c.number = l.published where l.shard = 5 and l.${ours()}`,
    )
    expect(row).to.deep.equal({ hours: 24, refresh: 12 })
  })

  it('are taken up by others where a process died, and its numbers are void', async () => {
    // Somebody who has no lease any more.
    const dead = randomUUID()
    let before = 0
    let taken: TakenList | undefined
    // The service itself looks once a second, and may be quicker.
    while (taken === undefined) {
      before = await lists.numberOf(6)
      await service.sql(`update crl_list set refresh_at = now() where shard = 6 and ${ours()}`)
      ;[taken] = await takeLists(service.ctx.db, { instanceId: dead, limit: 32 })
    }
    const list = taken
    expect(list).to.include({ shard: 6, number: before + 1 })
    await publishDue(service.ctx)
    expect(await lists.numberOf(6)).to.equal(before + 2)
    const states = await service.sql<{ state: string }>(
      `select state from crl where list_id = $1 and number > $2 order by number`,
      [list.id, before],
    )
    expect(states).to.deep.equal([{ state: 'void' }, { state: 'published' }])
    // It was not dead, but slow: what it has is published by nobody.
    const now = new Date()
    const late = service.ctx.db.transaction(async (tx) => {
      const der = Buffer.from('3000', 'hex')
      const times = { thisUpdate: now, nextUpdate: new Date(now.getTime() + 1000), refreshS: 1, pauseS: 0 }
      await storePublished(tx, { list, der, sha256: await sha256(der), entries: 0, changes: [], ...times })
    })
    const said = await late.catch((error: unknown) => (error as Error).message)
    expect(said).to.include('taken over')
  })

  it('are made by one replica each, whoever asks at the same time', async () => {
    const [one, two] = [randomUUID(), randomUUID()]
    for (const id of [one, two])
      await service.sql(
        `insert into instance (id, version, lease_until) values ($1, 'test', now() + interval '1 minute')`,
        [id],
      )
    await service.sql('update crl_list set refresh_at = now(), retry_at = null where shard between 10 and 19')
    const by = (instanceId: string) => takeLists(service.ctx.db, { instanceId, limit: 32 })
    const taken = (await Promise.all([by(one), by(two), by(one), by(two)])).flat()
    expect(new Set(taken.map(({ id, number }) => `${id} ${String(number)}`)).size).to.equal(taken.length)
    await service.sql('delete from instance where id = any($1::uuid[])', [[one, two]])
    await publishDue(service.ctx)
    expect(await service.sql('select 1 from crl_list where instance is not null')).to.deep.equal([])
  })

  it('keep the octets of the last ones, and the hash of all', async () => {
    for (let n = 0; n < 4; n++) {
      await service.sql(`update crl_list set refresh_at = now() where shard = 7 and ${ours()}`)
      await publishDue(service.ctx)
    }
    const [row] = await service.sql<{ numbers: number; hashes: number; kept: number }>(
      `select count(*)::int as numbers, count(c.sha256)::int as hashes,
              (select count(distinct p.number)::int from crl_part p where p.list_id = l.id) as kept
         from crl_list l join crl c on c.list_id = l.id where l.shard = 7 and l.${ours()} group by l.id`,
    )
    expect(row?.numbers).to.equal(row?.hashes)
    expect(row?.kept).to.equal(3)
  })

  it('are signed by a permit of the service, and the log says which', async () => {
    const [row] = await service.sql<{ shard: number; number: string; entries: number; hash: string }>(
      `select l.shard, c.number, c.entries, encode(c.sha256, 'hex') as hash
         from crl_list l join crl c on c.list_id = l.id and c.number = l.published where l.shard = 7 and l.${ours()}`,
    )
    const acts = await service.acts('crl.publish', `certificate:${lists.issuing}`)
    const named = acts.flatMap(({ detail }) => (detail as { lists: string[] }).lists)
    expect(named).to.include(`7 ${String(row?.number)} ${String(row?.entries)} ${String(row?.hash)}`)
    const signed = await service.acts('crl.sign', `certificate:${lists.issuing}`)
    expect(new Set(signed.map(({ kind }) => kind))).to.deep.equal(new Set(['intent', 'result']))
  })

  it('that cannot be made raise an alarm, and are made when they can be', async () => {
    await service.sql(
      `update key set state = 'disabled' where id = (select key_id from certificate where id = $1)`,
      [lists.issuing],
    )
    await service.sql(
      `update crl_list set refresh_at = now() - interval '20 hours' where shard = 8 and ${ours()}`,
    )
    await service.sql(
      `update crl set next_update = now() + interval '1 hour',
                      this_update = now() - interval '30 hours' + number * interval '1 second'
        where state = 'published' and list_id in (select id from crl_list where shard = 8 and ${ours()})`,
    )
    const before = await lists.numberOf(8)
    await publishDue(service.ctx)
    expect(await lists.numberOf(8)).to.equal(before)
    const watch = startWatch(service.ctx)
    await watch.look()
    await watch.stop()
    expect(service.log()).to.match(/"alarm":"crl_late","severity":"critical","about":"schedule"/)
    await service.sql(
      `update key set state = 'enabled' where id = (select key_id from certificate where id = $1)`,
      [lists.issuing],
    )
    await service.sql('update crl_list set retry_at = null')
    await publishDue(service.ctx)
    expect(await lists.numberOf(8)).to.be.greaterThan(before)
  })

  it('are of the shard that the serial says, in the database as in the code', async () => {
    const rows = await service.sql<{ serial: Buffer; shard: number }>(
      `select c.serial, s.shard from status_change s join certificate c on c.id = s.certificate_id`,
    )
    expect(rows.length).to.be.greaterThan(20)
    for (const { serial, shard } of rows) expect(shard).to.equal(shardOf(serial))
  })
})
