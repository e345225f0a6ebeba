import { Algorithms, Sign1 } from '@auth0/cose'
import { expect } from 'chai'
import type { JsonObject, VerifyRequest } from '../../src/credentials/formats/format.ts'
import { keyOfJwk } from '../../src/credentials/jwk.ts'
import { fromCbor, toCbor, type Cbor, type Tagged } from '../../src/signing/cbor.ts'
import { checkSign1, LABEL, readSign1, signSign1 } from '../../src/signing/cose.ts'
import { later, names, NOW, publicKey, refused, row, V1, V2, verifying } from './credentials.ts'
import { algorithms, CONTROLLER, knowing, localKey, tokenKeys, type TokenKeys } from './keys.ts'

const cose = row('cose')
const VP: JsonObject = {
  '@context': ['https://www.w3.org/ns/credentials/v2'],
  type: ['VerifiablePresentation'],
  holder: CONTROLLER,
}
const hex = (text: string): Buffer => Buffer.from(text, 'hex')

function octetsOf(body: unknown): Buffer {
  if (!Buffer.isBuffer(body)) throw new Error('not octets')
  return body
}

describe('credentials in COSE, by keys in a token', () => {
  let keys: TokenKeys
  before(async () => {
    keys = await tokenKeys()
  })
  after(() => keys.open.close())

  for (const algorithm of algorithms) {
    it(`${algorithm}: vc+cose and vp+cose, which another's library believes`, async () => {
      const key = keys.key(algorithm)
      const asked = {
        key,
        now: NOW,
        challenge: 'a nonce of some length',
        domain: 'https://verifier.example',
        validUntil: later(60),
      }
      const credential = await cose.issue({ credential: V2, key, now: NOW })
      const inside = {
        type: 'EnvelopedVerifiableCredential',
        '@context': 'https://www.w3.org/ns/credentials/v2',
        id: `data:application/vc+cose;base64,${octetsOf(credential.body).toString('base64')}`,
      }
      const presentation = await cose.present({
        ...asked,
        presentation: { ...VP, verifiableCredential: [inside] },
      })
      expect([credential.mediaType, presentation.mediaType]).to.deep.equal([
        'application/vc+cose',
        'application/vp+cose',
      ])

      const judged = Sign1.decode(octetsOf(credential.body))
      expect(JSON.parse(Buffer.from(judged.payload).toString())).to.deep.equal(V2)
      const header = judged.protectedHeaders as ReadonlyMap<number, unknown>
      expect([
        header.get(3),
        Buffer.from(header.get(4) as Uint8Array).toString(),
        header.get(16),
      ]).to.deep.equal(['application/vc', key.id, 'application/vc+cose'])

      const purpose = { challenge: asked.challenge, domain: asked.domain }
      const good = await verifying(keys, 'cose')(presentation.body, { ...purpose, kind: 'presentation' })
      expect(good).to.deep.equal({ problems: [], content: { ...VP, verifiableCredential: [inside] } })
      expect(
        names(await verifying(keys, 'cose')(presentation.body, { ...purpose, challenge: 'x' })),
      ).to.deep.equal(['challenge-mismatch'])
      expect(
        names(await verifying(keys, 'cose')(presentation.body, { ...purpose, domain: 'x' })),
      ).to.deep.equal(['domain-mismatch'])
      expect(names(await verifying(keys, 'cose')(presentation.body, { now: later(60) }))).to.deep.equal([
        'expired',
      ])
      for (const body of [credential.body, presentation.body]) {
        const options = { algorithms: [Algorithms[algorithm]] }
        await Sign1.decode(octetsOf(body)).verify(publicKey(key.spki), options)
        for (const at of [30, octetsOf(body).length >> 1, octetsOf(body).length - 5]) {
          const altered = Buffer.from(octetsOf(body))
          altered[at] = (altered[at] ?? 0) ^ 1
          const said = await judgedBy(altered, publicKey(key.spki), options)
          expect(said, `octet ${at}`).to.equal('refused')
          expect(names(await verifying(keys, 'cose')(altered)), `octet ${at}`).to.have.length(1)
        }
      }
    })
  }

  const judgedBy = async (
    octets: Buffer,
    key: ReturnType<typeof publicKey>,
    options: { algorithms: Algorithms[] },
  ): Promise<string> => {
    try {
      await Sign1.decode(octets).verify(key, options)
      return 'believed'
    } catch {
      return 'refused'
    }
  }
})

