import type { TestService } from '../support/startService.ts'

/** What takes octets from strangers, and what it may say of them. */
export interface Target {
  /** Inputs that it takes, and that are changed. */
  readonly seeds: readonly Buffer[]
  /** What it may say of an input, whatever that is: the words of its protocol. */
  readonly words: readonly string[]
  /** In this process. @returns what it says; what it throws is a bug */
  readonly ask: (input: Buffer) => Promise<string>
  /** The same by HTTP. @returns what it says, or a status that it must not have */
  readonly send: (input: Buffer) => Promise<string>
}

export type MakeTarget = (service: TestService) => Promise<Target>
