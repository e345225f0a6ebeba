import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { schemes } from '../../hsm/algorithms.ts'
import { decodeKey, encodeKey, whole } from '../../hsm/codec.ts'
import { Dispatcher } from '../../hsm/dispatcher.ts'
import { Fleet } from '../../hsm/fleet.ts'
import type { KeyRecord, Sealed } from '../../hsm/records.ts'
import { Release } from '../../hsm/release.ts'
import { sealedOctets, writeWhole } from '../../hsm/sealedOctets.ts'
import { Signing } from '../../hsm/signing.ts'
import { Token, type TokenError } from '../../hsm/token.ts'
import { Writer } from '../../hsm/payload.ts'
import { MemoryLoginGate } from '../softhsm-test-helpers/loginGate.ts'
import { MemoryLog } from '../softhsm-test-helpers/memoryLog.ts'
import { makeSoftToken, type SoftToken } from '../softhsm-test-helpers/softhsm.ts'
import { authorise, closeLeftOpen, digest, openToken, personKey, refusal, until } from './support.ts'

describe('a signature that does not verify', () => {
  it('never leaves; its signer is ended and an alarm raised', async () => {
    const { soft, log, fleet, dispatcher, release } = await openFleet()
    for (const keyType of ['P-256', 'RSA-2048'] as const) {
      const scheme = schemes[keyType === 'P-256' ? 'ecdsa-sha256' : 'pss-sha256']
      const key = await madeKey(dispatcher, keyType)
      const message = Buffer.from('x')
      const payload = writeWhole(new Writer(), encodeKey(key))
        .text(scheme.name)
        .u8(0)
        .u8(0)
        .list([message])
        .end()
      const job = { flow: 'test', operation: 'sign', payload, cost: 1 } as const
      const { payload: answer, by } = await dispatcher.submit(job)
      const [signature = Buffer.alloc(0)] = whole(answer, (r) => r.list(1, 512))
      // As a message, and as a digest: the way of a person's key, which needs the second signer for ECDSA.
      const asMessage = { ...key, scheme, inputs: [message], by }
      const asDigest = { ...asMessage, purpose: 'signing', inputs: [digest('SHA-256', message)] } as const
      await release.check({ ...asMessage, signatures: [signature] })
      await release.check({ ...asDigest, signatures: [signature] })
      const flipped = Buffer.from(signature)
      flipped[5] = (flipped[5] ?? 0) ^ 4
      for (const signatures of [[flipped], [], [signature.subarray(1)]]) {
        for (const made of [asMessage, asDigest]) {
          expect(await refusal(release.check({ ...made, signatures }))).to.deep.equal([
            'mismatch',
            undefined,
            'A signature does not verify.',
          ])
        }
      }
      await until(() => by.isDead)
      await until(() => fleet.ready.length === 2)
    }
    expect(new Set(log.alarms)).to.deep.equal(new Set(['signature_mismatch']))
    expect(
      log.lines.filter(({ fields }) => 'alarm' in fields).every(({ level }) => level === 'error'),
    ).to.equal(true)
    dispatcher.close()
    await fleet.close()
    soft.remove()
  })
})

describe('a record that a signer has let go', () => {
  it('is sent to it whole again, once, and nobody notices', async () => {
    const { soft, fleet, dispatcher, release } = await openFleet()
    const key = await madeKey(dispatcher, 'RSA-2048')
    const signing = new Signing(dispatcher, release)
    const records = { key: sealedOctets(key, encodeKey), authorisation: undefined, credential: undefined }
    // As if each had been given it before.
    for (const { process } of fleet.ready) records.key.write(new Writer(), process)
    const scheme = schemes['rsa-sha256']
    const requests = Array.from({ length: 64 }, (_, i) =>
      signing.sign({ flow: 'test', key, scheme, inputs: [Buffer.from(String(i))], records }),
    )
    for (const signatures of await Promise.all(requests)) expect(signatures).to.have.length(1)
    // What was named and is no record at all is refused as such, not asked for without end.
    const broken = { ...key, seal: Buffer.alloc(32) }
    const octets = { ...records, key: sealedOctets(broken, encodeKey) }
    for (const { process } of fleet.ready) octets.key.write(new Writer(), process)
    const altered = signing.sign({ flow: 'test', key, scheme, inputs: [Buffer.from('x')], records: octets })
    expect(await refusal(altered)).to.deep.equal(['refused', 'seal', 'The seal of the key is broken.'])
    dispatcher.close()
    await fleet.close()
    soft.remove()
  })
})

