import type { Context } from './context.ts'

/** TABLE of what is sent to holders: a one-time code, and a request for approval with its link. */
export const messageKinds = ['code', 'approval'] as const
export type MessageKind = (typeof messageKinds)[number]

/** What is sent to a holder. */
export interface Message {
  /** Of the code or the request that it brings: no other message has it. */
  readonly id: string
  readonly kind: MessageKind
  /** A URI: mailto:, tel:. */
  readonly to: string
  /** Holds the code, or the link. */
  readonly text: string
  /** Of the text (RFC 5646). */
  readonly language: string
}

/** What a message says, in one language. */
export interface Wording<Shown> {
  readonly language: string
  text(shown: Shown): string
}

/** Brings messages to holders. */
export interface Sender {
  /** Once, before anything is served. @throws ConfigError, Refusal: it could send nothing */
  readonly prepare?: (ctx: Context) => Promise<void>
  /** Resolves when the message is on its way; who asked for it waits. Its errors hold nothing of it: they are logged. */
  send(ctx: Context, message: Message): Promise<void>
}

/** Why a message did not go. */
export class SenderError extends Error {
  /** In a word of our own; operators see it. */
  readonly reason: string

  constructor(reason: string, cause?: unknown) {
    super(reason, cause === undefined ? undefined : { cause })
    this.name = 'SenderError'
    this.reason = reason
  }
}
