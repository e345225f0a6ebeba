import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { TestService } from '../../support/startService.ts'
import { ask, queryOf } from '../tsaClient.ts'

const WAIT_MS = 20_000
const POLL_MS = 50
/** RFC 5905: where NTP counts from. */
const TO_1970 = 2_208_988_800

/** A time server whose clock is wrong by as much as it is told; undefined: it says nothing. */
export class TimeServer {
  offsetMs: number | undefined = 0
  stratum = 1
  /** Answers something that was never asked. */
  isForged = false
  asked = 0
  beforeAnswering: () => void = () => undefined
  readonly #socket: Socket = createSocket('udp4')

  static async start(): Promise<TimeServer> {
    const server = new TimeServer()
    server.#socket.on('message', (question, from) => server.#answer(question, from.port))
    server.#socket.bind(0, '127.0.0.1')
    await once(server.#socket, 'listening')
    return server
  }

  get name(): string {
    return `127.0.0.1:${String(this.#socket.address().port)}`
  }

  #answer(question: Buffer, port: number): void {
    this.asked++
    this.beforeAnswering()
    if (this.offsetMs === undefined) return
    const answer = Buffer.alloc(48)
    answer[0] = 0x24
    answer[1] = this.stratum
    question.copy(answer, 24, 40, 48)
    if (this.isForged) answer[24] = (answer[24] ?? 0) ^ 1
    const now = Date.now() + this.offsetMs
    for (const at of [32, 40]) {
      answer.writeUInt32BE(Math.floor(now / 1000) + TO_1970, at)
      answer.writeUInt32BE(Math.floor(((now % 1000) / 1000) * 2 ** 32), at + 4)
    }
    this.#socket.send(answer, port, '127.0.0.1')
  }

  stop(): void {
    this.#socket.close()
  }
}

export async function until(what: string, is: () => Promise<boolean>): Promise<number> {
  const began = performance.now()
  while (!(await is())) {
    if (performance.now() - began > WAIT_MS) throw new Error(`not within ${String(WAIT_MS)} ms: ${what}`)
    await pause(POLL_MS)
  }
  return performance.now() - began
}

/** Moves the wall clock that the service reads, and nothing else. */
export function shift({ ctx }: TestService, ms: number): void {
  Object.assign(ctx, { clock: () => Date.now() + ms })
}

export const failureOf = async ({ url }: TestService): Promise<string | undefined> =>
  (await ask(url, queryOf({}))).failure
export const served = (service: TestService): Promise<number> =>
  until('a timestamp', async () => (await failureOf(service)) === undefined)
export const refused = (service: TestService): Promise<number> =>
  until('a refusal', async () => (await failureOf(service)) === 'timeNotAvailable')