describe('COSE_Sign1', () => {
  const key = localKey()
  const payload = Buffer.from(JSON.stringify(V2))
  const header: [number, Cbor][] = [
    [LABEL.kid, Buffer.from(key.id)],
    [LABEL.typ, 'application/vc+cose'],
  ]
  const verify = async (
    secured: VerifyRequest['secured'],
    more: Partial<VerifyRequest> = {},
  ): Promise<string[]> => names(await verifying({ resolve: knowing(key) }, 'cose')(secured, more))
  const signed = (more: readonly [number, Cbor][], content = payload): Promise<Buffer> =>
    signSign1(key, new Map([...header, ...more]), content)

  it('of RFC 9052, C.2.1 is believed', () => {
    const example = hex(
      'd28443a10126a10442313154546869732069732074686520636f6e74656e742e58408eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36',
    )
    const signer = keyOfJwk({
      kty: 'EC',
      crv: 'P-256',
      x: hex('bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff').toString('base64url'),
      y: hex('20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e').toString('base64url'),
    })
    if (signer === undefined) throw new Error('no key')
    const read = readSign1(example)
    checkSign1(read, signer)
    expect(read.payload.toString()).to.equal('This is the content.')
    expect(() => checkSign1({ ...read, signature: Buffer.alloc(64, 1) }, signer)).to.throw(
      'The signature is not that of the key',
    )
  })

  it('is not believed for what is in its header', async () => {
    expect(await verify(await signed([]))).to.deep.equal([])
    for (const [more, expected] of [
      [[[LABEL.alg, -35]], 'algorithm-not-allowed'],
      [[[LABEL.alg, 'ES256']], 'algorithm-not-allowed'],
      [[[LABEL.crit, [4]]], 'header-not-supported'],
      [[[LABEL.x5u, 'https://attacker.example/']], 'key-not-trusted'],
      [[[LABEL.x5chain, Buffer.from('30', 'hex')]], 'key-not-trusted'],
      [[[LABEL.kid, Buffer.from('did:web:other.example#1')]], 'key-unknown'],
      [[[LABEL.kid, key.id]], 'key-unknown'],
      [[[LABEL.typ, 'application/vp+cose']], 'type-not-allowed'],
      [[[LABEL.contentType, 'application/vp']], 'type-not-allowed'],
      [[[LABEL.claims, 1]], 'malformed'],
      [[[LABEL.claims, new Map([[4, 1]])]], 'expired'],
    ] as readonly (readonly [readonly [number, Cbor][], string])[])
      expect(await verify(await signed(more)), JSON.stringify(more)).to.deep.equal([expected])
  })

  it('is not believed for how it is written', async () => {
    const good = await signed([])
    const { value } = fromCbor(good) as Tagged
    const [protectedHeader = null, , content = null, signature = null] = value as Cbor[]
    const written = (...parts: Cbor[]): Buffer => toCbor({ tag: 18, value: parts })
    expect(await verify(written(protectedHeader, new Map(), content, signature))).to.deep.equal([])
    expect(await verify(good.subarray(1))).to.deep.equal([])
    for (const secured of [
      Buffer.concat([good, hex('00')]),
      good.subarray(0, -1),
      written(protectedHeader, new Map(), null, signature),
      written(protectedHeader, new Map(), content),
      written(protectedHeader, new Map([[LABEL.kid, Buffer.from('x')]]), content, signature),
      toCbor({ tag: 98, value: [protectedHeader, new Map(), content, signature] }),
      Buffer.alloc(0),
      'text',
    ])
      expect(await verify(secured)).to.deep.equal(['malformed'])
    expect(await verify(await signed([], Buffer.from('{"a":1,"a":2}')))).to.deep.equal(['malformed'])
    expect(await verify(good, { kind: 'presentation' })).to.deep.equal(['type-not-allowed'])
  })

  it('is made of version 2.0 alone, for nonces of 8 to 64 octets', async () => {
    expect(await refused(cose.issue({ credential: V1, key, now: NOW }))).to.equal(
      'invalid_request: @context: COSE secures version 2.0',
    )
    expect(
      await refused(cose.issue({ credential: { ...V2, issuer: 'did:web:o.example' }, key, now: NOW })),
    ).to.equal(`invalid_request: issuer: the key is ${CONTROLLER}'s, and signs for no other`)
    for (const challenge of ['short', 'x'.repeat(65)])
      expect(await refused(cose.present({ presentation: VP, key, now: NOW, challenge }))).to.equal(
        'invalid_request: challenge: has 8 to 64 octets in COSE (RFC 9711, 4.1)',
      )
  })
})

