import { expect } from 'chai'
import type { Module, Slot } from 'graphene-pk11'
import pkcs11js from 'pkcs11js'
import { keyTypes, schemes, type SchemeName } from '../../hsm/algorithms.ts'
import { Failure } from '../../hsm/signer/answer.ts'
import { ckr, classify } from '../../hsm/signer/cryptoki.ts'
import { FailureLimit, MAX_FAILURES, Spending, WINDOW_MS } from '../../hsm/signer/limits.ts'
import { WorkSession } from '../../hsm/signer/sessions.ts'
import { mechanismOf, signAll } from '../../hsm/signer/sign.ts'

/** What the binding throws for a CKR number. */
function cryptokiError(code: number): Error {
  return Object.assign(new Error('CKR_VENDOR_DEFINED'), { code })
}

/** A module that does what it is told: no module of the shelf fails on demand between C_SignInit and C_Sign. */
function faultyModule(script: { init?: (Error | undefined)[]; sign?: (Error | undefined)[] }) {
  const calls: string[] = []
  const step = (name: string, errors: (Error | undefined)[] | undefined): void => {
    calls.push(name)
    const error = errors?.shift()
    if (error !== undefined) throw error
  }
  const lib = {
    C_SignInit: () => {
      step('init', script.init)
    },
    C_Sign: (_session: unknown, _data: unknown, out: Buffer) => {
      step('sign', script.sign)
      return out
    },
  }
  const session = { handle: Buffer.alloc(8), close: () => calls.push('close') }
  const slot = { open: () => calls.push('open') > 0 && session }
  return { calls, work: new WorkSession({ lib } as unknown as Module, slot as unknown as Slot) }
}

function run(script: Parameters<typeof faultyModule>[0], inputs = 1): { said: string; calls: string[] } {
  const { calls, work } = faultyModule(script)
  const row = keyTypes['P-256']
  try {
    const signatures = signAll(work, {
      scheme: schemes['ecdsa-sha256'],
      digests: Array.from({ length: inputs }, () => Buffer.alloc(32)),
      key: () => ({ handle: Buffer.alloc(8), row, spki: Buffer.alloc(0) }),
      drop: () => calls.push('drop'),
    })
    return { said: `${signatures.length} signed`, calls }
  } catch (error) {
    return { said: error instanceof Failure ? error.status : String(error), calls }
  }
}

const STALE = cryptokiError(0x82)
const DEVICE = cryptokiError(0x30)
const LENGTH = cryptokiError(0x21)

describe('errors of the token', () => {
  it('are told apart by number, wherever the binding puts it', () => {
    expect(ckr(new Error('CKR_ATTRIBUTE_READ_ONLY:16'))).to.equal(16)
    expect(ckr(new pkcs11js.Pkcs11Error('CKR_PIN_INCORRECT:160'))).to.equal(0xa0)
    expect(ckr(new TypeError('bad handle'))).to.equal(undefined)
    expect(ckr('CKR_X:1')).to.equal(undefined)
    for (const code of [0x82, 0x60, 0xb0, 0xb3, 0x90]) expect(classify(code)).to.equal('again')
    for (const code of [0x20, 0x21, 0x70, 0x71, 0x63, 0x68, 0x140]) expect(classify(code)).to.equal('final')
    for (const code of [0x5, 0x6, 0x30, 0x31, 0x32, 0xe0, 0x101, 0x190, 0x80000001, undefined]) {
      expect(classify(code)).to.equal('down')
    }
  })

  it('that a new session or handle mends cost one more try, in a new session', () => {
    expect(run({ init: [STALE] })).to.deep.equal({
      said: '1 signed',
      calls: ['open', 'init', 'close', 'drop', 'open', 'init', 'sign'],
    })
    expect(run({ init: [STALE, STALE] }).said).to.equal('unavailable')
  })

  it('are never tried again once C_Sign was entered', () => {
    for (const error of [STALE, DEVICE, new TypeError('a bug of the binding')]) {
      expect(run({ sign: [error] })).to.deep.equal({
        said: 'unknown',
        calls: ['open', 'init', 'sign', 'close'],
      })
    }
  })

  it('that are a definite no refuse, and trouble before C_Sign signs nothing', () => {
    expect(run({ sign: [LENGTH] }).said).to.equal('refused')
    expect(run({ init: [LENGTH] }).said).to.equal('refused')
    expect(run({ init: [DEVICE] }).said).to.equal('unavailable')
  })

  it('after a first signature leave the request unknown, whatever they are', () => {
    expect(run({ sign: [undefined, LENGTH] }, 2).said).to.equal('unknown')
    expect(run({ init: [undefined, DEVICE] }, 2).said).to.equal('unknown')
    expect(run({ init: [undefined, STALE] }, 2).said).to.equal('2 signed')
  })
})

describe('the mechanisms', () => {
  it('are made from rows of the table only, PSS with salt, hash and mask of one hash', () => {
    const made = (name: SchemeName): unknown => mechanismOf(schemes[name])
    expect(made('ecdsa-sha512')).to.deep.equal({ mechanism: 0x1041 })
    expect(made('ed25519')).to.deep.equal({ mechanism: 0x1057 })
    expect(made('rsa-sha256')).to.deep.equal({ mechanism: 0x1 })
    expect(made('pss-sha384')).to.deep.equal({
      mechanism: 0xd,
      parameter: { type: pkcs11js.CK_PARAMS_RSA_PSS, hashAlg: 0x260, mgf: 0x3, saltLen: 48 },
    })
  })
})

describe('the signer’s own limits', () => {
  it('bear twenty failures a key and an hour, and forget them after', () => {
    let now = 1_000_000
    const limit = new FailureLimit(() => now)
    const [victim, other] = [Buffer.from('victim'), Buffer.from('other')]
    for (let i = 0; i < MAX_FAILURES; i++) {
      expect(limit.allows(victim)).to.equal(true)
      limit.failed(victim)
    }
    expect(limit.allows(victim)).to.equal(false)
    expect(limit.allows(other)).to.equal(true)
    // No flood of other keys brings the guesses back.
    for (let i = 0; i < 20_000; i++) limit.failed(Buffer.from(`flood ${i}`))
    expect(limit.allows(victim)).to.equal(false)
    now += WINDOW_MS - 1
    expect(limit.allows(victim)).to.equal(false)
    now += 1
    expect(limit.allows(victim)).to.equal(true)
  })

  it('count what an authorisation without digests has left, and take back what was not used', () => {
    const spending = new Spending()
    expect(spending.take('a', 2, 3)).to.equal(true)
    expect(spending.take('a', 2, 3)).to.equal(false)
    expect(spending.take('a', 1, 3)).to.equal(true)
    expect(spending.take('a', 1, 3)).to.equal(false)
    spending.giveBack('a', 2)
    expect(spending.take('a', 2, 3)).to.equal(true)
    expect(spending.take('b', 4, 3)).to.equal(false)
  })
})
