import { generateKeyPairSync, verify, X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { enrol } from '../../src/pki/enrol.ts'
import { CscClient, digest } from '../csc/client.ts'
import { requestOf } from '../pki/support/pkcs10.ts'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'

type Body = Record<string, unknown>
type Answer = readonly [number, unknown]

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pkcs10 = (keys: ReturnType<typeof newKeys>): string => {
  const der = requestOf({ keys, scheme: 'ecdsa-sha256' })
  return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
}

describe('renewal and re-key of credentials', function () {
  this.timeout(60_000)
  let service: TestService
  let client: CscClient
  before(async () => {
    service = await startService()
    client = await CscClient.of(service)
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const replace = (how: 'renew' | 'rekey', serial: unknown, body: Body = {}) =>
    service.admin(service.operators.officer, `POST /certificates/:id/${how}`, {
      params: { id: String(serial) },
      body,
    })
  const replaced = async (how: 'renew' | 'rekey', serial: unknown, body: Body = {}): Promise<Body> => {
    const made = await replace(how, serial, body)
    expect(made.status, JSON.stringify(made.body)).to.equal(201)
    return made.body as Body
  }
  const refused = async (how: 'renew' | 'rekey', serial: unknown, body: Body = {}): Promise<Answer> => {
    const answer = await replace(how, serial, body)
    return [answer.status, (answer.body as Body)['detail']]
  }
  const show = async (serial: unknown): Promise<Body> =>
    (
      await service.admin(service.operators.auditor, 'GET /certificates/:id', {
        params: { id: String(serial) },
      })
    ).body as Body
  const change = (serial: unknown, body: Body) =>
    service.admin(service.operators.officer, 'POST /revocations', { body: { serial, ...body } })
  const serialOf = async ({ id }: Pick<TestCredential, 'id'>): Promise<string> => {
    const { body } = await service.admin(service.operators.officer, 'GET /credentials/:id', {
      params: { id },
    })
    return String((body as { certificate: Body }).certificate['serial'])
  }
  const x509 = (body: Body): X509Certificate => new X509Certificate(String(body['certificate']))
  const count = async (): Promise<number> => (await service.sql('select id from certificate')).length

  it('renews a credential without its holder, and what is authorised by then is signed', async () => {
    const mine = await service.newCredential()
    const [before, text] = [await serialOf(mine), 'under way']
    const SAD = await client.authorize(mine, [digest(text)])
    const made = await replaced('renew', before)
    expect(made).to.include({ credentialId: mine.id, keyId: mine.keyId })
    const info = await client.get('credentials/info', { credentialID: mine.id, certificates: 'chain' })
    const [leaf = '', ...authorities] = (info['cert'] as { certificates: string[] }).certificates
    expect(new X509Certificate(Buffer.from(leaf, 'base64')).serialNumber).to.equal(made['serial'])
    expect(authorities).to.have.length(2)
    expect(info['status']).to.equal('valid')
    const isSigned = ([signature = '']: string[]): boolean =>
      verify('sha256', Buffer.from(text), x509(made).publicKey, Buffer.from(signature, 'base64'))
    expect(isSigned(await client.sign(mine, [digest(text)], { SAD }))).to.equal(true)
    const again = await client.authorize(mine, [digest(text)])
    expect(isSigned(await client.sign(mine, [digest(text)], { SAD: again }))).to.equal(true)
    const [act] = await service.acts('credential.renew', `credential:${mine.id}`)
    expect(act?.actor).to.match(/^operator:/)
    expect(await refused('renew', made['serial'], { days: 3000 })).to.deep.equal([
      400,
      `Credentials are certified for ${service.config.ca.endEntityDays} days at most (ca.endEntityDays).`,
    ])
    await client.get('credentials/revoke', { credentialID: mine.id, reason: 'superseded' })
    expect(await show(before)).to.include({ state: 'revoked', reason: 'superseded' })
    expect(await show(made['serial'])).to.include({ state: 'revoked', reason: 'superseded' })
  })

  it('renews no credential that is disabled, was altered, or would get another profile', async () => {
    const { operators } = service
    const mine = await service.newCredential()
    const serial = await serialOf(mine)
    const params = { id: mine.id }
    await service.admin(operators.officer, 'POST /credentials/:id/disable', { params })
    expect(await refused('renew', serial)).to.deep.equal([409, 'The credential is disabled.'])
    await service.admin(operators.officer, 'POST /credentials/:id/enable', { params })
    await service.sql('update credential set multisign = multisign + 1 where id = $1', [mine.id])
    const before = await count()
    expect(await refused('renew', serial)).to.deep.equal([500, undefined])
    expect(await count()).to.equal(before)
    await service.sql('update credential set multisign = multisign - 1 where id = $1', [mine.id])
    await service.sql(`update certificate set profile = 'short-term' where serial = decode($1, 'hex')`, [
      serial,
    ])
    expect(await refused('renew', serial)).to.deep.equal([
      409,
      'Credentials get the profile ncp-n by now (ca.naturalPersons): re-key this one.',
    ])
    await service.sql(`update certificate set profile = 'ncp-n' where serial = decode($1, 'hex')`, [serial])
    await client.get('credentials/delete', { credentialID: mine.id }).catch(() => undefined)
  })

  const link = async (serial: unknown, body: Body = {}): Promise<string> => {
    const made = await replaced('rekey', serial, body)
    const { enrolment } = made as { enrolment: { link: string } }
    const code = new URL(enrolment.link).hash.slice(1)
    service.keepSecret(code)
    return code
  }

  it('re-keys a credential by its holder: another key, certificate and PIN, and the old key is destroyed', async () => {
    const mine = await service.newCredential()
    const before = await serialOf(mine)
    const code = await link(before)
    // Until the link is used, everything is as it was.
    const SAD = await client.authorize(mine, [digest('old')])
    const pin = 'pin-55193377'
    service.keepSecret(pin)
    await enrol(service.ctx, { code, pin })
    const after = await serialOf(mine)
    const shown = await show(after)
    expect(shown['replaces']).to.deep.equal({ serial: before, by: 're-key', reason: 'expiry' })
    expect(shown['keyId']).to.not.equal(mine.keyId)
    expect(x509(shown).subject).to.equal(new X509Certificate(mine.certificate).subject)
    const { status } = await client.call('signatures/signHash', {
      credentialID: mine.id,
      SAD,
      hashes: [digest('old')],
      signAlgo: '1.2.840.10045.4.3.2',
    })
    expect(status).to.equal(400)
    const renewed = { ...mine, pin }
    const [signature = ''] = await client.sign(mine, [digest('new')], {
      SAD: await client.authorize(renewed, [digest('new')]),
    })
    expect(
      verify('sha256', Buffer.from('new'), x509(shown).publicKey, Buffer.from(signature, 'base64')),
    ).to.equal(true)
    const old = await client.call('credentials/authorize', {
      credentialID: mine.id,
      numSignatures: 1,
      hashes: [digest('new')],
      hashAlgorithmOID: '2.16.840.1.101.3.4.2.1',
      authData: [{ id: 'PIN', value: mine.pin }],
    })
    expect(old.status).to.equal(400)
    expect(await service.sql('select state from key where id = $1', [mine.keyId])).to.deep.equal([
      { state: 'destroyed' },
    ])
    expect(await show(before)).to.include({ state: 'issued', replacedBy: after })
    const again = await enrol(service.ctx, { code, pin }).catch((error: unknown) => (error as Error).message)
    expect(again).to.equal('This link is not valid, has expired or was used.')
  })

  it('re-keys a credential that was revoked for its key, and no link works that was opened before another', async () => {
    const mine = await service.newCredential()
    const before = await serialOf(mine)
    const first = await link(before)
    await change(before, { change: 'revoke', reason: 'keyCompromise' })
    const second = await link(before)
    const pin = 'pin-55193378'
    service.keepSecret(pin)
    const used = (code: string) =>
      enrol(service.ctx, { code, pin }).then(
        () => 'done',
        (error: unknown) => (error as Error).message,
      )
    expect(await used(first)).to.equal('This link is not valid, has expired or was used.')
    expect(await used(second)).to.equal('done')
    const info = await client.get('credentials/info', { credentialID: mine.id })
    expect(info['status']).to.equal('valid')
    const third = await link(await serialOf(mine))
    await change(await serialOf(mine), { change: 'revoke', reason: 'privilegeWithdrawn' })
    expect(await used(third)).to.equal('This credential is not waiting for its holder.')
    expect(await refused('rekey', await serialOf(mine), { request: pkcs10(newKeys()) })).to.deep.equal([
      409,
      'The certificate is revoked (privilegeWithdrawn).',
    ])
    expect(await service.sql('select key_id from rekeying')).to.deep.equal([])
  })

  it('takes neither a request nor days where a holder makes the key', async () => {
    const serial = await serialOf(service.credential)
    expect(await refused('rekey', serial, { request: pkcs10(newKeys()) })).to.deep.equal([
      409,
      'A credential has its key in the token: it takes no request.',
    ])
    expect(await refused('rekey', serial, { days: 9 })).to.deep.equal([
      400,
      'days: credentials are certified for ca.endEntityDays',
    ])
    expect(await refused('renew', serial, { reason: 'compromise' })).to.deep.equal([
      400,
      'reason: Invalid option: expected one of "expiry"|"request"|"policy"',
    ])
  })
})
