import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { TestService } from '../support/startService.ts'

export interface Received {
  readonly to: string
  readonly text: string
}

/** What the file sender of a service has sent, oldest first. */
export class Phone {
  readonly #directory: string

  constructor(service: TestService) {
    this.#directory = join(service.config.home, 'messages')
  }

  get messages(): readonly Received[] {
    return this.#names().map(
      (name) => JSON.parse(readFileSync(join(this.#directory, name), 'utf8')) as Received,
    )
  }

  /** Permission bits of the directory and of each file. */
  get modes(): readonly number[] {
    return ['', ...this.#names()].map((name) => statSync(join(this.#directory, name)).mode & 0o777)
  }

  /** The digits of the last message. */
  code(): string {
    const code = /^[0-9]{6}/.exec(this.messages.at(-1)?.text ?? '')?.[0]
    if (code === undefined) throw new Error('no code was sent')
    return code
  }

  #names(): string[] {
    try {
      return readdirSync(this.#directory).toSorted()
    } catch {
      return []
    }
  }
}
