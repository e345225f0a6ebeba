import { createHash, randomBytes } from 'node:crypto'
import { expect } from 'chai'
import type { HashName, SchemeName } from '../../hsm/algorithms.ts'
import { encodeKey } from '../../hsm/codec.ts'
import { derHeader } from '../../hsm/der.ts'
import { Reader, Writer } from '../../hsm/payload.ts'
import type { KeyRecord, Sealed } from '../../hsm/records.ts'
import { writeWhole } from '../../hsm/sealedOctets.ts'
import type { SignerProcess } from '../../hsm/signerProcess.ts'
import { MAX_LONG_MESSAGE, MAX_MESSAGE, MAX_PART } from '../../hsm/wire.ts'
import { startSigner } from './rawSigner.ts'
import { judge, openToken, personKey, refusal, serviceKey, type OpenToken } from './support.ts'

/** A DER SEQUENCE of so many octets in all. */
function sequence(octets: number): Buffer {
  const header = derHeader(0x30, octets - (octets > 0xffff ? 5 : 4))
  return Buffer.concat([header, randomBytes(octets - header.length)])
}

interface Part {
  readonly name?: Buffer
  readonly hash?: HashName
  readonly length: number
  readonly at: number
  readonly octets: Buffer
}

describe('a message that is longer than a frame', () => {
  let open: OpenToken
  let signer: SignerProcess
  let ca: Sealed<KeyRecord>
  before(async () => {
    open = await openToken()
    ca = await serviceKey(open.token, { keyType: 'P-256', purpose: 'ca' })
    signer = await startSigner(open.soft)
  })
  after(async () => {
    await signer.close(2000)
    await open.close()
  })

  const sign = (
    message: Buffer,
    it: { key?: Sealed<KeyRecord>; scheme?: SchemeName } = {},
  ): Promise<Buffer[]> => {
    const { key = ca, scheme = 'ecdsa-sha256' } = it
    return open.token.sign({ flow: 'test', key, scheme, inputs: [message] })
  }
  const whole = Buffer.alloc(16, 1)
  const hash = ({ name = whole, hash: named = 'SHA-256', length, at, octets }: Part): Promise<Buffer> => {
    const w = new Writer().bytes(name).text(named).integer(length).integer(at).bytes(octets)
    return signer.request('hash', w.end())
  }
  const signHashed = (key = ca, name = whole, scheme: SchemeName = 'ecdsa-sha256'): Promise<Buffer> => {
    const w = writeWhole(new Writer(), encodeKey(key)).text(scheme).bytes(name)
    return signer.request('signHashed', w.end())
  }

  it('is signed as one that is shorter, by every scheme that hashes', async () => {
    const message = sequence(MAX_MESSAGE + 1)
    const rsa = await serviceKey(open.token, { keyType: 'RSA-2048', purpose: 'ca' })
    for (const [key, scheme] of [
      [ca, 'ecdsa-sha256'],
      [ca, 'ecdsa-sha512'],
      [rsa, 'rsa-sha256'],
      [rsa, 'pss-sha384'],
    ] as const) {
      const [signature = Buffer.alloc(0)] = await sign(message, { key, scheme })
      expect(judge(key.spki, scheme, { message, signature }), scheme).to.equal(true)
    }
  })

  it('is refused by what no part of it shows: another length, no SEQUENCE, a purpose that signs other things', async () => {
    const lies = sequence(MAX_MESSAGE + 10).subarray(0, -1)
    const rule = 'What comes by parts is a DER SEQUENCE.'
    expect(await refusal(sign(lies))).to.deep.equal(['refused', 'rule', rule])
    const other = Buffer.alloc(MAX_MESSAGE + 1, 0x31)
    expect(await refusal(sign(other))).to.deep.equal(['refused', 'rule', rule])
    const log = await serviceKey(open.token, { keyType: 'P-256', purpose: 'log' })
    const tooLong = `A message is longer than ${MAX_MESSAGE} octets.`
    expect(await refusal(sign(sequence(MAX_MESSAGE + 1), { key: log }))).to.deep.equal([
      'refused',
      'rule',
      tooLong,
    ])
    const longest = Buffer.alloc(MAX_LONG_MESSAGE + 1)
    expect(await refusal(sign(longest))).to.deep.equal(['refused', 'rule', tooLong])
  })

  describe('on the wire', () => {
    const message = sequence(3000)
    const halves = [message.subarray(0, 1000), message.subarray(1000)] as const
    const first = { length: 3000, at: 0, octets: halves[0] }
    const second = { length: 3000, at: 1000, octets: halves[1] }
    const none = ['refused', 'rule', 'There is no such message.']
    const notNext = ['refused', 'rule', 'A part of a message is not the next one.']

    it('is signed once, when all of it has come', async () => {
      await hash(first)
      await hash(second)
      const [signature = Buffer.alloc(0)] = new Reader(await signHashed()).list(1, 512)
      expect(judge(ca.spki, 'ecdsa-sha256', { message, signature })).to.equal(true)
      expect(await refusal(signHashed())).to.deep.equal(none)
    })

    it('is not signed while a part is missing, and no more after', async () => {
      await hash(first)
      expect(await refusal(signHashed())).to.deep.equal(none)
      expect(await refusal(hash(second))).to.deep.equal(notNext)
    })

    for (const [name, wrong] of [
      ['a part that came before', { ...first, at: 0, octets: Buffer.alloc(0) }],
      ['a part that is not the next one', { ...second, at: 999 }],
      ['a part of a message of another length', { ...second, length: 3001 }],
      ['a part that goes beyond the end', { ...second, octets: Buffer.concat([halves[1], halves[1]]) }],
      ['a part that is hashed otherwise', { ...second, hash: 'SHA-384' as const }],
      ['nothing', { ...second, octets: Buffer.alloc(0) }],
    ] as const) {
      it(`is forgotten at ${name}`, async () => {
        await hash(first)
        expect(await refusal(hash(wrong))).to.deep.equal(notNext)
        expect(await refusal(signHashed())).to.deep.equal(none)
      })
    }

    it('is no digest: octets that a caller chose are hashed, whatever they say they are', async () => {
      const chosen = createHash('sha256').update('a certificate').digest()
      await hash({ length: 32, at: 0, octets: chosen })
      expect(await refusal(signHashed())).to.deep.equal([
        'refused',
        'rule',
        'What comes by parts is a DER SEQUENCE.',
      ])
    })

    it('is signed with its own hash only, and with no key of another purpose', async () => {
      const all = { length: 3000, at: 0, octets: message }
      await hash(all)
      expect(await refusal(signHashed(ca, whole, 'ecdsa-sha384'))).to.deep.equal([
        'refused',
        'rule',
        'The message was hashed otherwise.',
      ])
      const person = await personKey(open.token, { keyType: 'P-256' })
      for (const key of [person.key, await serviceKey(open.token, { keyType: 'P-256', purpose: 'tsu' })]) {
        await hash(all)
        expect(await refusal(signHashed(key))).to.deep.equal([
          'refused',
          'rule',
          `A key for '${key.purpose}' signs nothing that comes by parts.`,
        ])
      }
      const altered = { ...ca, seal: Buffer.alloc(32) }
      expect((await refusal(signHashed(altered))).slice(0, 2)).to.deep.equal(['refused', 'seal'])
    })

    it('gives way to newer ones: nobody makes a signer keep many', async () => {
      await hash(first)
      for (let n = 2; n < 12; n++) await hash({ ...first, name: Buffer.alloc(16, n) })
      expect(await refusal(hash(second))).to.deep.equal(notNext)
    })

    it('is not longer than a message may be, and comes in parts that are not either', async () => {
      expect(await refusal(hash({ ...first, length: MAX_LONG_MESSAGE + 1 }))).to.deep.equal([
        'refused',
        'rule',
        `A message is longer than ${MAX_LONG_MESSAGE} octets.`,
      ])
      const large = { length: MAX_PART + 1, at: 0, octets: Buffer.alloc(MAX_PART + 1) }
      expect((await refusal(hash(large)))[2]).to.match(/^A malformed frame/)
    })
  })
})