describe('a request for a thousand signatures', () => {
  afterEach(closeLeftOpen)

  it('does not keep a single one waiting for its end', async () => {
    const open = await openToken()
    const person = await personKey(open.token, { keyType: 'RSA-2048' })
    const inputs = Array.from({ length: 1000 }, (_, i) => digest('SHA-256', String(i)))
    const sealed = await authorise(open.token, person, { digests: inputs })
    const use = { key: person.key, scheme: 'rsa-sha256', authorisation: sealed } as const
    const many = { isDone: false }
    const signing = open.token.sign({ ...use, flow: 'many', inputs }).then((signatures) => {
      many.isDone = true
      return signatures
    })
    let singles = 0
    while (!many.isDone) {
      await open.token.sign({ ...use, flow: 'one', inputs: inputs.slice(0, 1) })
      singles++
    }
    expect(await signing).to.have.length(1000)
    // A turn of the queue is two frames of 16; without turns there would be one single at the end.
    expect(singles).to.be.greaterThan(8)
  })

  it('is refused where too much waits already, and nothing of it is signed', async () => {
    const open = await openToken()
    const person = await personKey(open.token, { keyType: 'P-256' })
    const inputs = Array.from({ length: 1000 }, () => digest('SHA-256', 'same'))
    const sealed = await authorise(open.token, person, { digests: inputs })
    const use = { flow: 'greedy', key: person.key, scheme: 'ecdsa-sha256', authorisation: sealed } as const
    const requests = Array.from({ length: 8 }, () =>
      open.token.sign({ ...use, inputs }).then(
        () => 'signed',
        (error: unknown) => (error as TokenError).kind,
      ),
    )
    const other = await open.token.random(8)
    expect(other).to.have.length(8)
    const said = await Promise.all(requests)
    expect(said.filter((kind) => kind === 'signed')).to.have.length(4)
    expect(said.slice(0, 4)).to.deep.equal(Array(4).fill('signed'))
    expect(said.slice(4)).to.deep.equal(Array(4).fill('unavailable'))
  })
})

/** What Token is made of, each part at hand. */
async function openFleet(): Promise<{
  soft: SoftToken
  log: MemoryLog
  fleet: Fleet
  dispatcher: Dispatcher
  release: Release
}> {
  const soft = makeSoftToken()
  const log = new MemoryLog()
  await (
    await Token.open({ config: soft.config, loginGate: new MemoryLoginGate(), log, prepare: true })
  ).close()
  const fleet: Fleet = new Fleet(
    { config: soft.config, loginGate: new MemoryLoginGate(), log, prepare: false },
    {
      onStarted: () => Promise.resolve(),
      onChange: () => {
        dispatcher.refresh()
      },
    },
  )
  const dispatcher = new Dispatcher(fleet)
  const release = new Release(dispatcher, log)
  await fleet.open()
  return { soft, log, fleet, dispatcher, release }
}

async function madeKey(dispatcher: Dispatcher, keyType: 'P-256' | 'RSA-2048'): Promise<Sealed<KeyRecord>> {
  const payload = new Writer()
    .text(randomBytes(8).toString('hex'))
    .bytes(randomBytes(16))
    .text(keyType)
    .text('log')
  const done = await dispatcher.submit({
    flow: 'test',
    operation: 'generate',
    payload: payload.u8(0).end(),
    cost: 1,
  })
  const length = done.payload.readUInt32BE(0)
  return decodeKey(done.payload.subarray(4, 4 + length))
}
