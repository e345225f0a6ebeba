import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { CKM } from '../../hsm/algorithms.ts'
import type { KeyRecord, Sealed } from '../../hsm/records.ts'
import { Token, TokenError } from '../../hsm/token.ts'
import { MemoryLog } from '../softhsm-test-helpers/memoryLog.ts'
import { MemoryLoginGate } from '../softhsm-test-helpers/loginGate.ts'
import { makeSoftToken } from '../softhsm-test-helpers/softhsm.ts'
import { shimmed, type ShimmedToken, type ShimRule } from '../softhsm-test-helpers/shim.ts'
import { closeLeftOpen, failure, judge, openToken, serviceKey, until, type OpenToken } from './support.ts'

type Shimmed = OpenToken & { shim: ShimmedToken }

async function openShimmed(concurrency = 1): Promise<Shimmed> {
  const soft = makeSoftToken()
  const shim = shimmed({ ...soft, config: { ...soft.config, concurrency } })
  return { ...(await openToken({ soft: { ...soft, config: shim.config } })), shim }
}

const MESSAGE = Buffer.from('x')
const ECDSA = { mechanism: CKM.ECDSA }
const ONCE = { ...ECDSA, times: 1 }

/** One signature: 'signed' if it is good, or the error's kind and the CKR number it came with. */
async function sign({ token }: Shimmed, key: Sealed<KeyRecord>): Promise<string> {
  try {
    const use = { flow: 'test', key, scheme: 'ecdsa-sha256', inputs: [MESSAGE] } as const
    const [signature = Buffer.alloc(0)] = await token.sign(use)
    return judge(key.spki, 'ecdsa-sha256', { message: MESSAGE, signature }) ? 'signed' : 'BAD'
  } catch (error) {
    if (!(error instanceof TokenError)) throw error
    return error.code === undefined ? error.kind : `${error.kind} 0x${error.code.toString(16)}`
  }
}

/** Until as many signers have started in all, and both take work. */
const started = (open: Shimmed, count: number): Promise<void> =>
  until(() => {
    const ready = open.log.lines.filter(({ message }) => message === 'a signer is ready').length
    return ready === count && open.token.health().signers === 2
  })

