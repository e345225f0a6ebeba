import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { expect } from 'chai'
import { compactVerify, decodeProtectedHeader } from 'jose'
import { signatureTypeNames } from '../../src/credentials/keys/signatureTypes.ts'
import { startService, type TestService } from '../support/startService.ts'
import { CONTEXT_1, CONTEXT_2, credential, KeyClient, problem, unknownKey, type MadeKey } from './client.ts'

/** By a library of others. @throws Error where the signature is wrong */
async function opened(jwt: string, key: MadeKey): Promise<Record<string, unknown>> {
  const jwk = key.method['publicKeyJwk'] as JsonWebKey
  const { payload } = await compactVerify(jwt, createPublicKey({ key: jwk, format: 'jwk' }))
  return JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown>
}

describe('signing by the key service', function () {
  this.timeout(60_000)
  let service: TestService
  let client: KeyClient
  let key: MadeKey
  before(async () => {
    service = await startService()
    client = await KeyClient.of(service)
    key = await client.key()
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const sign = (path: string, more: object = {}, headers: Record<string, string> = {}) =>
    client.call(
      `/sign/${path}`,
      { identifier: key.id, secrets: key.secrets, verifiable: credential(key.controller), ...more },
      headers,
    )

  describe('vc/jwt', () => {
    for (const signatureType of signatureTypeNames) {
      it(`with ${signatureType}, by the secrets and by an activation`, async () => {
        const made = await client.key({ signatureType })
        const verifiable = credential(made.controller)
        const activation = await client.activation(made)
        for (const proof of [{ secrets: made.secrets }, { activation }]) {
          const { status, text, headers } = await sign('vc/jwt', {
            identifier: made.id,
            secrets: undefined,
            verifiable,
            ...proof,
          })
          expect(status, text).to.equal(201)
          expect(headers.get('content-type')).to.equal('application/vc+jwt')
          expect(decodeProtectedHeader(text)).to.include({ kid: made.id, typ: 'vc+jwt' })
          expect(await opened(text, made)).to.deep.equal(verifiable)
          const tampered = `${text.slice(0, -12)}${text.at(-12) === 'A' ? 'B' : 'A'}${text.slice(-11)}`
          expect(await opened(tampered, made).catch(() => 'refused')).to.equal('refused')
        }
      })
    }

    it('of data model 1.1 as a JWT-VC', async () => {
      const verifiable = {
        '@context': [CONTEXT_1],
        type: ['VerifiableCredential'],
        issuer: key.controller,
        issuanceDate: '2023-01-01T00:00:00Z',
        credentialSubject: { id: 'did:example:456', name: 'John Doe' },
      }
      const { text, headers } = await sign('vc/jwt', { verifiable })
      expect(headers.get('content-type')).to.equal('application/jwt')
      expect(await opened(text, key)).to.deep.include({
        vc: verifiable,
        iss: key.controller,
        sub: 'did:example:456',
        nbf: 1672531200,
      })
    })

    it('by a name that one key has, as it stands where it is no DID', async () => {
      const plain = await client.key({ identifier: 'my-signing-key' })
      const verifiable = credential('did:example:anybody')
      const { text } = await sign('vc/jwt', {
        identifier: 'my-signing-key',
        secrets: plain.secrets,
        verifiable,
      })
      expect(await opened(text, plain)).to.deep.equal(verifiable)
      expect(decodeProtectedHeader(text).kid).to.equal(plain.id)
    })

    it('is recorded: who, which key, by which authorisation, and nothing of what was signed', async () => {
      const made = await client.key({ signatureType: 'Ed25519' })
      const verifiable = { ...credential(made.controller), description: 'nobody writes this down' }
      await sign('vc/jwt', { identifier: made.id, secrets: made.secrets, verifiable })
      const [row] = await service.sql<{ keyId: string }>(
        'select key_id as "keyId" from holder_key where id = $1',
        [made.id],
      )
      const subject = `key:${row?.keyId ?? ''}`
      const [act] = await service.acts('authorise', subject)
      expect(act?.actor).to.equal(`client:${service.client.id}`)
      const signed = await service.acts('sign', subject)
      expect(signed.map(({ kind }) => kind)).to.deep.equal(['intent', 'result'])
      for (const { subjects } of signed) expect(subjects).to.deep.equal(act?.subjects)
      const { digests } = signed[0]?.detail as { digests: string[] }
      expect(digests.map(({ length }) => length)).to.deep.equal([64])
      expect((act?.detail as { digests: string[] }).digests).to.deep.equal(digests)
    })

    it('of 46 KB', async () => {
      const many = Array.from({ length: 200 }, (_, n) => ({ id: `did:example:${n}`, text: 'x'.repeat(200) }))
      for (const signatureType of ['ES256', 'Ed25519']) {
        const made = await client.key({ signatureType })
        const verifiable = { ...credential(made.controller), credentialSubject: many }
        expect(JSON.stringify(verifiable).length).to.be.greaterThan(46_000)
        for (const proof of [{ secrets: made.secrets }, { activation: await client.activation(made) }]) {
          const { text } = await sign('vc/jwt', {
            identifier: made.id,
            secrets: undefined,
            verifiable,
            ...proof,
          })
          expect(await opened(text, made)).to.deep.equal(verifiable)
        }
      }
    })
  })

  describe('vp/jwt', () => {
    const presentation = () => ({
      '@context': [CONTEXT_2],
      type: ['VerifiablePresentation'],
      holder: key.controller,
    })

    it('for whom it is, and once', async () => {
      for (const names of [
        { challenge: 'n-1', domain: 'https://verifier.example' },
        { nonce: 'n-1', audience: 'https://verifier.example' },
        {
          nonce: 'n-1',
          challenge: 'n-1',
          domain: 'https://verifier.example',
          audience: 'https://verifier.example',
        },
      ]) {
        const more = { verifiable: presentation(), validUntil: '2101-02-03T04:05:06Z', ...names }
        const { status, text, headers } = await sign('vp/jwt', more)
        expect(status, text).to.equal(201)
        expect(headers.get('content-type')).to.equal('application/vp+jwt')
        const { iat, ...claims } = await opened(text, key)
        expect(iat).to.be.a('number')
        expect(claims).to.deep.equal({
          ...presentation(),
          nonce: 'n-1',
          aud: 'https://verifier.example',
          exp: Date.parse('2101-02-03T04:05:06Z') / 1000,
        })
      }
    })
  })

  describe('pop/jwt', () => {
    it('as OpenID4VCI has it, whatever else is presented', async () => {
      const { status, text, headers } = await sign('pop/jwt', {
        domain: 'https://issuer.example',
        challenge: 'c-nonce',
        client_id: 'a wallet',
      })
      expect(status, text).to.equal(201)
      expect(headers.get('content-type')).to.equal('application/openid4vci-proof+jwt')
      expect(decodeProtectedHeader(text)).to.deep.equal({
        alg: 'ES256',
        typ: 'openid4vci-proof+jwt',
        kid: key.id,
      })
      const { iat, ...claims } = await opened(text, key)
      expect(iat).to.be.a('number')
      expect(claims).to.deep.equal({ aud: 'https://issuer.example', nonce: 'c-nonce', iss: 'a wallet' })
    })
  })

  describe('an activation', () => {
    const by = (activation: string, more: object = {}) =>
      sign('vc/jwt', { secrets: undefined, activation, ...more })
    const no = (code: string, detail: string) => ({
      status: 403,
      body: problem(403, code, detail),
    })
    const seen = ({ status, body }: Awaited<ReturnType<typeof by>>) => ({ status, body })
    const UNKNOWN = no('activation_unknown', 'The activation is unknown.')

    it('is for so many signatures and no more, however they are asked for', async () => {
      const activation = await client.activation(key, 5)
      const all = await Promise.all(Array.from({ length: 12 }, () => by(activation)))
      expect(all.filter(({ status }) => status === 201)).to.have.length(5)
      for (const answer of all.filter(({ status }) => status !== 201))
        expect(seen(answer)).to.deep.equal(no('activation_used_up', 'The activation is used up.'))
    })

    it('is for this key and this client', async () => {
      const activation = await client.activation(key, 5)
      const other = await client.key()
      const verifiable = credential(other.controller)
      expect(seen(await by(activation, { identifier: other.id, verifiable }))).to.deep.equal(UNKNOWN)
      const stranger = await KeyClient.of(service, await service.newClient('A stranger'))
      const theirs = await stranger.key({ identifier: key.controller })
      const stolen = { identifier: theirs.id, activation, verifiable: credential(key.controller) }
      expect(seen(await stranger.call('/sign/vc/jwt', stolen))).to.deep.equal(UNKNOWN)
      expect(seen(await stranger.call('/sign/vc/jwt', { ...stolen, identifier: key.id }))).to.deep.equal({
        status: 404,
        body: unknownKey,
      })
      expect((await by(activation)).status).to.equal(201)
    })

    it('that nobody gave out is unknown, as is the SAD of a credential', async () => {
      expect(seen(await by('never given out'))).to.deep.equal(UNKNOWN)
    })

    it('ends when its time does', async () => {
      const activation = await client.activation(key, 5)
      await service.sql(
        "update authorisation set expires_at = now() - interval '1 second' where credential_id is null",
      )
      expect(seen(await by(activation))).to.deep.equal(
        no('activation_expired', 'The activation has expired.'),
      )
    })

    it('ends with its key', async () => {
      const made = await client.key()
      const activation = await client.activation(made, 5)
      const verifiable = credential(made.controller)
      expect((await by(activation, { identifier: made.id, verifiable })).status).to.equal(201)
      await client.call(`/keys/${encodeURIComponent(made.id)}/disable`, {})
      expect(seen(await by(activation, { identifier: made.id, verifiable }))).to.deep.equal({
        status: 409,
        body: problem(409, 'key_not_enabled', 'The key is disabled.'),
      })
    })

    it('that was altered in the database signs nothing', async () => {
      for (const altered of [
        'count = 100',
        "hash = 'SHA-384'",
        "expires_at = expires_at + interval '1 hour'",
      ]) {
        const made = await client.key()
        const activation = await client.activation(made, 1)
        const mine = '(select key_id from holder_key where id = $1)'
        await service.sql(`update authorisation set ${altered} where key_id = ${mine}`, [made.id])
        const answer = await by(activation, { identifier: made.id, verifiable: credential(made.controller) })
        expect(answer.status, altered).to.equal(500)
        await service.sql(
          `delete from authorised_hash where authorisation_id in (select id from authorisation where key_id = ${mine})`,
          [made.id],
        )
        await service.sql(`delete from authorisation where key_id = ${mine}`, [made.id])
      }
    })
  })
})
