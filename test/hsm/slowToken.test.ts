import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { CKM } from '../../hsm/algorithms.ts'
import { makeSoftToken } from '../softhsm-test-helpers/softhsm.ts'
import { shimmed, type ShimmedToken } from '../softhsm-test-helpers/shim.ts'
import {
  authorisation,
  authorise,
  closeLeftOpen,
  credential,
  digest,
  failure,
  judge,
  openToken,
  personKey,
  serviceKey,
  until,
  type OpenToken,
} from './support.ts'

/** A token behind the shim, whose signers give it so much at once. */
async function openShimmed(concurrency: number): Promise<OpenToken & { shim: ShimmedToken }> {
  const soft = makeSoftToken()
  const shim = shimmed({ ...soft, config: { ...soft.config, concurrency } })
  return { ...(await openToken({ soft: { ...soft, config: shim.config } })), shim }
}

describe('a token that is slow and works on several things at once', function () {
  this.timeout(30_000)
  afterEach(closeLeftOpen)

  it('is kept busy: 64 callers get what its sessions can give, each their own signatures', async () => {
    const { token, shim, close } = await openShimmed(32)
    const person = await personKey(token, { keyType: 'P-256' })
    const linked = await credential(token, person.key)
    const messages = Array.from({ length: 10 }, (_, i) => Buffer.from(`message ${i}`))
    const digests = messages.map((message) => digest('SHA-256', message))
    const sealed = await authorise(token, person, { digests, credential: linked })
    const rate = async (latencyMs: number): Promise<number> => {
      shim.fault([{ on: 'C_Sign', latency: latencyMs * 1000 }])
      const end = performance.now() + 1_500
      let made = 0
      const caller = async (_: unknown, i: number): Promise<void> => {
        const message = messages[i % messages.length] ?? Buffer.alloc(0)
        const inputs = [digests[i % digests.length] ?? Buffer.alloc(0)]
        const records = { key: person.key, credential: linked, authorisation: sealed }
        while (performance.now() < end) {
          const use = { flow: `caller ${i}`, scheme: 'ecdsa-sha256', inputs, ...records } as const
          const [signature = Buffer.alloc(0)] = await token.sign(use)
          if (made++ % 50 > 0) continue
          expect(judge(person.key.spki, 'ecdsa-sha256', { message, signature })).to.equal(true)
        }
      }
      await Promise.all(Array.from({ length: 64 }, caller))
      return made / 1.5
    }
    console.log(`      ${Math.round(await rate(10))} P-256 signatures a second at 10 ms each`)
    // 64 sessions make 320 at 200 ms each, and two signers without concurrency 10: however busy the machine is itself.
    expect(await rate(200)).to.be.greaterThan(160)
    await close()
  })

  it('makes MACs and finds seals good without keeping signatures waiting', async () => {
    const { token, shim, close } = await openShimmed(16)
    const person = await personKey(token, { keyType: 'P-256' })
    shim.fault([{ on: 'C_Sign', latency: 100_000, mechanism: CKM.SHA256_HMAC }])
    const input = digest('SHA-256', 'x')
    const began = performance.now()
    const one = async (): Promise<void> => {
      const sealed = await authorise(token, person, { digests: [input] })
      const use = { flow: 'x', key: person.key, scheme: 'ecdsa-sha256', authorisation: sealed } as const
      await token.sign({ ...use, inputs: [input] })
    }
    await Promise.all(Array.from({ length: 16 }, one))
    // Sixteen times some four MACs of 100 ms each: 6 s in single file, on two signers 3.
    expect(performance.now() - began).to.be.lessThan(2_000)
    await close()
  })

  it('bears no more guesses of a secret for being asked all at once', async () => {
    const { token, shim, close } = await openShimmed(16)
    const person = await personKey(token, { keyType: 'P-256' })
    shim.fault([{ on: 'C_Sign', latency: 5_000 }])
    const guess = { ...person, stretched: randomBytes(32) }
    const record = authorisation(person.key, { digests: [digest('SHA-256', 'x')] })
    const guesses = Array.from({ length: 100 }, () =>
      token.activate({ ...guess, authorisation: record }).catch((error: unknown) => error),
    )
    const wrong = (await Promise.all(guesses)).filter((answer) => answer === undefined)
    // Twenty for each of the two signers.
    expect(wrong).to.have.length(40)
    await close()
  })

  it('never signs other octets than it was given, however much memory comes and goes', async () => {
    const { token, shim, close } = await openShimmed(8)
    const key = await serviceKey(token, { keyType: 'P-256' })
    const ed = await serviceKey(token, { keyType: 'Ed25519' })
    shim.fault([{ on: 'C_Sign', latency: 3_000 }])
    let made = 0
    // Frames of 1 MiB that are dropped at once: each costs the signers a collection, while others are in the token.
    const pressing = async (i: number): Promise<void> => {
      const message = Buffer.alloc(1024 * 1024, i)
      const [signature = Buffer.alloc(0)] = await token.sign({
        ...{ flow: `press ${i}`, key: ed, scheme: 'ed25519' },
        inputs: [message],
      })
      expect(judge(ed.spki, 'ed25519', { message, signature })).to.equal(true)
      made++
    }
    const signing = async (i: number): Promise<void> => {
      const inputs = Array.from({ length: 16 }, (_, n) => Buffer.from(`${i} ${n}`))
      const signatures = await token.sign({ flow: `sign ${i}`, key, scheme: 'ecdsa-sha256', inputs })
      for (const [n, signature] of signatures.entries()) {
        const message = Buffer.from(`${i} ${n}`)
        expect(judge(key.spki, 'ecdsa-sha256', { message, signature })).to.equal(true)
        made++
      }
    }
    await Promise.all(Array.from({ length: 30 }, (_, i) => Promise.all([pressing(i), signing(i)])))
    expect(made).to.equal(30 * 17)
    await close()
  })

  it('is asked again where it had not begun, and its answer is unknown where it had', async () => {
    const { token, shim, log, close } = await openShimmed(4)
    const key = await serviceKey(token, { keyType: 'P-256' })
    const inputs = Array.from({ length: 16 }, (_, i) => Buffer.from(String(i)))
    const use = { flow: 'x', key, scheme: 'ecdsa-sha256', inputs } as const
    const only = { mechanism: CKM.ECDSA, after: 3, times: 1 }
    shim.fault([{ on: 'C_SignInit', ckr: 0xb3, ...only }])
    expect(await token.sign(use)).to.have.length(16)
    for (const ckr of [0x30, 0xb3, 0x82]) {
      shim.fault([{ on: 'C_Sign', ckr, ...only }])
      expect((await failure(token.sign(use))).kind).to.equal('unknown')
      expect(await token.sign(use)).to.have.length(16)
    }
    // Before anything was begun: nothing was signed, and another signer is asked.
    shim.fault([{ on: 'C_SignInit', ckr: 0x30, ...only, after: 0 }])
    expect(await token.sign({ ...use, inputs: inputs.slice(0, 1) })).to.have.length(1)
    shim.fault([{ on: 'C_Sign', flip: true, ...only }])
    expect((await failure(token.sign(use))).kind).to.equal('mismatch')
    await until(() => log.alarms.includes('signature_mismatch'))
    await until(() => token.health().signers === 2)
    await close()
  })

  it('is left within two seconds although it has not answered', async () => {
    const { token, shim, soft, log } = await openShimmed(4)
    const key = await serviceKey(token, { keyType: 'P-256' })
    shim.fault([{ on: 'C_Sign', hang: 20, mechanism: CKM.ECDSA }])
    const use = { flow: 'x', key, scheme: 'ecdsa-sha256', inputs: [Buffer.from('x')] } as const
    const stuck = failure(token.sign(use))
    await until(() => shim.journal().faults.length > 0)
    const began = performance.now()
    await token.close()
    expect(performance.now() - began).to.be.lessThan(3_000)
    expect((await stuck).kind).to.equal('unknown')
    expect(log.alarms).to.deep.equal([])
    soft.remove()
  })
})
