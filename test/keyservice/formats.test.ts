import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { compactVerify, importJWK, type JWK } from 'jose'
import { startService, type TestService } from '../support/startService.ts'
import { badRequest, credential, KeyClient, type MadeKey } from './client.ts'

describe('formats of the key service besides jwt', function () {
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

  const asked = (more: object = {}): object => ({ identifier: key.id, secrets: key.secrets, ...more })
  const opened = async (jwt: string): Promise<{ header: unknown; claims: Record<string, unknown> }> => {
    const jwk = await importJWK(key.method['publicKeyJwk'] as JWK, 'ES256')
    const { payload, protectedHeader } = await compactVerify(jwt, jwk)
    return {
      header: protectedHeader,
      claims: JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown>,
    }
  }

  it('sd-jwt: claims with a vct, of which some may be left out, and the key binding of its holder', async () => {
    const claims = { vct: 'https://types.example/name', name: 'Joan Doe', country: 'NO' }
    const holder = key.method['publicKeyJwk']
    const made = await client.call(
      '/sign/vc/sd-jwt',
      asked({ verifiable: claims, selective: ['/name'], holder }),
    )
    expect([made.status, made.headers.get('content-type')], made.text).to.deep.equal([
      201,
      'application/dc+sd-jwt',
    ])
    const [jwt = '', disclosure = ''] = made.text.split('~')
    const issued = await opened(jwt)
    expect(issued.header).to.deep.include({ typ: 'dc+sd-jwt', kid: key.id })
    expect(issued.claims).to.deep.include({ vct: claims.vct, country: 'NO' }).and.not.have.property('name')
    const digest = createHash('sha256').update(disclosure).digest('base64url')
    expect(issued.claims['_sd']).to.deep.equal([digest])

    const about = { nonce: 'n-1', audience: 'https://verifier.example' }
    const shown = await client.call('/sign/vp/sd-jwt', asked({ verifiable: made.text, ...about }))
    expect(shown.status, shown.text).to.equal(201)
    expect(shown.text.startsWith(made.text)).to.equal(true)
    const binding = await opened(shown.text.slice(made.text.length))
    expect(binding.claims).to.include({ nonce: 'n-1', aud: 'https://verifier.example' })
  })

  it('cose: octets, of which the signature is of the same key', async () => {
    const verifiable = credential(key.controller)
    const response = await fetch(`${service.url}/sign/vc/cose`, {
      method: 'POST',
      headers: { authorization: `Bearer ${client.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(asked({ verifiable })),
    })
    expect([response.status, response.headers.get('content-type')]).to.deep.equal([
      201,
      'application/vc+cose',
    ])
    const octets = Buffer.from(await response.arrayBuffer())
    // COSE_Sign1 (RFC 9052, 4.2), tagged.
    expect(octets[0]).to.equal(0xd2)
    expect(octets.includes(Buffer.from(JSON.stringify(verifiable)))).to.equal(true)
  })

  it('data-integrity: a proof has the URL that it is given, and others come after it', async () => {
    const prove = (verifiable: unknown, more: object) =>
      client.call('/sign/vc/data-integrity', asked({ verifiable, ...more }))
    const first = await prove(credential(key.controller), { proofId: 'urn:uuid:1' })
    expect(first.status, first.text).to.equal(201)
    const chain = await prove(first.body, { proofId: 'urn:uuid:2', previousProof: 'urn:uuid:1' })
    const proofs = (chain.body?.['proof'] ?? []) as Record<string, unknown>[]
    expect(proofs.map(({ id, previousProof }) => [id, previousProof])).to.deep.equal([
      ['urn:uuid:1', undefined],
      ['urn:uuid:2', 'urn:uuid:1'],
    ])
    for (const [proofId, detail] of [
      ['urn:uuid:1', 'proofId: another proof has it'],
      ['one', 'proofId: is no URL'],
    ] as const)
      expect((await prove(first.body, { proofId })).body).to.deep.equal(badRequest(detail))
    for (const format of ['jwt', 'sd-jwt', 'cose']) {
      const verifiable = credential(key.controller)
      const { body } = await client.call(`/sign/vc/${format}`, asked({ verifiable, proofId: 'urn:uuid:1' }))
      expect(body, format).to.deep.equal(badRequest('proofId: not in this format'))
    }
  })

  for (const format of ['sd-jwt', 'cose']) {
    it(`${format}: no proofs of possession`, async () => {
      const { status, body } = await client.call(
        `/sign/pop/${format}`,
        asked({ domain: 'https://issuer.example' }),
      )
      const detail = `${format}: no proof of possession in this format`
      expect({ status, body }).to.deep.equal({ status: 400, body: badRequest(detail) })
    })
  }
})
