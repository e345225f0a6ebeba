import { expect } from 'chai'
import fc from 'fast-check'
import { decodeAuthorisation, decodeKey, encodeAuthorisation, encodeKey } from '../../hsm/codec.ts'
import { isDerSequence, isDerSet } from '../../hsm/der.ts'
import { FairQueue } from '../../hsm/queue.ts'
import { Reader, WireError, Writer } from '../../hsm/payload.ts'
import { frame, FrameSplitter, MAX_FRAME, type Frame } from '../../hsm/wire.ts'

describe('the wire', () => {
  it('gives back the frames it was given, however the stream is cut', () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(payloads, fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1 }), (given, cuts) => {
        const stream = Buffer.concat(given.map((payload, i) => frame(i, i + 1, Buffer.from(payload))))
        const splitter = new FrameSplitter()
        const frames: Frame[] = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const length = cuts[i % cuts.length] ?? 1
          frames.push(...splitter.push(stream.subarray(at, at + length)))
          at += length
        }
        expect(frames.map(({ id, code, payload }) => [id, code, Buffer.from(payload)])).to.deep.equal(
          given.map((payload, i) => [i, i + 1, Buffer.from(payload)]),
        )
      }),
    )
  })

  it('refuses lengths that no frame has', () => {
    const head = (length: number): Buffer => {
      const octets = Buffer.alloc(9)
      octets.writeUInt32BE(length)
      return octets
    }
    for (const length of [0, 4, MAX_FRAME + 1, 0xffffffff]) {
      expect(() => new FrameSplitter().push(head(length))).to.throw(WireError)
    }
    expect(() => frame(1, 1, Buffer.alloc(MAX_FRAME))).to.throw(WireError)
  })

  it('reads nothing beyond the end, above a limit, or left over', () => {
    const reader = (hex: string): Reader => new Reader(Buffer.from(hex, 'hex'))
    expect(() => reader('000000').u32()).to.throw(WireError)
    expect(() => reader('0000000501020304').bytes(16)).to.throw(WireError)
    expect(() => reader('0000000501020304').bytes(4)).to.throw(WireError)
    expect(() => reader('ffffffff').list(16, 16)).to.throw(WireError)
    expect(() => reader('0020000000000000').integer()).to.throw(WireError)
    expect(() => reader('02').optional(() => 1)).to.throw(WireError)
    expect(() => reader('0000000b636f6e7374727563746f72').name({ a: 1 })).to.throw(WireError)
    expect(() => {
      reader('00').end()
    }).to.throw(WireError)
    expect(() => new Writer().integer(1.5)).to.throw(WireError)
    expect(() => new Writer().integer(-1)).to.throw(WireError)
  })

  it('reads no random octets as a record, and throws nothing but its own error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (octets) => {
        for (const decode of [decodeKey, decodeAuthorisation]) {
          try {
            decode(Buffer.from(octets))
          } catch (error) {
            expect(error).to.be.instanceOf(WireError)
          }
        }
      }),
    )
  })

  it('carries records as they are', () => {
    const key = {
      keyId: 'k',
      tokenSerial: 's',
      ckaId: Buffer.from([1]),
      keyType: 'Ed25519',
      purpose: 'seal',
      spki: Buffer.from([2]),
      seal: Buffer.alloc(32, 3),
    } as const
    expect(decodeKey(encodeKey(key))).to.deep.equal(key)
    for (const digests of [undefined, [], [Buffer.alloc(32), Buffer.from('message')]]) {
      const record = {
        ...{ authorisationId: 'a', keyId: 'k', credentialId: '', clientId: 'ü', hash: undefined },
        ...{ digests, count: 2, expiresAt: Date.now() },
      }
      expect(decodeAuthorisation(encodeAuthorisation(record))).to.deep.equal(record)
    }
  })

  it('knows a DER SEQUENCE from what only begins like one', () => {
    const is = (hex: string): boolean => isDerSequence(Buffer.from(hex, 'hex'))
    expect(is('3000')).to.equal(true)
    expect(is(`308180${'00'.repeat(128)}`)).to.equal(true)
    expect(is(`30820100${'00'.repeat(256)}`)).to.equal(true)
    for (const other of ['', '30', '3001', '300000', '3080', '30800000', '308100', '30ff', '3082000100']) {
      expect(is(other), other).to.equal(false)
    }
  })

  it('knows a DER SET from a SEQUENCE, and from what only begins like one', () => {
    const is = (hex: string): boolean => isDerSet(Buffer.from(hex, 'hex'))
    expect(is('3100')).to.equal(true)
    expect(is(`318180${'00'.repeat(128)}`)).to.equal(true)
    for (const other of ['', '31', '3101', '310000', '3180', '3000', `308180${'00'.repeat(128)}`, 'a000']) {
      expect(is(other), other).to.equal(false)
    }
  })
})

describe('the queue', () => {
  const item = (flow: string, id: number): { flow: string; cost: number; id: number } => ({
    flow,
    cost: 1,
    id,
  })

  it('takes one of each flow in turn, and each flow in its order', () => {
    const queue = new FairQueue<ReturnType<typeof item>>({ whole: 100, flow: 100 })
    for (let i = 0; i < 4; i++) queue.push(item('many', i))
    queue.push(item('one', 0))
    queue.push(item('two', 0))
    queue.push(item('two', 1))
    const taken: string[] = []
    queue.drain(
      () => true,
      ({ flow, id }) => taken.push(`${flow} ${id}`) > 0,
    )
    expect(taken).to.deep.equal(['many 0', 'one 0', 'two 0', 'many 1', 'two 1', 'many 2', 'many 3'])
    expect(queue.isEmpty).to.equal(true)
  })

  it('passes over a flow whose item nobody takes, and keeps its turn', () => {
    const queue = new FairQueue<ReturnType<typeof item>>({ whole: 100, flow: 100 })
    queue.push(item('stuck', 0))
    queue.push(item('other', 0))
    const taken: string[] = []
    queue.drain(
      () => true,
      ({ flow }) => flow !== 'stuck' && taken.push(flow) > 0,
    )
    expect(taken).to.deep.equal(['other'])
    expect(queue.remove(() => true).map(({ flow }) => flow)).to.deep.equal(['stuck'])
  })

  it('is bounded per flow and as a whole', () => {
    const queue = new FairQueue<ReturnType<typeof item>>({ whole: 3, flow: 2 })
    queue.push(item('a', 0))
    queue.push(item('a', 1))
    expect(queue.hasRoom('a', 1)).to.equal(false)
    expect(queue.hasRoom('b', 1)).to.equal(true)
    expect(queue.hasRoom('b', 2)).to.equal(false)
    queue.remove(({ id }) => id === 0)
    expect(queue.hasRoom('a', 1)).to.equal(true)
    expect(queue.hasRoom('b', 2)).to.equal(true)
  })
})
