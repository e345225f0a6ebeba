import type { RefusalReason } from '../errors.ts'
import type { STATUS } from '../wire.ts'
import { ckr, classify } from './cryptoki.ts'

/** How an operation ends that does not end well; it becomes the status of the answer. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly status: keyof Omit<typeof STATUS, 'ok'>
  readonly reason: RefusalReason | undefined
  readonly code: number | undefined

  constructor(
    status: keyof Omit<typeof STATUS, 'ok'>,
    message: string,
    more: { reason?: RefusalReason; code?: number | undefined } = {},
  ) {
    super(message)
    this.status = status
    this.reason = more.reason
    this.code = more.code
  }
}

/** A definite no of our own. The message goes to the service's log. */
export const refuse = (reason: RefusalReason, message: string): Failure =>
  new Failure('refused', message, { reason })

/** What a token's error means for an operation that has made no signature: a no, or trouble. */
export function fromToken(error: unknown, doing: string): Failure {
  if (error instanceof Failure) return error
  const code = ckr(error)
  const said = code === undefined ? describeError(error) : `CKR 0x${code.toString(16)}`
  const message = `${doing}: ${said}`
  return classify(code) === 'final'
    ? new Failure('refused', message, { reason: 'token', code })
    : new Failure('unavailable', message, { code })
}

const describeError = (error: unknown): string => (error instanceof Error ? error.message : 'not an error')
