import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { publishDue } from '../../src/credentials/status/publish.ts'
import { STATUS, StatusBits } from '../../src/credentials/status/statusBits.ts'
import { storePublication, takeDueLists, type DueList } from '../../src/db/statusPublications.ts'
import { startWatch } from '../../src/watch.ts'
import { startService, type TestService } from '../support/startService.ts'
import { allocatedByTwo } from './allocators.ts'
import { credentialOf, newIssuer, VcClient, type Issuer } from './client.ts'

const EACH = 5_000

describe('status lists of two replicas', function () {
  this.timeout(120_000)
  let service: TestService
  let client: VcClient
  before(async () => {
    service = await startService()
    client = await VcClient.of(service)
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  it('give out each entry once, to two processes that both take thousands', async () => {
    const { id: issuerId } = await newIssuer(service)
    const both = await allocatedByTwo(service, { issuerId, count: EACH })
    const entries = both.flatMap((one) => one.entries)
    expect(entries).to.have.length(2 * EACH)
    expect(new Set(entries).size).to.equal(2 * EACH)
    // The first list, which neither of them found there, was made once.
    const lists = await service.sql('select taken from status_list where issuer_id = $1::uuid', [issuerId])
    expect(lists).to.deep.equal([{ taken: 2 * EACH }])
    const [row] = await service.sql<{ n: number }>(
      `select count(*)::int as n from status_entry e join status_list l on l.id = e.list_id
        where l.issuer_id = $1::uuid`,
      [issuerId],
    )
    expect(row?.n).to.equal(2 * EACH)
  })

  /** A list with one entry, published. */
  const published = async (): Promise<{ issuer: Issuer; listId: string; index: number }> => {
    const issuer = await newIssuer(service)
    await client.issue(credentialOf(issuer.identifier), { status: ['revocation'] })
    const [row] = await service.sql<{ listId: string; index: number }>(
      `select e.list_id as "listId", e.index from status_entry e join status_list l on l.id = e.list_id
        where l.issuer_id = $1::uuid`,
      [issuer.id],
    )
    if (row === undefined) throw new Error('no entry')
    return { issuer, ...row }
  }
  /** As a process does that dies right after: it has no lease. The service itself looks once a second, and may be quicker. */
  const takenByTheDead = async (issuerId: string, listId: string): Promise<[string, DueList]> => {
    const instanceId = randomUUID()
    for (;;) {
      await service.sql(
        'update status_list set refresh_at = now(), retry_at = null where id = $1::uuid and instance is null',
        [listId],
      )
      const [list] = await takeDueLists(service.ctx.db, { instanceId, limit: 1, issuerId })
      if (list !== undefined) return [instanceId, list]
    }
  }
  const signed = async (issuerId: string): Promise<number> =>
    (await service.acts('status-list.publish', `issuer:${issuerId}`)).length

  it('are published by another replica where a process died with them, and it stores nothing any more', async () => {
    const { issuer, listId, index } = await published()
    const [dead, list] = await takenByTheDead(issuer.id, listId)
    const before = await signed(issuer.id)
    await publishDue(service.ctx, { issuerId: issuer.id })
    expect(await signed(issuer.id)).to.be.above(before)
    // It was not dead, but slow: what it made of the list says something else.
    const bits = new StatusBits(list.octets ?? Buffer.alloc(0))
    bits.set(index, STATUS.invalid)
    const body = Buffer.from('{}')
    const documents = [{ form: 'token', mediaType: 'x/y', body, sha256: Buffer.alloc(32) }] as const
    const late = { listId, instanceId: dead, octets: bits.octets, changes: [], documents }
    const stored = await service.ctx.db.transaction((tx) =>
      storePublication(tx, { ...late, refreshS: 1, validS: 2 }),
    )
    expect(stored).to.equal(false)
    const [row] = await service.sql<{ type: string }>(
      `select media_type as type from status_document where list_id = $1::uuid and form = 'token'`,
      [listId],
    )
    expect(row?.type).to.equal('application/statuslist+jwt')
  })

  it('are made by one of them, whoever looks at the same time', async () => {
    const { issuer, listId } = await published()
    const [one, two] = [randomUUID(), randomUUID()]
    for (const id of [one, two])
      await service.sql(
        `insert into instance (id, version, lease_until) values ($1, 'test', now() + interval '1 minute')`,
        [id],
      )
    await service.sql('update status_list set refresh_at = now() where id = $1::uuid', [listId])
    const by = (instanceId: string) =>
      takeDueLists(service.ctx.db, { instanceId, limit: 1, issuerId: issuer.id })
    const taken = (await Promise.all([by(one), by(two), by(one), by(two)])).flat()
    expect(taken.length).to.be.at.most(1)
    await service.sql('delete from instance where id = any($1::uuid[])', [[one, two]])
    await publishDue(service.ctx, { issuerId: issuer.id })
    const rows = await service.sql('select instance from status_list where id = $1::uuid', [listId])
    expect(rows).to.deep.equal([{ instance: null }])
  })

  it('are waited for while another replica makes the first one, and not where nobody does', async () => {
    const { id, identifier } = await newIssuer(service)
    const other = randomUUID()
    await service.sql(
      `insert into instance (id, version, lease_until) values ($1, 'test', now() + interval '1 minute')`,
      [other],
    )
    await service.sql(
      `insert into status_list (id, issuer_id, number, length, shuffle, instance)
       values ($1::uuid, $2::uuid, 0, 131072, sha256('x'), $3::uuid)`,
      [randomUUID(), id, other],
    )
    const asked = client.post('/credentials/issue', {
      credential: credentialOf(identifier),
      options: { status: ['revocation'] },
    })
    // The other one dies; this one makes the list in its place.
    await service.sql('delete from instance where id = $1::uuid', [other])
    expect((await asked).status).to.equal(201)
    const { id: idle, identifier: unusable } = await newIssuer(service)
    await service.sql(
      `insert into status_list (id, issuer_id, number, length, shuffle, retry_at)
       values ($1::uuid, $2::uuid, 0, 131072, sha256('y'), now() + interval '1 minute')`,
      [randomUUID(), idle],
    )
    const { status, headers, body } = await client.post('/credentials/issue', {
      credential: credentialOf(unusable),
      options: { status: ['revocation'] },
    })
    expect([status, headers.get('retry-after'), body['detail']]).to.deep.equal([
      503,
      '2',
      'The status list cannot be made now',
    ])
    await service.sql('update status_list set retry_at = null where issuer_id = $1::uuid', [idle])
    await publishDue(service.ctx, { issuerId: idle })
  })

  it('that cannot be made raise an alarm, and are made when they can be', async () => {
    const { issuer, listId } = await published()
    const state = (to: string) =>
      service.sql(
        `update key set state = $2 where id in (select key_id from credential_issuer_key where issuer_id = $1::uuid)`,
        [issuer.id, to],
      )
    await state('disabled')
    await service.sql(
      `update status_document set published_at = now() - interval '20 hours',
              expires_at = now() + interval '1 hour' where list_id = $1::uuid`,
      [listId],
    )
    await service.sql(`update status_list set refresh_at = now() - interval '2 hours' where id = $1::uuid`, [
      listId,
    ])
    await service.sql(
      `update status_entry set status = 1, is_published = false, changed_at = now() - interval '2 minutes'
        where list_id = $1::uuid`,
      [listId],
    )
    const watch = startWatch(service.ctx)
    await watch.look()
    await watch.stop()
    expect(watch.watched.inventory?.statuses.late).to.equal(1)
    expect(watch.watched.inventory?.statuses.oldestChange).to.be.within(110, 180)
    expect(service.log()).to.match(/"alarm":"status_list_late","severity":"critical","about":"change"/)
    await state('enabled')
    const before = await signed(issuer.id)
    await service.sql('update status_list set retry_at = null where id = $1::uuid', [listId])
    await publishDue(service.ctx, { issuerId: issuer.id })
    const until = performance.now() + 5_000
    while (performance.now() < until && (await signed(issuer.id)) === before)
      await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await signed(issuer.id)).to.be.above(before)
  })
})
