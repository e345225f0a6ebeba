import { readFileSync, statSync } from 'node:fs'
import type { Session } from 'graphene-pk11'
import { Failure } from './answer.ts'
import { tokenNames, type Connection, type StartOptions } from './connect.ts'
import { CKF, ckr, isAlreadyLoggedIn, isPinRejected } from './cryptoki.ts'
import { openSession } from './sessions.ts'

/** The token judged the PIN, and did not take it. It is never tried again: hardware locks after a few. */
export class PinRejected extends Failure {}

/**
 * Logs in to a token, once. Called only after the service gave permission, which it gives to one login at a time. The PIN is read
 * here and nowhere else.
 * @returns the session that keeps the login: with the last session the login would go.
 */
export function login(connection: Connection, options: StartOptions): Session {
  const { module, slot } = connection
  refuseLastTry(tokenNames(slot).flags, options)
  const anchor = openSession(slot)
  try {
    module.lib.C_Login(anchor.handle, options.provider.userType, readPin(options.pinFile))
  } catch (error) {
    const code = ckr(error)
    if (isAlreadyLoggedIn(code)) return anchor
    if (isPinRejected(code))
      throw new PinRejected('refused', 'The token rejected the PIN.', { reason: 'token', code })
    if (error instanceof Failure) throw error
    throw new Failure('unavailable', `The login failed: CKR 0x${(code ?? 0).toString(16)}.`, { code })
  }
  return anchor
}

/** Flags first: a wrong PIN on the last try would lock the token for good. */
function refuseLastTry(flags: number, options: StartOptions): void {
  if ((flags & CKF.USER_PIN_LOCKED) !== 0) {
    throw new Failure('refused', "The token's PIN is locked; its security officer must set a new one.", {
      reason: 'token',
    })
  }
  if ((flags & CKF.USER_PIN_FINAL_TRY) !== 0 && !options.allowFinalTry) {
    throw new Failure(
      'refused',
      'The token reports that one more wrong PIN locks it. Check the PIN file, then set pin.allowFinalTry for one start.',
      { reason: 'token' },
    )
  }
}

function readPin(file: string): string {
  let octets: Buffer
  try {
    if ((statSync(file).mode & 0o077) !== 0)
      process.stderr.write('The PIN file can be read by others than its owner.\n')
    octets = readFileSync(file)
  } catch {
    throw new Failure('refused', `The PIN file '${file}' cannot be read.`, { reason: 'token' })
  }
  const pin = octets.toString('utf8').replace(/\r?\n$/, '')
  octets.fill(0)
  if (pin === '') throw new Failure('refused', `The PIN file '${file}' is empty.`, { reason: 'token' })
  return pin
}