describe('CBOR', () => {
  // RFC 8949, appendix A
  const examples: readonly (readonly [string, Cbor])[] = [
    ['00', 0],
    ['17', 23],
    ['1818', 24],
    ['1903e8', 1000],
    ['1a000f4240', 1_000_000],
    ['1b000000e8d4a51000', 1_000_000_000_000],
    ['20', -1],
    ['3863', -100],
    ['3903e7', -1000],
    ['f4', false],
    ['f5', true],
    ['f6', null],
    ['c11a514b67b0', { tag: 1, value: 1363896240 }],
    ['40', Buffer.alloc(0)],
    ['4401020304', hex('01020304')],
    ['60', ''],
    ['62225c', '"\\'],
    ['63e6b0b4', '水'],
    ['80', []],
    ['8301820203820405', [1, [2, 3], [4, 5]]],
    ['a0', new Map()],
    [
      'a201020304',
      new Map([
        [1, 2],
        [3, 4],
      ]),
    ],
    [
      'a26161016162820203',
      new Map<string, Cbor>([
        ['a', 1],
        ['b', [2, 3]],
      ]),
    ],
  ]
  it('is written and read as RFC 8949 has it', () => {
    for (const [octets, value] of examples) {
      expect(toCbor(value).toString('hex')).to.equal(octets)
      expect(fromCbor(hex(octets))).to.deep.equal(value)
    }
  })

  it('has its maps in the one order, whichever they came in', () => {
    const map = new Map<number | string, Cbor>([
      ['aa', 1],
      ['z', 2],
      [-1, 3],
      [100, 4],
      [10, 5],
    ])
    expect(toCbor(map).toString('hex')).to.equal('a50a05186404200361' + '7a02626161' + '01')
    expect(() => toCbor(0.5)).to.throw('no integer')
  })

  it('is not read where it is written in another way, or ends too soon', () => {
    for (const octets of [
      ...['1817', '190018', '1a00000018', '1b0000000000000018', '1bffffffffffffffff', '3bffffffffffffffff'],
      ...[
        '5f42010243030405ff',
        '7f657374726561646d696e67ff',
        '9fff',
        'bf6161019fffff',
        'ff',
        '1c',
        'f7',
        'f800',
        'f93c00',
        'fb3ff199999999999a',
      ],
      ...[
        'a201010102',
        'a2616101616102',
        'a1f401',
        '41',
        '6161ff',
        '62c328',
        '81',
        '9a7fffffff',
        'ba7fffffff',
        '5b7fffffffffffffff',
        '',
        '0000',
      ],
      '81'.repeat(17) + '00',
    ])
      expect(() => fromCbor(hex(octets)), octets).to.throw('Not CBOR as it is read here')
  })
})
