import type { Hello } from './codec.ts'
import { TokenError } from './errors.ts'
import { CKF, isPinRejected } from './signer/cryptoki.ts'
import type { LoginGate, PinFlags, TokenConfigShape, TokenLog } from './types.ts'

/** The token's verdict on the PIN. Whoever meets it starts no signer again that would try it. */
export class PinRejected extends TokenError {}

/**
 * Logins to tokens, with permission, and the verdict passed on. To one token one login at a time, whichever fleet of this
 * process wants it: the gate takes a process' own logins to come one after another.
 */
export class Logins {
  readonly #gate: LoginGate
  readonly #log: TokenLog
  readonly #last = new Map<string, Promise<unknown>>()

  constructor(gate: LoginGate, log: TokenLog) {
    this.#gate = gate
    this.#log = log
  }

  /**
   * @param hello of the token as the process that is to log in found it. @param attempt asks it to, once.
   * @throws PinRejected, or what kept the login from being tried.
   */
  run(config: TokenConfigShape, hello: Hello, attempt: () => Promise<unknown>): Promise<void> {
    const { serial } = hello.info
    const done = (this.#last.get(serial) ?? Promise.resolve()).then(() => this.#login(config, hello, attempt))
    this.#last.set(
      serial,
      done.catch(() => undefined),
    )
    return done
  }

  async #login(config: TokenConfigShape, hello: Hello, attempt: () => Promise<unknown>): Promise<void> {
    const login = { serial: hello.info.serial, version: config.pin.version }
    const pin = pinFlags(hello.flags)
    const pinCountLow = pin.countLow || pin.finalTry
    if (pinCountLow || pin.locked) {
      this.#log.error(
        { alarm: 'pin_flags', ...login, ...pin },
        'the token reports that logins with a wrong PIN were tried',
      )
    }
    await this.#gate.begin({ ...login, pinCountLow })
    try {
      await attempt()
    } catch (error) {
      if (!(error instanceof TokenError)) throw error
      // A no of the signer's own, before it asked the token: flags that forbid the try, a PIN file that is not there.
      if (error.kind === 'refused' && error.code === undefined) {
        await this.#gate.end({ ...login, accepted: undefined })
      }
      if (!isPinRejected(error.code)) throw error
      this.#log.error({ alarm: 'pin_rejected', ...login }, 'the PIN was rejected; no signer is started again')
      await this.#gate.end({ ...login, accepted: false })
      throw rejected(login, hello, error)
    }
    await this.#gate.end({ ...login, accepted: true })
  }
}

function rejected(login: { serial: string; version: number }, hello: Hello, cause: TokenError): PinRejected {
  return new PinRejected(
    'refused',
    `The token '${hello.info.label}' (${login.serial}) rejected the PIN of version ${login.version}. ` +
      'It is not tried again: put the right PIN in the file and raise pin.version.',
    { reason: 'token', code: cause.code, cause },
  )
}

export function pinFlags(flags: number): PinFlags {
  return {
    countLow: (flags & CKF.USER_PIN_COUNT_LOW) !== 0,
    finalTry: (flags & CKF.USER_PIN_FINAL_TRY) !== 0,
    locked: (flags & CKF.USER_PIN_LOCKED) !== 0,
  }
}
