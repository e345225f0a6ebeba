/** What a script may act on. */
export const exitCodes = { ok: 0, refused: 1, usage: 2, unreachable: 3 } as const

/** An end with a sentence for a person and a status for a script. */
export class Failure extends Error {
  readonly exitCode: number

  constructor(kind: 'refused' | 'usage' | 'unreachable', message: string) {
    super(message)
    this.name = 'Failure'
    this.exitCode = exitCodes[kind]
  }
}
