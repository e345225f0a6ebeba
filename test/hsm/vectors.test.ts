import { createPublicKey } from 'node:crypto'
import { expect } from 'chai'
import { hashes, keyTypes, schemes, type KeyType, type SchemeName } from '../../hsm/algorithms.ts'
import { curveSpki, publicParts, rsaSpki } from '../../hsm/der.ts'
import { isPssEncoded, pkcs1Encoded } from '../../hsm/emsa.ts'
import type { SignerProcess } from '../../hsm/signerProcess.ts'
import { verifiesMessage, verifiesRsaDigest } from '../../hsm/verify.ts'
import { Writer } from '../../hsm/payload.ts'
import { digest, openToken, publicKey, serviceKey, type OpenToken } from './support.ts'
import { startSigner } from './rawSigner.ts'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')

describe('verification before release', () => {
  let open: OpenToken
  let verifier: SignerProcess

  before(async () => {
    open = await openToken()
    verifier = await startSigner(open.soft)
  })
  after(async () => {
    await verifier.close(2000)
    await open.close()
  })

  const elsewhere = async (
    key: { keyType: KeyType; spki: Buffer; scheme: SchemeName },
    it: { digest: Buffer; signature: Buffer },
  ): Promise<boolean> => {
    const w = new Writer().text(key.keyType).bytes(key.spki).text(key.scheme)
    const answer = await verifier.request('verify', w.list([it.digest]).list([it.signature]).end())
    return answer[0] === 1
  }

  it('agrees with RFC 6979 on P-256, also where the hash is longer than the order', async () => {
    const point = hex(
      '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6' +
        '7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
    )
    const spki = curveSpki(keyTypes['P-256'], point) ?? Buffer.alloc(0)
    const sha256 = hex(
      'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716' +
        'f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
    )
    const sha512 = hex(
      '8496a60b5e9b47c825488827e0495b0e3fa109ec4568fd3f8d1097678eb97f00' +
        '2362ab1adbe2b8adf9cb9edab740ea6049c028114f2460f96554f61fae3302fe',
    )
    const key = { keyType: 'P-256', spki } as const
    const long = digest('SHA-512', 'sample')
    const short = digest('SHA-256', 'sample')
    expect(
      await elsewhere({ ...key, scheme: 'ecdsa-sha256' }, { digest: short, signature: sha256 }),
    ).to.equal(true)
    expect(await elsewhere({ ...key, scheme: 'ecdsa-sha512' }, { digest: long, signature: sha512 })).to.equal(
      true,
    )
    expect(await elsewhere({ ...key, scheme: 'ecdsa-sha512' }, { digest: long, signature: sha256 })).to.equal(
      false,
    )
  })

  it('agrees with RFC 8032 on Ed25519', () => {
    const point = hex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')
    const signature = hex(
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155' +
        '5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    )
    const spki = curveSpki(keyTypes.Ed25519, point) ?? Buffer.alloc(0)
    const message = Buffer.alloc(0)
    expect(verifiesMessage(publicKey(spki), schemes.ed25519, { message, signature })).to.equal(true)
    const other = Buffer.from('x')
    expect(verifiesMessage(publicKey(spki), schemes.ed25519, { message: other, signature })).to.equal(false)
  })

  it('says no to every single altered bit of a signature', async () => {
    for (const [keyType, scheme] of [
      ['P-256', 'ecdsa-sha256'],
      ['RSA-2048', 'pss-sha256'],
    ] as const) {
      const key = await serviceKey(open.token, { keyType })
      const message = Buffer.from('one bit')
      const use = { flow: 'test', key, scheme, inputs: [message] } as const
      const [signature = Buffer.alloc(0)] = await open.token.sign(use)
      const is = (altered: Buffer): boolean | Promise<boolean> =>
        keyType === 'P-256'
          ? elsewhere(
              { keyType, spki: key.spki, scheme },
              { digest: digest('SHA-256', message), signature: altered },
            )
          : verifiesRsaDigest(
              { key: publicKey(key.spki), keyType, scheme: schemes[scheme], hash: hashes['SHA-256'] },
              { digest: digest('SHA-256', message), signature: altered },
            )
      expect(await is(signature)).to.equal(true)
      for (let bit = 0; bit < signature.length * 8; bit += 7) {
        const altered = Buffer.from(signature)
        altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(await is(altered), `bit ${bit}`).to.equal(false)
      }
    }
  })

  it('encodes PKCS #1 as RFC 8017 does, and takes no other PSS salt, trailer or padding', () => {
    const hash = hashes['SHA-256']
    const encoded = pkcs1Encoded(hash, Buffer.alloc(32, 0xaa), 256)
    expect(encoded.toString('hex')).to.equal(
      `0001${'ff'.repeat(202)}003031300d060960864801650304020105000420${'aa'.repeat(32)}`,
    )
    expect(isPssEncoded(hash, Buffer.alloc(32), { encoded: Buffer.alloc(256), bits: 2048 })).to.equal(false)
    expect(isPssEncoded(hash, Buffer.alloc(32), { encoded: Buffer.alloc(0), bits: 2048 })).to.equal(false)
  })
})

describe('public keys from a token', () => {
  it('are built from both forms of a point, and from nothing else', () => {
    const point = hex(`04${'11'.repeat(64)}`)
    const row = keyTypes['P-256']
    const spki = curveSpki(row, point)
    expect(spki?.subarray(-65)).to.deep.equal(point)
    expect(curveSpki(row, Buffer.concat([hex('0441'), point]))).to.deep.equal(spki)
    expect(curveSpki(row, Buffer.concat([hex('0440'), point]))).to.equal(undefined)
    expect(curveSpki(row, Buffer.concat([point, hex('00')]))).to.equal(undefined)
    expect(curveSpki(row, point.subarray(1))).to.equal(undefined)
    expect(curveSpki(row, hex(`02${'11'.repeat(64)}`))).to.equal(undefined)
    const edwards = hex('22'.repeat(32))
    const ed = curveSpki(keyTypes.Ed25519, edwards)
    expect(ed?.toString('hex')).to.equal(`302a300506032b6570032100${'22'.repeat(32)}`)
    expect(curveSpki(keyTypes.Ed25519, Buffer.concat([hex('0420'), edwards]))).to.deep.equal(ed)
  })

  it('are Node’s own DER for RSA, also with a leading zero in the modulus', () => {
    const modulus = hex(`80${'13'.repeat(254)}01`)
    const spki = rsaSpki(keyTypes['RSA-2048'], modulus, hex('010001'))
    expect(rsaSpki(keyTypes['RSA-2048'], Buffer.concat([hex('00'), modulus]), hex('010001'))).to.deep.equal(
      spki,
    )
    const parsed = createPublicKey({ key: spki, format: 'der', type: 'spki' })
    expect(parsed.export({ format: 'der', type: 'spki' })).to.deep.equal(spki)
    expect(publicParts(spki, 'RSA-2048')).to.deep.include({ modulus, exponent: hex('010001') })
  })

  it('are taken apart only if they are to the octet what they would be put together to', () => {
    const spki = curveSpki(keyTypes['P-384'], hex(`04${'33'.repeat(96)}`)) ?? Buffer.alloc(0)
    expect(publicParts(spki, 'P-384')).to.deep.include({
      ecPoint: Buffer.concat([hex('0461'), spki.subarray(-97)]),
    })
    expect(publicParts(spki, 'P-256')).to.equal(undefined)
    expect(publicParts(spki, 'RSA-3072')).to.equal(undefined)
    expect(publicParts(Buffer.concat([spki, hex('00')]), 'P-384')).to.equal(undefined)
    expect(publicParts(Buffer.alloc(0), 'P-384')).to.equal(undefined)
  })
})
