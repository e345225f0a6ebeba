import { createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { expect } from 'chai'
import { jwtVerify, SignJWT, type JWTPayload } from 'jose'
import { startService, type TestService } from '../support/startService.ts'
import { attesting, opened, refused, said, TYPE } from './attesting.ts'
import { badRequest, credential, KeyClient, type MadeKey } from './client.ts'

const DOMAIN = 'https://credential-issuer.example'
const NOW = Math.floor(Date.now() / 1000)

/** Somebody else who attests keys: whom a credential issuer believes is its own business. */
const attester = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const madeElsewhere = (claims: JWTPayload, typ = TYPE): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ }).sign(attester)

describe('a proof of possession with a key attestation', function () {
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

  const jwkOf = ({ method }: MadeKey) => method['publicKeyJwk'] as JsonWebKey
  const prove = (keyAttestation: unknown, by: object = { secrets: key.secrets }, format = 'jwt') => {
    const asked = { identifier: key.id, domain: DOMAIN, challenge: 'c-nonce', keyAttestation, ...by }
    return client.call(`/sign/pop/${format}`, asked)
  }

  it('has it in its header, as it was made here, and both are verified', async () => {
    const issuer = await attesting(service, { keyStorage: ['iso_18045_high'] })
    const other = await client.key()
    const { text: attestation } = await client.call('/keys/attest', { identifiers: [other.id, key.id] })
    const { status, text } = await prove(attestation)
    expect(status, text).to.equal(201)
    const publicKey = createPublicKey({ key: jwkOf(key), format: 'jwk' })
    const options = { typ: 'openid4vci-proof+jwt', audience: DOMAIN }
    const { payload, protectedHeader } = await jwtVerify(text, publicKey, options)
    expect(protectedHeader).to.deep.equal({
      alg: 'ES256',
      typ: 'openid4vci-proof+jwt',
      kid: key.id,
      key_attestation: attestation,
    })
    expect(payload).to.include({ nonce: 'c-nonce' })
    const attested = await opened(service, String(protectedHeader['key_attestation']), issuer)
    expect(attested.payload['attested_keys']).to.deep.equal([jwkOf(other), jwkOf(key)])
  })

  it('takes one that was made elsewhere', async () => {
    const attestation = await madeElsewhere({ exp: NOW + 600, attested_keys: [jwkOf(key)] })
    expect((await prove(attestation)).status).to.equal(201)
  })

  it('is refused with another than that, and costs no signature of an activation', async () => {
    const other = await client.key()
    const attested_keys = [jwkOf(key)]
    const exp = NOW + 600
    const { text: signedByKey } = await client.call('/sign/vc/jwt', {
      identifier: key.id,
      secrets: key.secrets,
      verifiable: credential(key.controller),
    })
    const good = await madeElsewhere({ exp, attested_keys })
    const activation = await client.activation(key)
    const NO_JWT = 'keyAttestation: is no compact JWT'
    const OTHERS = 'keyAttestation: attests other keys than the one that signs'
    for (const [attestation, detail] of [
      ['', 'keyAttestation: is empty'],
      ['a'.repeat(100_001), 'keyAttestation: 100000 characters at most'],
      [{}, 'keyAttestation: a string is wanted'],
      ['no JWT', NO_JWT],
      [`${good}=`, NO_JWT],
      [`${good}.x`, NO_JWT],
      [signedByKey, `keyAttestation: its typ is not ${TYPE}`],
      [await madeElsewhere({ exp, attested_keys }, 'JWT'), `keyAttestation: its typ is not ${TYPE}`],
      [
        await madeElsewhere({ attested_keys }),
        'keyAttestation: has no exp, which one in a proof has to have',
      ],
      [await madeElsewhere({ exp: NOW - 1, attested_keys }), 'keyAttestation: has expired'],
      [await madeElsewhere({ exp, attested_keys: [jwkOf(other)] }), OTHERS],
      [await madeElsewhere({ exp, attested_keys: [] }), OTHERS],
      [await madeElsewhere({ exp, attested_keys: jwkOf(key) }), OTHERS],
      [
        await madeElsewhere({ exp, attested_keys: [{ ...jwkOf(key), y: jwkOf(other).y }, 'x', null] }),
        OTHERS,
      ],
      [await madeElsewhere({ exp }), OTHERS],
    ] as const) {
      const answer = await prove(attestation, { activation })
      expect(said(answer), detail).to.deep.equal(refused(badRequest(detail)))
    }
    expect((await prove(good, { activation })).status).to.equal(201)
  })

  it('is a JWT: in Data Integrity there is no place for one', async () => {
    const good = await madeElsewhere({ exp: NOW + 600, attested_keys: [jwkOf(key)] })
    const { secrets } = key
    expect(said(await prove(good, { secrets }, 'data-integrity'))).to.deep.equal(
      refused(badRequest('keyAttestation: not in this format')),
    )
  })
})
