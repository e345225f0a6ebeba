import { randomInt } from 'node:crypto'
import { expect } from 'chai'
import {
  shimmed,
  type ShimFunction,
  type ShimJournal,
  type ShimmedToken,
  type ShimRule,
} from '../../softhsm-test-helpers/shim.ts'
import { Ground, type Place } from './ground.ts'
import { Load } from './load.ts'
import { until } from './until.ts'

const CLIENTS = 16
const STOCK = 6_000
/** Signatures without a fault, after which none comes any more. */
const QUIET = 500
/** A signer that hangs is killed after 10 s; its successor may pause, start, log in and sing its canary. */
export const RECOVERY_MS = 45_000
/** A caller of a signer that hangs is answered after 5 s, and may have waited as long in the queue before. */
export const HANG_MS = 15_000

const CKR = {
  DEVICE_ERROR: 0x30,
  SESSION_HANDLE_INVALID: 0xb3,
  USER_NOT_LOGGED_IN: 0x101,
} as const
const ECDSA = 0x1041
const RSA_PKCS = 0x1
const FEW = 3

export const tokenFaults = [
  'crash',
  'hang',
  'device error',
  'session invalid',
  'not logged in',
  'vanished',
  'flipped bit',
] as const
export type TokenFault = (typeof tokenFaults)[number]

const UNAVAILABLE =
  '503 {"error":"temporarily_unavailable","error_description":"The token does not answer at the moment"}' +
  ' Retry-After: 2'
/** A signature that did not verify is nobody's to have: an alarm, and the barest answer. */
const MISMATCH = '500 {"error":"server_error"}'

/** A service under load on a token that fails. */
export class Breaking {
  readonly ground: Ground
  readonly load: Load
  readonly place: Place
  readonly #shim: ShimmedToken
  readonly pid: number | undefined
  flips = 0
  worstRecoveryMs = 0

  private constructor(made: { ground: Ground; place: Place; shim: ShimmedToken }) {
    this.ground = made.ground
    this.place = made.place
    this.#shim = made.shim
    this.pid = made.place.server.child.pid
    this.load = new Load(made.ground, {
      urls: () => [made.place.url],
      clients: CLIENTS,
      perAuthorisation: 150,
    })
  }

  static async begin(): Promise<Breaking> {
    let shim: ShimmedToken | undefined
    const ground = await Ground.make({
      token: (token) => {
        const made = shimmed(token)
        shim = made
        return made.config
      },
    })
    if (shim === undefined) throw new Error('no shim was made')
    const place = await ground.place()
    await place.server.ready()
    const breaking = new Breaking({ ground, place, shim })
    await breaking.load.stock(place.url, STOCK)
    breaking.load.start()
    return breaking
  }

  get journal(): ShimJournal {
    return this.#shim.journal()
  }

  get faults(): number {
    return this.journal.faults.length
  }

  /** A fault so many times, in calls that come one after another, and what follows until all is as before. */
  async suffer(fault: TokenFault, times: number): Promise<void> {
    if (this.load.left < STOCK / 2) await this.load.stock(this.place.url, STOCK)
    await this.load.progress(2 * CLIENTS, RECOVERY_MS)
    const before = this.faults
    this.#shim.fault(rulesOf(fault, times))
    await this.#fired(before + (fault === 'vanished' ? 2 : times))
    this.#shim.clear()
    if (fault === 'flipped bit') this.flips += times
    const cleared = performance.now()
    // More than were under way, so that some were asked for after it.
    await this.load.progress(4 * CLIENTS, RECOVERY_MS)
    this.worstRecoveryMs = Math.max(this.worstRecoveryMs, performance.now() - cleared)
    expect(this.place.server.child.exitCode, 'the service lives').to.equal(null)
  }

  async end(): Promise<void> {
    await this.load.stop()
    for (const [answer, count] of this.load.answers) {
      const isKnown = answer === UNAVAILABLE || this.load.unexpected().every((odd) => odd !== answer)
      if (answer === MISMATCH) expect(count, 'requests that met a flipped bit').to.be.at.most(this.flips)
      else expect(isKnown && !answer.startsWith('0 '), answer).to.equal(true)
    }
    expect(this.load.slowestMs, 'no request hangs').to.be.lessThan(HANG_MS)
    expect((await this.place.server.kill('SIGTERM')).code).to.equal(0)
    await this.ground.check()
    // No fault made anything try the PIN and fail.
    expect(this.journal.logins.filter(({ ckr }) => ckr !== 0)).to.deep.equal([])
  }

  async remove(): Promise<void> {
    await this.load.stop()
    await this.ground.remove()
  }

  figures(): Record<string, number> {
    const { faults, processes } = this.journal
    return {
      faults: faults.length,
      'signers started': processes,
      'worst recovery, ms': Math.round(this.worstRecoveryMs),
      'slowest answer, ms': Math.round(this.load.slowestMs),
      requests: this.load.requests,
      'signatures received and verified': this.load.signatures,
    }
  }

  /** Or as many as came, where signers that died took the rest of the calls with them. */
  async #fired(count: number): Promise<void> {
    let [faults, at] = [this.faults, this.load.signatures]
    const hasFired = (): boolean => {
      const now = this.faults
      if (now !== faults) [faults, at] = [now, this.load.signatures]
      return now >= count || (now > 0 && this.load.signatures > at + QUIET)
    }
    await until(hasFired, {
      withinMs: RECOVERY_MS,
      otherwise: () => `it fired ${this.faults} times of ${count}`,
    })
  }
}

function rulesOf(fault: TokenFault, times: number): ShimRule[] {
  const one = <T>(list: readonly [T, ...T[]]): T => list[randomInt(list.length)] ?? list[0]
  const on: ShimFunction = one(['C_Sign', 'C_SignInit'])
  const after = randomInt(40)
  // A few hit whatever comes; many in a row hit signing alone, or no signer would outlive them to meet them all.
  const hit = times > FEW ? { mechanism: ECDSA } : {}
  const ckr = (code: number): ShimRule[] => [{ on, ckr: code, after, times, ...hit }]
  switch (fault) {
    case 'crash':
      return [{ on, crash: true, after, times }]
    case 'hang':
      return [{ on, hang: 30, after, times }]
    case 'device error':
      return ckr(CKR.DEVICE_ERROR)
    case 'session invalid':
      return ckr(CKR.SESSION_HANDLE_INVALID)
    case 'not logged in':
      return ckr(CKR.USER_NOT_LOGGED_IN)
    case 'vanished':
      return [{ on: '*', gone: true }]
    // Seals are left alone: one that is wrong is no signature.
    case 'flipped bit':
      return [{ on: 'C_Sign', flip: true, after, times, mechanism: one([ECDSA, ECDSA, RSA_PKCS]) }]
  }
}
