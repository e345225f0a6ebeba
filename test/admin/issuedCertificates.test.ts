import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import { requestOf } from '../pki/support/pkcs10.ts'

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pkcs10 = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
const request = pkcs10(requestOf({ keys, scheme: 'ecdsa-sha256' }))
const seal = {
  countryName: 'NO',
  organizationName: 'Narvik, AS',
  organizationIdentifier: 'NTRNO-987654321',
  commonName: 'Narvik seal',
}

type Body = Record<string, unknown>

describe('certificates by operators', function () {
  this.timeout(60_000)
  let service: TestService
  let folder: string
  before(async () => {
    service = await startService()
    folder = mkdtempSync(join(tmpdir(), 'intaglio-certificates-'))
  })
  afterEach(() => service.checkState())
  after(async () => {
    rmSync(folder, { recursive: true, force: true })
    await service.close()
  })

  const post = (body: Body, by = service.operators.officer) =>
    service.admin(by, 'POST /certificates', { body })
  const issue = async (more: Body = {}): Promise<Body> => {
    const { status, body } = await post({ profile: 'ncp-l', request, subject: seal, ...more })
    expect(status, JSON.stringify(body)).to.equal(201)
    return body as Body
  }
  const show = async (id: unknown): Promise<Body> =>
    (await service.admin(service.operators.auditor, 'GET /certificates/:id', { params: { id: String(id) } }))
      .body as Body
  const search = async (query: Record<string, string | number | undefined>): Promise<Body[]> => {
    const { body } = await service.admin(service.operators.auditor, 'GET /certificates', { query })
    return (body as { items: Body[] }).items
  }
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }

  it("issues over a PKCS#10's key, in the operator's words, what openssl verifies", async () => {
    const made = await issue({ days: 30 })
    expect(made['requested']).to.deep.equal({ subject: '' })
    const certificate = new X509Certificate(String(made['certificate']))
    expect(certificate.publicKey.equals(keys.publicKey)).to.equal(true)
    expect(certificate.serialNumber).to.equal(made['serial'])
    const [issuing = '', root = '', ...more] = made['chain'] as string[]
    expect(more).to.deep.equal([])
    const verified = execFileSync(
      'openssl',
      [
        ...['verify', '-x509_strict', '-CAfile', write('root.pem', root)],
        ...['-untrusted', write('issuing.pem', issuing), write('seal.pem', certificate.toString())],
      ],
      { encoding: 'utf8' },
    )
    expect(verified).to.match(/seal\.pem: OK\n$/)
    const says = made['says'] as Record<string, string>
    expect(says['subject']).to.equal(
      'CN=Narvik seal, organizationIdentifier=NTRNO-987654321, O=Narvik\\, AS, C=NO',
    )
    expect(Date.parse(says['notAfter'] ?? '') - Date.parse(says['notBefore'] ?? '')).to.equal(
      30 * 86_400_000 - 1000,
    )
    const [act, ...others] = await service.acts('certificate.issue', `certificate:${String(made['id'])}`)
    expect(others).to.deep.equal([])
    expect(act?.actor).to.match(/^operator:/)
    expect(act?.actor).to.equal(made['actor'])
  })

  it('shows one by serial number or id, in words, with its status and who asked', async () => {
    const made = await issue()
    const serial = String(made['serial'])
    const shown = await show(serial)
    expect(await show(made['id'])).to.deep.equal(shown)
    expect(await show(serial.toLowerCase().replaceAll(/(..)(?=.)/g, '$1:'))).to.deep.equal(shown)
    expect(shown).to.include({ serial, profile: 'ncp-l', state: 'issued' })
    const says = shown['says'] as Record<string, unknown>
    expect(says['keyUsage']).to.deep.equal(['nonRepudiation'])
    expect(says['policies']).to.deep.equal(['NCP (0.4.0.2042.1.1)'])
    expect(says['statements']).to.deep.equal(["its identifier is a legal person's (EN 319 412-1, 5.1.4)"])
    const shard = parseInt(serial.slice(-2), 16) % 128
    const issuer = String(shown['issuerId'])
    expect(says['list']).to.equal(`${service.url}/pki/crl/${issuer}/${String(shard)}.crl`)
    expect(says['responder']).to.deep.equal([`${service.url}/pki/ocsp`])
    expect(says['issuerCertificate']).to.deep.equal([`${service.url}/pki/ca/${issuer}.cer`])
    await service.admin(service.operators.officer, 'POST /revocations', {
      body: { change: 'revoke', serial, reason: 'superseded', requestedAt: '2026-01-01T00:00:00Z' },
    })
    const revoked = await show(serial)
    expect(revoked).to.include({ state: 'revoked', reason: 'superseded' })
    const [change, ...more] = revoked['changes'] as Body[]
    expect(more).to.deep.equal([])
    expect(change).to.include({
      change: 'revoke',
      reason: 'superseded',
      requestedAt: '2026-01-01T00:00:00.000Z',
    })
    expect(change?.['decidedAt']).to.equal(revoked['revokedAt'])
  })

  it('shows what was planned and never left, without a certificate', async () => {
    const made = await issue()
    const serial = '44'.repeat(16)
    await service.sql(
      `insert into certificate (id, serial, profile, spki, issuer_id, tbs, state, not_before, not_after)
       select gen_random_uuid(), decode($1, 'hex'), profile, spki, issuer_id, tbs, 'void', not_before, not_after
         from certificate where id = $2`,
      [serial, made['id']],
    )
    const shown = await show(serial)
    expect(shown).to.include({ serial, state: 'void' })
    expect(shown).to.not.have.any.keys('certificate', 'actor', 'issuedAt')
    expect(shown['chain']).to.deep.equal([])
  })

  it('finds them by name, serial number, state, profile and end, page by page', async () => {
    const subject = (name: string) => ({ ...seal, commonName: name })
    const serials: unknown[] = []
    for (const name of ['Øst 1', 'Øst 2', 'Øst 3'])
      serials.push((await issue({ subject: subject(name), days: 5 }))['serial'])
    const found = async (query: Record<string, string | number | undefined>) =>
      (await search(query)).map((item) => item['serial'])
    expect(await found({ subject: 'øst' })).to.deep.equal(serials)
    expect(await found({ subject: 'øst 2' })).to.deep.equal([serials[1]])
    expect(await found({ subject: 'vest' })).to.deep.equal([])
    expect(await found({ serial: String(serials[2]).slice(0, 12) })).to.deep.equal([serials[2]])
    const soon = new Date(Date.now() + 6 * 86_400_000).toISOString()
    expect(await found({ expiresBefore: soon, profile: 'ncp-l', state: 'issued' })).to.have.members(serials)
    expect(await found({ expiresBefore: soon, profile: 'ncp-n', subject: 'øst' })).to.deep.equal([])
    expect(await found({ state: 'suspended', subject: 'øst' })).to.deep.equal([])
    for (const query of [{ subject: 'Øst' }, {}] as { subject?: string }[]) {
      const all = await found(query)
      const paged: unknown[] = []
      for (let cursor: string | undefined; ;) {
        const { body } = await service.admin(service.operators.auditor, 'GET /certificates', {
          query: { ...query, limit: 1, cursor },
        })
        const { items, next } = body as { items: Body[]; next?: string }
        paged.push(...items.map((item) => item['serial']))
        if (next === undefined) break
        cursor = next
      }
      expect(paged).to.deep.equal(all)
    }
  })

  it('refuses what no profile, no key and no name allows, in words', async () => {
    const refused = async (more: Body) => {
      const { status, body } = await post({ profile: 'ncp-l', request, subject: seal, ...more })
      return [status, (body as Body)['detail']]
    }
    const before = await service.sql(`select id from certificate`)
    const ones = 'Invalid option: expected one of "ncp-n"|"ncp-l"|"qcp-n"|"qcp-l"|"operator-tls"'
    for (const profile of ['issuing', 'ncp-n-plus', 'short-term', 'tsu', 'nothing'])
      expect(await refused({ profile })).to.deep.equal([400, `profile: ${ones}`])
    expect(await refused({ profile: 'qcp-l' })).to.deep.equal([
      409,
      'The profile qcp-l asserts a certified device, and the configuration (ca.device) declares none.',
    ])
    expect(await refused({ request: 'nothing' })).to.deep.equal([
      400,
      'The PKCS#10 is refused: it is not in PEM.',
    ])
    const others = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
      type: 'spki',
      format: 'der',
    })
    const stolen = pkcs10(requestOf({ keys, scheme: 'ecdsa-sha256', spki: others }))
    expect(await refused({ request: stolen })).to.deep.equal([
      400,
      'The PKCS#10 is refused: its signature is not by its key.',
    ])
    expect(await refused({ days: 1096 })).to.deep.equal([400, 'The profile ncp-l is for 1 to 1095 days.'])
    expect(await refused({ subject: { ...seal, countryName: 'XX' } })).to.deep.equal([
      400,
      'subject.country: is a country of ISO 3166-1',
    ])
    expect(await refused({ subject: { ...seal, surname: 'Nordmann' } })).to.deep.equal([
      400,
      'subject: Unrecognized key: "surname"',
    ])
    const missing = 'Invalid input: expected string, received undefined'
    expect(await refused({ profile: 'ncp-n' })).to.deep.equal([400, `subject.serialNumber: ${missing}`])
    expect(await service.sql(`select id from certificate`)).to.have.length(before.length)
    expect(
      (await post({ profile: 'ncp-l', request, subject: seal }, service.operators.admin)).status,
    ).to.equal(403)
    const asked = { subject: 'a', serial: '4f' }
    const both = await service.admin(service.operators.auditor, 'GET /certificates', { query: asked })
    expect([both.status, (both.body as Body)['detail']]).to.deep.equal([
      400,
      'serial: searched by either, subject or serial',
    ])
    for (const id of ['4f'.repeat(16), 'x', '00000000-0000-4000-8000-000000000000'])
      expect((await show(id))['detail']).to.equal('There is no such certificate.')
  })
})
