/** Where the service can be made to die: the named points of a signature's life (src/signing/sign.ts). */
export const failpoints = [
  /** Transaction 1 is about to be sent. */
  'before reserve',
  /** Transaction 1 is durable; nobody in the service knows yet. */
  'reserved',
  /** The token is about to be asked. */
  'before sign',
  /** The token has signed, and the signatures were verified; transaction 2 was not sent. */
  'signed',
  /** Transaction 2 is on its way; whether it becomes durable, nobody knows. */
  'complete sent',
  /** Transaction 2 is durable; no answer was sent. */
  'completed',
  /** The answer has left. */
  'answered',
] as const

export type Failpoint = (typeof failpoints)[number]

/** What a test tells a server: end yourself, by SIGKILL, when this point is passed so many times from now. */
export interface Arming {
  readonly point: Failpoint
  readonly pass: number
}
