import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { strings } from '../../src/api/pki/strings.ts'
import { shardOf } from '../../src/pki/publication.ts'
import { revoke, suspend } from '../../src/pki/revoke.ts'
import { startService, type TestService } from '../support/startService.ts'
import { Lists } from './lists.ts'
import { until } from './support/clocks.ts'

const CPS = '%PDF-1.4 a practice statement'

describe('the public face of the PKI', function () {
  this.timeout(60_000)
  let service: TestService
  let lists: Lists
  before(async () => {
    const first = await startService()
    lists = await Lists.of(first)
    const file = lists.file('cps.pdf', CPS)
    await first.close()
    service = await startService({
      ca: { ...first.config.ca, documents: [{ name: 'cps-1.0.pdf', title: 'Practice statement <1>', file }] },
    })
    lists.remove()
    lists = await Lists.of(service)
  })
  afterEach(() => service.checkState())
  after(async () => {
    lists.remove()
    await service.close()
  })

  const certificates = async (): Promise<{ id: string; serial: string; state: string }[]> =>
    service.sql(
      `select ce.id, upper(encode(ce.serial, 'hex')) as serial, ce.state
         from certificate ce join credential c on c.certificate_id = ce.id order by 1`,
    )
  const ask = async (serial: string, language = 'en'): Promise<string> => {
    const response = await lists.get(`/?serial=${encodeURIComponent(serial)}`, {
      headers: { 'accept-language': language },
    })
    expect(response.status).to.equal(200)
    return response.text()
  }

  it('serves certificates of authorities, and nobody else’s', async () => {
    for (const id of [lists.root, lists.issuing]) {
      const response = await lists.get(`/ca/${id}.cer`)
      expect(response.status).to.equal(200)
      expect(response.headers.get('content-type')).to.equal('application/pkix-cert')
      expect(response.headers.get('cache-control')).to.equal('public, max-age=86400')
      const [row] = await service.sql<{ der: Buffer }>('select der from certificate where id = $1', [id])
      expect(Buffer.from(await response.arrayBuffer()).equals(row?.der ?? Buffer.alloc(0))).to.equal(true)
    }
    const [person] = await certificates()
    expect((await lists.get(`/ca/${person?.id ?? ''}.cer`)).status).to.equal(404)
  })

  it('serves lists so that caches can keep them, and not for longer than five minutes', async () => {
    for (const path of [lists.path(), lists.path(64), lists.path(undefined, lists.root)]) {
      const response = await lists.get(path)
      const octets = Buffer.from(await response.arrayBuffer())
      expect(response.headers.get('content-type')).to.equal('application/pkix-crl')
      expect(response.headers.get('cache-control')).to.equal('public, max-age=300')
      expect(response.headers.get('content-length')).to.equal(String(octets.length))
      const etag = response.headers.get('etag') ?? ''
      expect(etag).to.match(/^"[0-9]+-[0-9a-f]{32}"$/)
      expect(etag).to.include(createHash('sha256').update(octets).digest('hex').slice(0, 32))
      const modified = response.headers.get('last-modified') ?? ''
      expect(Math.abs(Date.now() - Date.parse(modified))).to.be.lessThan(600_000)

      const again = await lists.get(path, { headers: { 'if-none-match': etag } })
      expect([again.status, await again.text(), again.headers.get('etag')]).to.deep.equal([304, '', etag])
      const since = await lists.get(path, { headers: { 'if-modified-since': modified } })
      expect(since.status).to.equal(304)
      const other = await lists.get(path, { headers: { 'if-none-match': '"0-00"' } })
      expect(other.status).to.equal(200)
      await other.arrayBuffer()
      const head = await lists.get(path, { method: 'HEAD' })
      expect([
        head.status,
        head.headers.get('etag'),
        head.headers.get('content-length'),
        await head.text(),
      ]).to.deep.equal([200, etag, String(octets.length), ''])
    }
  })

  it('has nothing at other addresses', async () => {
    const stranger = '00000000-0000-4000-8000-000000000000'
    // The only one that the root has.
    const [{ serial } = { serial: Buffer.alloc(1) }] = await service.sql<{ serial: Buffer }>(
      'select serial from certificate where id = $1',
      [lists.issuing],
    )
    const named = shardOf(serial)
    expect((await lists.get(lists.path(named, lists.root))).status).to.equal(200)
    const [person] = await certificates()
    for (const path of [
      `/crl/${stranger}.crl`,
      `/crl/${lists.issuing}/128.crl`,
      `/crl/${lists.issuing}/007.crl`,
      `/crl/${lists.issuing}/-1.crl`,
      `/crl/${lists.root}/${String((named + 1) % 128)}.crl`,
      `/crl/${lists.issuing.toUpperCase()}.crl`,
      `/crl/${person?.id ?? ''}.crl`,
      `/ca/${lists.issuing}`,
      '/documents/cps.pdf',
      '/documents/..%2Fcps.pdf',
      '/elsewhere',
    ]) {
      const response = await lists.get(path)
      expect(response.status, path).to.equal(404)
      expect(await response.text(), path).to.include(strings.en.notFound)
    }
    expect((await lists.get(lists.path(), { method: 'POST' })).status).to.equal(404)
  })

  it('serves the operator’s policy documents', async () => {
    const response = await lists.get('/documents/cps-1.0.pdf')
    expect(response.headers.get('content-type')).to.equal('application/pdf')
    expect(await response.text()).to.equal(CPS)
    const page = await (await lists.get('/')).text()
    expect(page).to.include('<a href="/pki/documents/cps-1.0.pdf">Practice statement &lt;1&gt;</a>')
  })

  it('shows people the authorities and their lists, on a page that runs nothing', async () => {
    const response = await lists.get('/')
    const page = await response.text()
    expect(response.headers.get('content-security-policy')).to.equal(
      "default-src 'none';style-src 'self';base-uri 'none';form-action 'self';frame-ancestors 'none'",
    )
    expect(page).not.to.match(/<script|\sstyle=|\son[a-z]+=/)
    expect(page).to.include('Intaglio Test Root')
    expect(page).to.include(`/pki/ca/${lists.issuing}.cer`)
    expect(page.match(/\/pki\/crl\//g)).to.have.length(131)
    const number = await lists.numberOf(null)
    expect(page).to.include(`${strings.en.number} ${String(number)} `)
  })

  it('tells the status of a serial, however it is written, and no name', async () => {
    const [mine] = await certificates()
    if (mine === undefined) throw new Error('no certificate')
    for (const serial of [
      mine.serial,
      mine.serial.toLowerCase(),
      `0x${mine.serial}`,
      ` 00${mine.serial.replaceAll(/(..)/g, ':$1')} `,
    ]) {
      const page = await ask(serial)
      expect(page, serial).to.include(strings.en.status.valid)
      expect(page).to.include(`<code>${mine.serial}</code>`)
      expect(page).not.to.match(/Tess|Tester/)
    }
    expect(await ask(mine.serial, 'el,en;q=0.5')).to.include(strings.el.status.valid)
  })

  it('tells what is suspended and what is revoked, since when and why, before any list does', async () => {
    await service.newCredential()
    const [one, two] = await certificates()
    if (one === undefined || two === undefined) throw new Error('no certificates')
    await suspend(service.ctx, { certificateId: one.id, actor: 'service' })
    await revoke(service.ctx, { certificateId: two.id, reason: 'privilegeWithdrawn', actor: 'service' })
    const suspended = await ask(one.serial)
    expect(suspended).to.include(strings.en.status.suspended)
    expect(suspended).not.to.include(strings.en.status.valid)
    const revoked = await ask(two.serial)
    expect(revoked).to.include(strings.en.status.revoked)
    expect(revoked).to.include(strings.en.reasons.privilegeWithdrawn)
    const [row] = await service.sql<{ at: Date }>('select revoked_at as at from certificate where id = $1', [
      two.id,
    ])
    expect(revoked).to.include(`<time datetime="${row?.at.toISOString() ?? ''}">`)
  })

  it('answers alike for what was planned and for what never was', async () => {
    const [planned, never] = ['41'.repeat(16), '42'.repeat(16)]
    await service.sql(
      `insert into certificate (id, serial, profile, key_id, issuer_id, tbs, state, not_before, not_after)
       select gen_random_uuid(), decode($1, 'hex'), 'natural-person', key_id, id, '\\x3000', 'planned', now(), now() + interval '1 day'
         from certificate where id = $2`,
      [planned, lists.issuing],
    )
    // A list that learns of a change between the two answers would stand in one of them only.
    await until('every list knows of every change', async () => {
      const [row] = await service.sql<{ waiting: number }>(
        `select count(*)::int as waiting from status_change
          where in_whole_at is null or (shard is not null and in_shard_at is null)`,
      )
      return row?.waiting === 0
    })
    const plain = (page: string): string =>
      page.replaceAll(/41{31}|(41){16}|(42){16}/g, '').replaceAll(/<time.*?<\/time>/g, '')
    expect(plain(await ask(planned))).to.equal(plain(await ask(never)))
    expect(await ask(never)).to.include(strings.en.status.unknown)
  })

  it('says what is no serial, and gives it back as text', async () => {
    for (const wrong of ['xyz', '<script>alert(1)</script>', '1'.repeat(41)]) {
      const page = await ask(wrong)
      expect(page).to.include(strings.en.badSerial)
      expect(page).not.to.include('<script')
    }
    expect(await (await lists.get('/?serial=1&serial=2')).text()).not.to.include('role="status"')
  })
})
