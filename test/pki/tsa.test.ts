import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { oid, tlv } from '../../hsm/der.ts'
import { context, extension, sequence, smallInteger } from '../../src/der/write.ts'
import { rootCertificate } from '../../src/pki/hierarchy.ts'
import { timestampAnswer } from '../../src/pki/tsa.ts'
import type { Context } from '../../src/context.ts'
import { startService, type TestService } from '../support/startService.ts'
import {
  ask,
  certificatesOf,
  infoOf,
  OpenSsl,
  pem,
  queryOf,
  replyOf,
  tsaOf,
  type Query,
} from './tsaClient.ts'
import { DATA, good, hex, messageImprint, refusals } from './tsaRows.ts'

const POLICY = '2.999.3161'

describe('timestamps', function () {
  this.timeout(60_000)
  let service: TestService
  let openssl: OpenSsl
  let root: string
  before(async () => {
    service = await startService({ log: { level: 'info' } })
    openssl = new OpenSsl()
    root = openssl.file(pem(await rootCertificate(service.ctx)))
  })
  afterEach(() => service.checkState())
  after(async () => {
    openssl.remove()
    await service.close()
  })

  const token = async (query: Query = {}): Promise<Buffer> => {
    const reply = await ask(service.url, queryOf(query))
    if (reply.token === undefined) throw new Error(`no token: ${reply.failure ?? ''} ${reply.text ?? ''}`)
    return reply.token
  }
  const configured = (tsa: Partial<NonNullable<Context['config']['tsa']>>): Context => ({
    ...service.ctx,
    config: { ...service.ctx.config, tsa: { ...tsaOf(service.ctx), ...tsa } },
  })

  describe('that openssl asks for', () => {
    for (const hash of ['sha256', 'sha384', 'sha512']) {
      it(`over ${hash} verify by the query and by the data, and not by other data`, async () => {
        const [data, other] = [openssl.file(DATA), openssl.file('another one')]
        const query = openssl.path(`${hash}.tsq`)
        openssl.run('ts', '-query', '-data', data, `-${hash}`, '-cert', '-out', query)
        const reply = openssl.file((await ask(service.url, readFileSync(query))).whole)
        const verify = (...by: string[]): string =>
          openssl.run('ts', '-verify', '-in', reply, '-CAfile', root, ...by)
        expect(verify('-queryfile', query)).to.include('Verification: OK')
        expect(verify('-data', data)).to.include('Verification: OK')
        expect(verify('-data', other)).to.include('message imprint mismatch')
      })
    }

    it('without certificates verify with those of another one', async () => {
      const [data, query] = [openssl.file(DATA), openssl.path('bare.tsq')]
      openssl.run('ts', '-query', '-data', data, '-sha256', '-out', query)
      const bare = await ask(service.url, readFileSync(query))
      expect(certificatesOf(bare.token ?? Buffer.alloc(0))).to.deep.equal([])
      const chain = certificatesOf(await token({ certReq: true }))
      expect(chain).to.have.length(2)
      const untrusted = openssl.file(chain.map(pem).join(''))
      const args = ['-in', openssl.file(bare.whole), '-queryfile', query, '-CAfile', root]
      expect(openssl.run('ts', '-verify', ...args, '-untrusted', untrusted)).to.include('Verification: OK')
      expect(openssl.run('ts', '-verify', ...args)).to.include('Verification: FAILED')
    })

    it('say what was asked, and who says so', async () => {
      const query = openssl.path('policy.tsq')
      const asked = ['-data', openssl.file(DATA), '-sha256', '-tspolicy', POLICY]
      openssl.run('ts', '-query', ...asked, '-out', query)
      const reply = openssl.file((await ask(service.url, readFileSync(query))).whole)
      const text = openssl.run('ts', '-reply', '-in', reply, '-text')
      const nonce = /Nonce: (0x[0-9A-F]+)/.exec(openssl.run('ts', '-query', '-in', query, '-text'))?.[1]
      expect(text).to.include('Status: Granted.')
      expect(text).to.include(`Policy OID: ${POLICY}`)
      expect(text).to.include('Accuracy: 0x01 seconds, unspecified millis, unspecified micros')
      expect(text).to.include('Ordering: no')
      expect(text).to.include(`Nonce: ${nonce ?? 'none'}`)
      expect(text).to.match(/TSA: DirName:\/C=NO\/O=Intaglio Test\/CN=Time-stamping unit [0-9a-f]{8}\n/)
      expect(text).to.match(/Extensions:\s*$/)
    })
  })

  it('name their unit, whose key signs for a shorter time than its certificate lasts', async () => {
    const [first, second] = certificatesOf(await token({ certReq: true })).map((der) =>
      openssl.file(pem(der)),
    )
    const texts = [first, second].map((file) => openssl.run('x509', '-in', file ?? '', '-noout', '-text'))
    const text = texts.find((one) => one.includes('Time Stamping')) ?? ''
    expect(text).to.match(/Extended Key Usage: critical\s+Time Stamping\n/)
    expect(text).to.match(/Key Usage: critical\s+Digital Signature\n/)
    const [, begins = '', ends = ''] =
      /Private Key Usage Period:\s+Not Before: (.+), Not After: (.+)\n/.exec(text) ?? []
    const [, certificateEnds = ''] = /Not After : (.+)\n/.exec(text) ?? []
    const days = (from: string, to: string): number =>
      Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000)
    expect(days(begins, ends)).to.equal(365)
    expect(days(ends, certificateEnds)).to.equal(730)
  })

  it('are of the time between the question and the answer, to the millisecond', async () => {
    const before = Date.now()
    const { genTime } = infoOf(await token())
    const after = Date.now()
    const [, day = '', time = '', fraction = ''] =
      /^(\d{8})(\d{6})(?:\.(\d{0,2}[1-9]))?Z$/.exec(genTime) ?? []
    const iso = `${day}T${time}`.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)/, '$1-$2-$3T$4:$5:$6')
    expect(Date.parse(`${iso}.${fraction.padEnd(3, '0')}Z`)).to.be.within(before, after)
  })

  it('repeat a nonce of any size and sign, and have none where none was given', async () => {
    for (const nonce of ['00', '7f', '80', '0102030405060708', 'ff'.repeat(20)]) {
      const { nonce: repeated } = infoOf(await token({ nonce: hex(nonce) }))
      expect(BigInt(`0x${repeated ?? ''}`)).to.equal(BigInt(`0x${nonce}`))
    }
    const negative = sequence(smallInteger(1), messageImprint(), tlv(0x02, hex('80')))
    const reply = await ask(service.url, negative)
    expect(infoOf(reply.token ?? Buffer.alloc(0)).nonce).to.equal('80')
    expect(infoOf(await token()).nonce).to.equal(undefined)
  })

  for (const [name, query, failure, text] of refusals) {
    it(`are refused for ${name}: ${failure}`, async () => {
      const { whole, ...answered } = await ask(service.url, query)
      expect(answered).to.deep.equal({ status: 2, http: 200, failure, text, token: undefined })
      expect(whole).to.have.length.lessThan(120)
    })
  }

  it('are asked for by POST, as what they are', async () => {
    const reply = await ask(service.url, good, 'application/octet-stream')
    expect(reply).to.include({ http: 200, status: 2, failure: 'badRequest' })
    const got = await fetch(`${service.url}/pki/tsa`)
    expect([got.status, got.headers.get('allow')]).to.deep.equal([405, 'POST'])
    expect(await got.json()).to.deep.equal({
      error: 'method_not_allowed',
      error_description: 'It is asked by POST',
    })
    expect((await fetch(`${service.url}/pki/nothing`)).status).to.equal(404)
  })

  it('are recorded before and after: serial number, imprint and time', async () => {
    const { serial, genTime } = infoOf(await token({ data: 'recorded' }))
    const [row] = await service.sql<{
      imprint: string
      hash: string
      at: string
      attempt: string
      unit: string
    }>(
      `select encode(imprint, 'hex') as imprint, hash, attempt, certificate_id as unit,
              to_char(gen_time at time zone 'UTC', 'YYYYMMDDHH24MISS.MS') as at
         from timestamp_token where serial = decode($1, 'hex')`,
      [serial],
    )
    const imprint = createHash('sha256').update('recorded').digest('hex')
    expect(row).to.include({ imprint, hash: 'SHA-256' })
    expect(`${row?.at.replace(/\.?0*$/, '') ?? ''}Z`).to.equal(genTime)
    const acts = await service.acts('timestamp', `certificate:${row?.unit ?? ''}`)
    const mine = acts.filter(({ detail }) => (detail as { serial?: string }).serial === serial)
    expect(mine).to.have.length(1)
    expect(mine[0]?.kind).to.equal('intent')
    const results = await service.sql<{ body: Buffer }>(
      `select body from audit where signature_id = $1 and kind = 'result'`,
      [row?.attempt],
    )
    const [result] = results.map(
      ({ body }) => JSON.parse(body.toString()) as { detail: Record<string, unknown> },
    )
    expect(result?.detail).to.include({ outcome: 'signed' })
    expect(
      String(result?.detail['genTime'])
        .replaceAll(/[-:T]/g, '')
        .replace(/\.?0*Z$/, 'Z'),
    ).to.equal(genTime)
  })

  it('say that they are qualified where the operator declares it, and nowhere else', async () => {
    const { body } = await timestampAnswer(configured({ qualified: true }), good)
    const { extensions } = infoOf(replyOf(body).token ?? Buffer.alloc(0))
    const statement = sequence(sequence(oid('0.4.0.19422.1.1')))
    expect(extensions).to.deep.equal(context(1, extension('1.3.6.1.5.5.7.1.3', statement)))
    expect(infoOf(await token()).extensions).to.equal(undefined)
  })

  it('are made over SHA-3 where the operator takes it', async () => {
    const { failure } = await timestampAnswer(
      configured({ hashes: ['SHA3-256'] }),
      queryOf({ hash: 'sha3-256' }),
    )
    expect(failure).to.equal(undefined)
    expect((await timestampAnswer(configured({ hashes: ['SHA3-256'] }), good)).failure).to.equal('badAlg')
  })

  it('that were signed too late for their time are discarded, and their serial numbers burned', async () => {
    const { failure, body } = await timestampAnswer(configured({ accuracyMs: 0 }), queryOf({ data: 'late' }))
    expect(failure).to.equal('systemFailure')
    expect(replyOf(body).text).to.equal('Signing took longer than the accuracy of the time allows')
    const rows = await service.sql<{ outcome: string; open: number }>(
      `select convert_from(a.body, 'utf8')::jsonb -> 'detail' ->> 'outcome' as outcome,
              (select count(*)::int from attempt) as open
         from timestamp_token t join audit a on a.signature_id = t.attempt and a.kind = 'result'
        where t.imprint = $1`,
      [createHash('sha256').update('late').digest()],
    )
    expect(rows).to.deep.equal([{ outcome: 'discarded', open: 0 }])
  })
})
