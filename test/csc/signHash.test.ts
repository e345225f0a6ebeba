import { createHash, verify, X509Certificate, type VerifyKeyObjectInput } from 'node:crypto'
import { constants } from 'node:crypto'
import { expect } from 'chai'
import type { KeyType } from '../../hsm/algorithms.ts'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { CscClient, OID, digest, refusal } from './client.ts'

const base64 = (hex: string): string => Buffer.from(hex.replaceAll(' ', ''), 'hex').toString('base64')
const PSS_PARAMS = {
  sha256: base64(
    '3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120',
  ),
  sha512: base64(
    '3034a00f300d06096086480165030402030500a11c301a06092a864886f70d010108300d06096086480165030402030500a203020140',
  ),
}

describe('signHash', () => {
  let service: TestService
  let client: CscClient
  let mine: TestCredential

  before(async () => {
    service = await startService()
    client = await CscClient.of(service)
    mine = service.credential
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  /** As whoever receives the document would: over the document, with the certificate's key. */
  const verified = (
    credential: TestCredential,
    signed: { text: string; signature: string; hash?: string | null; key?: Partial<VerifyKeyObjectInput> },
  ): boolean => {
    const { text, signature, hash = 'sha256', key = {} } = signed
    const { publicKey } = new X509Certificate(credential.certificate)
    return verify(hash, Buffer.from(text), { key: publicKey, ...key }, Buffer.from(signature, 'base64'))
  }

  it('signs the digests as given, in the order of the hashes, duplicates each', async () => {
    const texts = ['zebra', 'apple', 'zebra', 'mango']
    const hashes = texts.map((text) => digest(text))
    const SAD = await client.authorize(mine, hashes)
    const body = await client.get('signatures/signHash', {
      credentialID: mine.id,
      SAD,
      hashes,
      signAlgo: OID.ecdsa256,
    })
    expect(Object.keys(body)).to.deep.equal(['credentialID', 'signatures'])
    expect(body['credentialID']).to.equal(mine.id)
    const signatures = body['signatures'] as string[]
    expect(signatures).to.have.length(4)
    texts.forEach((text, i) =>
      expect(verified(mine, { text, signature: signatures[i] ?? '' }), text).to.equal(true),
    )
    expect(signatures[0]).to.not.equal(signatures[2])
  })

  it('signs them in another order and in parts, as long as each is authorised', async () => {
    const [a = '', b = '', c = ''] = ['a', 'b', 'c'].map((text) => digest(text))
    const SAD = await client.authorize(mine, [a, b, c])
    const [cb, ...rest] = await client.sign(mine, [c, b], { SAD })
    expect(verified(mine, { text: 'c', signature: cb ?? '' })).to.equal(true)
    expect(rest).to.have.length(1)
    await client.sign(mine, [a], { SAD })
    const { status, body } = await client.call('signatures/signHash', {
      credentialID: mine.id,
      SAD,
      hashes: [a],
      signAlgo: OID.ecdsa256,
    })
    expect(status).to.equal(400)
    expect(body).to.deep.equal(refusal('Hash is not authorized by the SAD'))
  })

  it('compares octets, not text: base64url in one request, base64 in the other', async () => {
    // A digest whose base64 has both characters that the alphabets differ in.
    let text = ''
    for (let i = 0; !/\+.*\/|\/.*\+/.test(digest(text)); i++) text = `text ${i}`
    const standard = digest(text)
    const url = Buffer.from(standard, 'base64').toString('base64url')
    const SAD = await client.authorize(mine, [url])
    const [signature = ''] = await client.sign(mine, [standard], { SAD })
    expect(verified(mine, { text, signature })).to.equal(true)
  })

  it('takes the names of version 1 and the words of older clients', async () => {
    const hash = [digest('version 1')]
    const { body } = await client.call('credentials/authorize', {
      credentialID: mine.id,
      numSignatures: 1,
      hash,
      hashAlgo: OID.sha256,
      PIN: mine.pin,
      OTP: null,
      description: null,
      clientData: null,
    })
    const answer = await client.get('signatures/signHash', {
      credentialID: mine.id,
      SAD: body['SAD'],
      hash,
      hashAlgo: OID.sha256,
      signAlgo: 'ECDSA',
    })
    const [signature = ''] = answer['signatures'] as string[]
    expect(verified(mine, { text: 'version 1', signature })).to.equal(true)
  })

  it('takes the request of the EUDI wallet library, nulls and defaults written out', async () => {
    const hashes = [digest('kt')]
    const SAD = await client.authorize(mine, hashes)
    await client.get('signatures/signHash', {
      credentialID: mine.id,
      SAD,
      hashes,
      hashAlgorithmOID: OID.sha256,
      signAlgo: OID.ecdsa256,
      signAlgoParams: null,
      operationMode: 'S',
      validity_period: null,
      response_uri: null,
      clientData: null,
    })
  })

  it('makes exactly one signature of fifty requests for the one that was authorised', async () => {
    const hashes = [digest('only one')]
    const SAD = await client.authorize(mine, hashes)
    const request = { credentialID: mine.id, SAD, hashes, signAlgo: OID.ecdsa256 }
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => client.call('signatures/signHash', request)),
    )
    const good = answers.filter(({ status }) => status === 200)
    expect(good).to.have.length(1)
    for (const { status, body } of answers.filter((answer) => !good.includes(answer))) {
      expect(status).to.equal(400)
      expect(body).to.deep.equal(refusal('Hash is not authorized by the SAD'))
    }
  })

  it('signs nothing of a request that asks for one hash too many', async () => {
    const a = digest('authorised')
    const b = digest('not authorised')
    const SAD = await client.authorize(mine, [a])
    const request = { credentialID: mine.id, SAD, signAlgo: OID.ecdsa256 }
    for (const hashes of [[a, b], [b], [a, a]]) {
      const { status, body } = await client.call('signatures/signHash', { ...request, hashes })
      expect(status).to.equal(400)
      expect(body).to.deep.equal(refusal('Hash is not authorized by the SAD'))
    }
    expect(await client.sign(mine, [a], { SAD })).to.have.length(1)
  })

  it('signs a thousand hashes at once', async () => {
    const texts = Array.from({ length: 1000 }, (_, i) => `document ${i}`)
    const hashes = texts.map((text) => digest(text))
    const SAD = await client.authorize(mine, hashes)
    const signatures = await client.sign(mine, hashes, { SAD })
    expect(signatures).to.have.length(1000)
    for (const i of [0, 1, 499, 999]) {
      expect(verified(mine, { text: texts[i] ?? '', signature: signatures[i] ?? '' })).to.equal(true)
    }
  })

  it('signs no more than the hashes given, although the number authorised leaves room', async () => {
    const SAD = await client.authorize(mine, [digest('given')], { numSignatures: 3 })
    await client.sign(mine, [digest('given')], { SAD })
    for (const text of ['given', 'not given']) {
      const { status, body } = await client.call('signatures/signHash', {
        credentialID: mine.id,
        SAD,
        hashes: [digest(text)],
        signAlgo: OID.ecdsa256,
      })
      expect(status).to.equal(400)
      expect(body).to.deep.equal(refusal('Hash is not authorized by the SAD'))
    }
  })

  it('lets a SCAL 1 authorisation sign as many as it says, whichever they are', async () => {
    const credential = await service.newCredential({ scal: 1 })
    const { SAD } = await client.get('credentials/authorize', {
      credentialID: credential.id,
      numSignatures: 2,
      authData: [{ id: 'PIN', value: credential.pin }],
    })
    const [first = ''] = await client.sign(credential, [digest('first')], { SAD })
    expect(verified(credential, { text: 'first', signature: first })).to.equal(true)
    await client.sign(credential, [digest('second')], { SAD })
    const { status } = await client.call('signatures/signHash', {
      credentialID: credential.id,
      SAD,
      hashes: [digest('third')],
      signAlgo: OID.ecdsa256,
    })
    expect(status).to.equal(400)
  })

  interface Way {
    readonly keyType: KeyType
    readonly hash: 'sha256' | 'sha384' | 'sha512'
    readonly request: Record<string, string>
    readonly key?: Partial<VerifyKeyObjectInput>
  }
  const pss = (saltLength: number) => ({ padding: constants.RSA_PKCS1_PSS_PADDING, saltLength })
  const ways: Way[] = [
    { keyType: 'P-256', hash: 'sha256', request: { signAlgo: OID.ecdsa256 } },
    { keyType: 'P-256', hash: 'sha384', request: { signAlgo: OID.ecdsa384 } },
    { keyType: 'P-256', hash: 'sha512', request: { signAlgo: OID.ecdsa512, hashAlgorithmOID: OID.sha512 } },
    { keyType: 'P-384', hash: 'sha384', request: { signAlgo: OID.ecdsa384 } },
    { keyType: 'P-384', hash: 'sha256', request: { signAlgo: OID.ecdsa256 } },
    { keyType: 'P-521', hash: 'sha512', request: { signAlgo: OID.ecdsa512 } },
    { keyType: 'RSA-2048', hash: 'sha256', request: { signAlgo: OID.rsa256 } },
    { keyType: 'RSA-2048', hash: 'sha512', request: { signAlgo: OID.rsa, hashAlgorithmOID: OID.sha512 } },
    {
      keyType: 'RSA-2048',
      hash: 'sha256',
      request: { signAlgo: OID.pss, signAlgoParams: PSS_PARAMS.sha256 },
      key: pss(32),
    },
    {
      keyType: 'RSA-2048',
      hash: 'sha512',
      request: { signAlgo: OID.pss, signAlgoParams: PSS_PARAMS.sha512, hashAlgorithmOID: OID.sha512 },
      key: pss(64),
    },
  ]
  const credentials = new Map<KeyType, TestCredential>()
  const credentialOf = async (keyType: KeyType): Promise<TestCredential> => {
    const made = credentials.get(keyType) ?? (await service.newCredential({ keyType }))
    credentials.set(keyType, made)
    return made
  }
  for (const { keyType, hash, request, key } of ways) {
    it(`signs with ${keyType} by ${JSON.stringify(request).slice(0, 90)}`, async () => {
      const credential = await credentialOf(keyType)
      const hashes = [digest('one', hash), digest('two', hash)]
      const SAD = await client.authorize(credential, hashes, { hashAlgorithmOID: OID[hash] })
      const [one = '', two = ''] = await client.sign(credential, hashes, { SAD, ...request })
      const how = { hash, ...(key === undefined ? {} : { key }) }
      expect(verified(credential, { text: 'one', signature: one, ...how })).to.equal(true)
      expect(verified(credential, { text: 'two', signature: two, ...how })).to.equal(true)
    })
  }

  it('signs with Ed25519 the octets themselves, digest or message', async () => {
    const credential = await credentialOf('Ed25519')
    const message = Buffer.from('signed attributes, of any length')
    const asDigest = createHash('sha512').update('document').digest()
    const hashes = [message.toString('base64'), asDigest.toString('base64')]
    const SAD = await client.authorize(credential, hashes, { hashAlgorithmOID: undefined })
    const [one = '', two = ''] = await client.sign(credential, hashes, { SAD, signAlgo: OID.ed25519 })
    const { publicKey } = new X509Certificate(credential.certificate)
    expect(verify(null, message, publicKey, Buffer.from(one, 'base64'))).to.equal(true)
    expect(verify(null, asDigest, publicKey, Buffer.from(two, 'base64'))).to.equal(true)
    // A client that names the hash says that these are digests.
    const named = { hashAlgorithmOID: OID.sha512 }
    const again = [asDigest.toString('base64')]
    const other = await client.authorize(credential, again, named)
    await client.sign(credential, again, { SAD: other, signAlgo: OID.ed25519, ...named })
  })

  it("refuses an algorithm that is not the key's, and one that the SAD is not for", async () => {
    const hashes = [digest('x')]
    const SAD = await client.authorize(mine, hashes)
    const request = { credentialID: mine.id, SAD, hashes }
    const rsa = await client.call('signatures/signHash', { ...request, signAlgo: OID.rsa256 })
    expect(rsa.body).to.deep.equal(refusal('Invalid parameter signAlgo'))
    const longer = await client.call('signatures/signHash', {
      ...request,
      hashes: [digest('x', 'sha384')],
      signAlgo: OID.ecdsa384,
    })
    expect(longer.body).to.deep.equal(refusal('Hash is not authorized by the SAD'))
    await client.sign(mine, hashes, { SAD })
  })
})
