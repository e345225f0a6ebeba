/** What is sent to a holder. */
export interface Message {
  /** A URI: mailto:, tel:. */
  readonly to: string
  readonly text: string
}

/** Brings messages to holders: one-time codes, and requests for approval. */
export interface Sender {
  /** Resolves when the message is on its way. Its errors hold nothing of the text: they are logged. */
  send(message: Message): Promise<void>
}
