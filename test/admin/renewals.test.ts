import { generateKeyPairSync, randomUUID, X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { issueFor } from '../../src/pki/issueFor.ts'
import { makeKey } from '../../src/signing/makeKey.ts'
import { requestOf } from '../pki/support/pkcs10.ts'
import { startService, type TestService } from '../support/startService.ts'

type Body = Record<string, unknown>
type Answer = readonly [number, unknown]

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pkcs10 = (keys: ReturnType<typeof newKeys>): string => {
  const der = requestOf({ keys, scheme: 'ecdsa-sha256' })
  return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
}
const seal = {
  countryName: 'NO',
  organizationName: 'Narvik, AS',
  organizationIdentifier: 'NTRNO-987654321',
  commonName: 'Narvik seal',
}

describe('renewal and re-key by operators', function () {
  this.timeout(60_000)
  let service: TestService
  before(async () => {
    service = await startService()
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const issue = async (keys = newKeys(), more: Body = {}): Promise<Body> => {
    const body = { profile: 'ncp-l', request: pkcs10(keys), subject: seal, days: 30, ...more }
    const made = await service.admin(service.operators.officer, 'POST /certificates', { body })
    expect(made.status, JSON.stringify(made.body)).to.equal(201)
    return made.body as Body
  }
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
  const x509 = (body: Body): X509Certificate => new X509Certificate(String(body['certificate']))
  const count = async (): Promise<number> => (await service.sql('select id from certificate')).length

  it('renews over the same key and subject, and both name each other', async () => {
    const old = await issue()
    const made = await replaced('renew', old['serial'], { days: 60, reason: 'request' })
    const [before, after] = [x509(old), x509(made)]
    expect(after.publicKey.equals(before.publicKey)).to.equal(true)
    expect([after.subject, after.issuer]).to.deep.equal([before.subject, before.issuer])
    expect(after.serialNumber).to.equal(made['serial']).and.to.not.equal(before.serialNumber)
    expect(Date.parse(after.validTo) - Date.parse(before.validTo)).to.be.within(
      29 * 86_400_000,
      31 * 86_400_000,
    )
    expect(made).to.include({ profile: 'ncp-l', state: 'issued' })
    expect(made['replaces']).to.deep.equal({ serial: old['serial'], by: 'renewal', reason: 'request' })
    expect(await show(old['serial'])).to.include({ state: 'issued', replacedBy: made['serial'] })
    const [act] = await service.acts('certificate.issue', `certificate:${String(made['id'])}`)
    expect(act?.actor).to.match(/^operator:/)
    expect(act?.subjects).to.include(`certificate:${String(old['id'])}`)
    expect(act?.detail).to.include({ profile: 'ncp-l', by: 'renewal', reason: 'request' })
  })

  it('renews for as long as before where nobody says, and finds what has no successor yet', async () => {
    const name = { ...seal, commonName: 'Soon' }
    const [first, second] = [
      await issue(newKeys(), { subject: name }),
      await issue(newKeys(), { subject: name }),
    ]
    const made = await replaced('renew', first['serial'])
    const span = (body: Body): number => Date.parse(x509(body).validTo) - Date.parse(x509(body).validFrom)
    expect(span(made)).to.equal(span(first))
    const search = async (replacedNow: boolean) => {
      const query = { subject: 'Soon', expiresBefore: '2100-01-01T00:00:00Z', replaced: String(replacedNow) }
      const { body } = await service.admin(service.operators.auditor, 'GET /certificates', { query })
      return (body as { items: Body[] }).items
    }
    expect((await search(true)).map((item) => [item['serial'], item['replacedBy']])).to.deep.equal([
      [first['serial'], made['serial']],
    ])
    const open = await search(false)
    expect(open.map(({ serial }) => serial)).to.have.members([second['serial'], made['serial']])
    expect(open.find(({ serial }) => serial === made['serial'])).to.include({ replaces: first['serial'] })
  })

  it('re-keys by a PKCS#10 of another key', async () => {
    const [old, next] = [await issue(), newKeys()]
    const made = await replaced('rekey', old['serial'], { request: pkcs10(next), days: 90 })
    expect(x509(made).publicKey.equals(next.publicKey)).to.equal(true)
    expect(x509(made).subject).to.equal(x509(old).subject)
    expect(made['replaces']).to.deep.equal({ serial: old['serial'], by: 're-key', reason: 'expiry' })
  })

  it('re-keys a key of the service in the token, and leaves the old one', async () => {
    const { ctx } = service
    const key = await makeKey(ctx, { keyType: 'P-256', purpose: 'credential-issuing', actor: 'service' })
    const subject = {
      form: 'legal person',
      country: 'NO',
      organization: 'Narvik, AS',
      organizationIdentifier: 'NTRNO-987654321',
      name: 'Attestations',
    } as const
    const { id } = await issueFor(ctx, {
      profile: 'attestation-seal',
      subject,
      key,
      actor: 'service',
      days: 9,
    })
    const renewed = await replaced('renew', id)
    expect(renewed['keyId']).to.equal(key.keyId)
    const made = await replaced('rekey', renewed['serial'])
    expect(made['keyId']).to.be.a('string').and.to.not.equal(key.keyId)
    expect(made['profile']).to.equal('attestation-seal')
    const rows = await service.sql<{ state: string }>('select state from key where id = any($1)', [
      [key.keyId, made['keyId']],
    ])
    expect(rows.map(({ state }) => state)).to.deep.equal(['enabled', 'enabled'])
    expect(await refused('rekey', made['serial'], { request: pkcs10(newKeys()) })).to.deep.equal([
      409,
      'Its key is in the token, and so is the next one: it takes no request.',
    ])
  })

  it('refuses what the standards refuse, in words, and plans nothing for it', async () => {
    const keys = newKeys()
    const [held, gone, ended, seals, twice, bad] = [
      await issue(),
      await issue(),
      await issue(),
      await issue(),
      await issue(),
      await issue(keys),
    ]
    await change(held['serial'], { change: 'suspend' })
    await change(gone['serial'], { change: 'revoke', reason: 'affiliationChanged' })
    await service.sql(
      `update certificate set not_before = now() - interval '2 hours', not_after = now() - interval '1 hour' where id = $1`,
      [ended['id']],
    )
    const next = await replaced('renew', twice['serial'])
    await change(bad['serial'], { change: 'revoke', reason: 'keyCompromise' })
    const before = await count()
    const request = pkcs10(newKeys())
    for (const how of ['renew', 'rekey'] as const) {
      const body = how === 'rekey' ? { request } : {}
      expect(await refused(how, held['serial'], body)).to.deep.equal([409, 'The certificate is suspended.'])
      expect(await refused(how, gone['serial'], body)).to.deep.equal([
        409,
        'The certificate is revoked (affiliationChanged).',
      ])
      expect(await refused(how, ended['serial'], body)).to.deep.equal([
        409,
        'The certificate has expired: have another one issued.',
      ])
      expect(await refused(how, twice['serial'], body)).to.deep.equal([
        409,
        `The certificate was replaced by ${String(next['serial'])}.`,
      ])
      for (const id of ['4f'.repeat(16), 'x', randomUUID()])
        expect(await refused(how, id, body)).to.deep.equal([404, 'There is no such certificate.'])
    }
    const [issuing] = await service.sql<{ id: string }>(
      `select id from certificate where profile = 'issuing'`,
    )
    expect(await refused('renew', issuing?.id)).to.deep.equal([
      409,
      'Certificates of the profile issuing have a roll-over of their own.',
    ])
    expect(await refused('renew', bad['serial'])).to.deep.equal([
      409,
      'The certificate is revoked (keyCompromise).',
    ])
    expect(await refused('renew', seals['serial'], { days: 5000 })).to.deep.equal([
      400,
      'The profile ncp-l is for 1 to 1095 days.',
    ])
    expect(await refused('renew', seals['serial'], { days: 3 })).to.deep.equal([
      409,
      'It would end before the one that it replaces.',
    ])
    expect(await refused('rekey', seals['serial'])).to.deep.equal([
      400,
      'request: its key is in other hands, and so is the next one: a PKCS#10 has it',
    ])
    expect(await refused('rekey', seals['serial'], { request, reason: 'compromise' })).to.deep.equal([
      409,
      'Revoke it for keyCompromise first.',
    ])
    expect(await count()).to.equal(before)
    const { status } = await service.admin(service.operators.admin, 'POST /certificates/:id/renew', {
      params: { id: String(seals['serial']) },
    })
    expect(status).to.equal(403)
  })

  it('never certifies a compromised key again, and revokes all certificates over it', async () => {
    const keys = newKeys()
    const old = await issue(keys)
    const made = await replaced('renew', old['serial'])
    await change(old['serial'], { change: 'revoke', reason: 'keyCompromise' })
    expect(await show(made['serial'])).to.include({ state: 'revoked', reason: 'keyCompromise' })
    const body = { profile: 'ncp-l', request: pkcs10(keys), subject: seal }
    const again = await service.admin(service.operators.officer, 'POST /certificates', { body })
    expect([again.status, (again.body as Body)['detail']]).to.deep.equal([
      409,
      'The key is known to be compromised.',
    ])
    const next = await replaced('rekey', made['serial'], { request: pkcs10(newKeys()) })
    expect(next['replaces']).to.deep.equal({ serial: made['serial'], by: 're-key', reason: 'compromise' })
  })

  it('revokes a renewed one alone for another reason', async () => {
    const old = await issue()
    const made = await replaced('renew', old['serial'])
    await change(old['serial'], { change: 'revoke', reason: 'superseded' })
    expect(await show(made['serial'])).to.include({ state: 'issued' })
  })

  it('refuses octets and keys that somebody wrote into the database', async () => {
    const [one, other] = [await issue(), await issue()]
    await service.sql(
      `update certificate set spki = (select spki from certificate where id = $2) where id = $1`,
      [one['id'], other['id']],
    )
    expect(await refused('renew', one['serial'])).to.deep.equal([500, undefined])
    await service.sql(
      `update certificate set der = set_byte(der, octet_length(der) - 1, get_byte(der, octet_length(der) - 1) # 1)
        where id = $1`,
      [other['id']],
    )
    expect(await refused('renew', other['serial'])).to.deep.equal([500, undefined])
  })

  it('replaces a certificate once, of many who ask at the same time', async () => {
    const old = await issue()
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, n) =>
        n % 2 === 0
          ? replace('renew', old['serial'])
          : replace('rekey', old['serial'], { request: pkcs10(newKeys()) }),
      ),
    )
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([201, 409, 409, 409, 409, 409])
    const rows = await service.sql<{ state: string }>(
      'select state from certificate where replaces_id = $1',
      [old['id']],
    )
    expect(rows).to.deep.equal([{ state: 'issued' }])
  })
})