describe('a module that fails', function () {
  this.timeout(60_000)
  afterEach(closeLeftOpen)

  const errors: [ShimRule, string][] = [
    // Once, before C_Sign: what was stale is renewed, and trouble is another signer's chance.
    [{ on: 'C_SignInit', ckr: 0xb3, ...ONCE }, 'signed'],
    [{ on: 'C_SignInit', ckr: 0x82, ...ONCE }, 'signed'],
    [{ on: 'C_SignInit', ckr: 0x60, ...ONCE }, 'signed'],
    [{ on: 'C_SignInit', ckr: 0x30, ...ONCE }, 'signed'],
    [{ on: 'C_SignInit', ckr: 0x101, ...ONCE }, 'signed'],
    // For good, before C_Sign: nothing was signed.
    [{ on: 'C_SignInit', ckr: 0xb3, ...ECDSA }, 'unavailable 0xb3'],
    [{ on: 'C_SignInit', ckr: 0x82, ...ECDSA }, 'unavailable 0x82'],
    [{ on: 'C_SignInit', ckr: 0x30, ...ECDSA }, 'unavailable 0x30'],
    [{ on: 'C_SignInit', ckr: 0x68, ...ECDSA }, 'refused 0x68'],
    // In C_Sign: something may have been.
    [{ on: 'C_Sign', ckr: 0x30, ...ONCE }, 'unknown 0x30'],
    [{ on: 'C_Sign', ckr: 0xb3, ...ONCE }, 'unknown 0xb3'],
    [{ on: 'C_Sign', ckr: 0x101, ...ONCE }, 'unknown 0x101'],
    [{ on: 'C_Sign', ckr: 0x82, ...ONCE }, 'unknown 0x82'],
    [{ on: 'C_Sign', ckr: 0x80000001, ...ONCE }, 'unknown 0x80000001'],
    [{ on: 'C_Sign', ckr: 0x21, ...ONCE }, 'refused 0x21'],
  ]
  for (const concurrency of [1, 4]) {
    it(`with an error, before and in C_Sign, is answered for and works on (concurrency ${concurrency})`, async () => {
      const open = await openShimmed(concurrency)
      const key = await serviceKey(open.token, { keyType: 'P-256' })
      for (const [rule, said] of errors) {
        open.shim.fault([rule])
        expect(await sign(open, key), JSON.stringify(rule)).to.equal(said)
        open.shim.clear()
        expect(await sign(open, key), JSON.stringify(rule)).to.equal('signed')
      }
      expect(open.shim.journal().logins).to.have.length(2)
      expect(open.log.alarms).to.deep.equal([])
      await open.close()
    })
  }

  it('by a crash, a flipped bit or a lost login costs one signer, which is replaced', async () => {
    const open = await openShimmed()
    const key = await serviceKey(open.token, { keyType: 'P-256' })
    const costs: [ShimRule, string][] = [
      [{ on: 'C_Sign', crash: true, ...ONCE }, 'unknown'],
      [{ on: 'C_SignInit', crash: true, ...ONCE }, 'unknown'],
      [{ on: 'C_Sign', flip: true, ...ONCE }, 'mismatch'],
    ]
    let count = 2
    for (const [rule, said] of costs) {
      open.shim.fault([rule])
      expect(await sign(open, key)).to.equal(said)
      await started(open, ++count)
      expect(await sign(open, key)).to.equal('signed')
    }
    expect(open.log.alarms).to.deep.equal(['signature_mismatch'])
    // Nothing that may have been signed was under way: another signer answers, and the caller never knows.
    open.shim.fault([{ on: 'C_FindObjects', crash: true, times: 1 }])
    expect(await open.token.describe(Buffer.from('none'))).to.equal(undefined)
    await started(open, ++count)
    // A signer whose login is gone does no HMAC either, so it leaves; its successor logs in.
    open.shim.fault([{ on: 'C_SignInit', ckr: 0x101 }])
    expect(await sign(open, key)).to.equal('unavailable')
    await until(() => open.token.health().signers === 0)
    open.shim.clear()
    await until(() => open.token.health().signers === 2)
    expect(await sign(open, key)).to.equal('signed')
    const { logins, faults } = open.shim.journal()
    expect(logins.every(({ ckr }) => ckr === 0)).to.equal(true)
    expect(new Set(faults.map(({ does }) => does))).to.deep.equal(new Set(['crash', 'flip', 'ckr']))
    expect(open.gate.ended.every(({ accepted }) => accepted)).to.equal(true)
    await open.close()
  })

  it('by a hang of half a minute is answered for after five seconds, killed after ten, and replaced', async () => {
    const open = await openShimmed()
    const key = await serviceKey(open.token, { keyType: 'P-256' })
    open.shim.fault([{ on: 'C_Sign', hang: 30, ...ONCE }])
    const began = performance.now()
    const stuck = sign(open, key)
    await until(() => open.shim.journal().faults.length === 1)
    expect(await stuck).to.equal('unknown')
    expect(performance.now() - began).to.be.within(4_900, 8_000)
    await until(() => open.log.alarms.includes('signer_hangs'))
    await started(open, 3)
    expect(await sign(open, key)).to.equal('signed')
    await open.close()
  })

  it('by losing its token is unavailable, and works again when the token is back', async () => {
    const open = await openShimmed()
    const key = await serviceKey(open.token, { keyType: 'P-256' })
    open.shim.fault([{ on: '*', gone: true }])
    expect(await sign(open, key)).to.equal('unavailable')
    expect((await failure(open.token.describe(Buffer.from('none')))).kind).to.equal('unavailable')
    await until(() => open.token.health().signers === 0)
    const { logins } = open.shim.journal()
    open.shim.clear()
    await until(() => open.token.health().signers === 2, 30_000)
    expect(await sign(open, key)).to.equal('signed')
    // One login for each signer that came back, none while the token was away.
    expect(open.shim.journal().logins).to.have.length(logins.length + 2)
    await open.close()
  })

  it('that rejects the PIN sees one C_Login, whoever asks again', async () => {
    const soft = makeSoftToken({ signers: 4 })
    const { config, journal } = shimmed(soft)
    const gate = new MemoryLoginGate()
    writeFileSync(config.pin.file, '000000\n')
    for (let service = 0; service < 3; service++) {
      const opened = Token.open({ config, loginGate: gate, log: new MemoryLog(), prepare: true })
      expect(await opened.catch((error: unknown) => error)).to.be.instanceOf(Error)
    }
    expect(journal().logins.map(({ ckr }) => ckr)).to.deep.equal([0xa0])
    soft.remove()
  })
})
