import { expect } from 'chai'
import type { AttackResistance } from '../../config/attestation.ts'
import { served, shift } from '../pki/support/clocks.ts'
import { startService, type TestService } from '../support/startService.ts'
import { attesting, configure, count, documentOf, keyIdOf, opened, refused, said, TYPE } from './attesting.ts'
import { KeyClient, problem, type Answer, type MadeKey } from './client.ts'

const HOUR = 3_600_000
const NOT_SIGNED = problem(503, 'unavailable', 'Key attestations are not signed at the moment.')

describe('key attestations of the key service', function () {
  this.timeout(60_000)
  let service: TestService
  let client: KeyClient
  let key: MadeKey
  before(async () => {
    service = await startService({ clock: { toleranceMs: 500, settleSeconds: 1 } })
    client = await KeyClient.of(service)
    key = await client.key()
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const attest = (identifiers: readonly string[], more: object = {}): Promise<Answer> =>
    client.call('/keys/attest', { identifiers, ...more })
  const officer = (endpoint: Parameters<TestService['admin']>[1], id: string) =>
    service.admin(service.operators.officer, endpoint, { params: { id }, body: {} })

  for (const [method, keyType, alg] of [
    ['key', 'P-256', 'ES256'],
    ['web', 'Ed25519', 'EdDSA'],
  ] as const) {
    it(`say, by a did:${method}, which keys are in the token, and what its operator says of it`, async () => {
      const keyStorage: AttackResistance[] = ['iso_18045_high', 'iso_18045_moderate']
      const userAuthentication: AttackResistance[] = ['iso_18045_basic']
      const certification = 'https://certified.example/1'
      const claims = { keyStorage, userAuthentication, certification, validSeconds: 600 }
      const issuer = await attesting(service, claims, { method, keyType })
      const keys = await Promise.all(
        ['Ed25519', 'ES256', 'ES384', 'ES512', 'RS256'].map((signatureType) => client.key({ signatureType })),
      )
      const began = Math.floor(Date.now() / 1000)
      const answer = await attest(
        keys.map(({ id }) => id),
        { nonce: 'c-nonce' },
      )
      expect([answer.status, answer.headers.get('content-type')], answer.text).to.deep.equal([
        201,
        'application/key-attestation+jwt',
      ])
      const { payload, protectedHeader } = await opened(service, answer.text, issuer)
      const { iat = 0 } = payload
      expect(iat).to.be.within(began, Date.now() / 1000)
      const { verificationMethod } = await documentOf(service, issuer)
      expect(protectedHeader).to.deep.equal({ alg, typ: TYPE, kid: verificationMethod[0]?.id })
      expect(payload).to.deep.equal({
        iat,
        exp: iat + 600,
        attested_keys: keys.map(({ method: made }) => {
          const members = Object.entries(made['publicKeyJwk'] as Record<string, string>)
          return Object.fromEntries(members.filter(([name]) => name !== 'alg'))
        }),
        key_storage: keyStorage,
        user_authentication: userAuthentication,
        certification,
        nonce: 'c-nonce',
      })
      const [head, body, signature = ''] = answer.text.split('.')
      const spoiled = [head, body, signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))].join('.')
      expect(await opened(service, spoiled, issuer).catch(() => 'refused')).to.equal('refused')
    })
  }

  it('claim nothing that the configuration does not say, and are JWTs for who asks for one', async () => {
    const issuer = await attesting(service)
    const answer = await client.call('/keys/attest', { identifiers: [key.id] }, { accept: 'application/jwt' })
    expect([answer.status, answer.headers.get('content-type')]).to.deep.equal([201, 'application/jwt'])
    const { payload } = await opened(service, answer.text, issuer)
    expect(payload).to.have.all.keys('iat', 'exp', 'attested_keys')
    const asked = await client.call('/keys/attest', { identifiers: [key.id] }, { accept: 'application/json' })
    expect(said(asked)).to.deep.equal(
      refused(
        problem(
          406,
          'not_acceptable',
          'What is answered here is application/key-attestation+jwt, application/jwt.',
        ),
      ),
    )
  })

  it('are recorded, with who asked and the keys that they are about', async () => {
    const issuer = await attesting(service)
    const other = await client.key()
    expect((await attest([other.id, key.controller])).status).to.equal(201)
    const [mine, second] = [await keyIdOf(service, other), await keyIdOf(service, key)]
    const acts = await service.acts('key.attest', `key:${mine}`)
    expect(acts.map(({ kind, actor }) => [kind, actor])).to.deep.equal([
      ['intent', `client:${service.client.id}`],
      ['result', `client:${service.client.id}`],
    ])
    for (const { subjects } of acts)
      expect(subjects.slice(1)).to.deep.equal([`issuer:${issuer.id}`, `key:${mine}`, `key:${second}`])
  })

  it('are not there where the operator did not ask for them', async () => {
    configure(service, undefined)
    expect(said(await attest([key.id]))).to.deep.equal(
      refused(problem(501, 'not_implemented', 'There are no key attestations here.')),
    )
  })

  it('are not dated by a clock that nobody trusts', async () => {
    const issuer = await attesting(service)
    shift(service, HOUR)
    try {
      const answer = await attest([key.id])
      expect(said(answer)).to.deep.equal(
        refused(problem(503, 'unavailable', 'The clock of the service is not trusted at the moment')),
      )
      expect(answer.headers.get('retry-after')).to.equal('10')
    } finally {
      shift(service, 0)
      await served(service)
    }
    expect(await count(service, issuer)).to.equal(0)
    expect((await attest([key.id])).status).to.equal(201)
  })

  describe('are signed by an issuer', () => {
    it('as long as it is enabled', async () => {
      const issuer = await attesting(service)
      expect((await attest([key.id])).status).to.equal(201)
      expect((await officer('POST /issuers/:id/disable', issuer.id)).status).to.equal(200)
      const answer = await attest([key.id])
      expect(said(answer)).to.deep.equal(refused(NOT_SIGNED))
      expect(answer.headers.get('retry-after')).to.equal('60')
      expect((await officer('POST /issuers/:id/enable', issuer.id)).status).to.equal(200)
      expect((await attest([key.id])).status).to.equal(201)
    })

    it('whose key was rotated, by the new one; the document has both', async () => {
      const issuer = await attesting(service, {}, { method: 'web' })
      const { text: before } = await attest([key.id])
      expect((await officer('POST /issuers/:id/rotate', issuer.id)).status).to.equal(200)
      const { text: after } = await attest([key.id])
      const [old, now] = [await opened(service, before, issuer), await opened(service, after, issuer)]
      expect(now.protectedHeader.kid).to.not.equal(old.protectedHeader.kid)
    })

    it('that there is, and whose key and client are not disabled', async () => {
      configure(service, { issuer: '00000000-0000-4000-8000-000000000000', validSeconds: 60 })
      expect(said(await attest([key.id]))).to.deep.equal(refused(NOT_SIGNED))
      const { id } = await service.newClient('Attests, and nothing else')
      const issuer = await attesting(service, {}, { client: id })
      expect((await attest([key.id])).status).to.equal(201)
      await service.sql(`update client set state = 'disabled' where id = $1`, [id])
      expect(said(await attest([key.id]))).to.deep.equal(refused(NOT_SIGNED))
      await service.sql(`update client set state = 'enabled' where id = $1`, [id])
      const [row] = await service.sql<{ id: string }>(
        'select key_id as id from credential_issuer_key where issuer_id = $1::uuid',
        [issuer.id],
      )
      expect((await officer('POST /keys/:id/disable', row?.id ?? '')).status).to.equal(200)
      expect(said(await attest([key.id]))).to.deep.equal(refused(NOT_SIGNED))
    })
  })
})
