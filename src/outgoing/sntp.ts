import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { readClocksAtOnce, type Reading } from '../clocks.ts'

const PORT = 123
/** A server that takes longer says nothing that is worth knowing. */
const TIMEOUT_MS = 1_000
const OCTETS = 48
/** No leap warning, version 4, a client. */
const ASKING = 0x23
const SERVER_MODE = 4
const UNSYNCHRONISED = 3
const MAX_STRATUM = 15
/** Where fields of the packet stand (RFC 5905, 7.3). */
const AT = { rootDelay: 4, rootDispersion: 8, origin: 24, received: 32, transmitted: 40 } as const
/** Seconds from 1900, where NTP counts from, to 1970; and of one of its eras. */
const TO_1970 = 2_208_988_800
const ERA = 2 ** 32
/** Reading two clocks one after the other is no more exact, on a machine that is busy. */
const STEPPED_MS = 20

export interface Offset {
  /** Milliseconds that the server's clock is ahead of ours. */
  readonly ms: number
  /** By how many at most that may be wrong: half of the way there and back, and what the server says of itself. */
  readonly boundMs: number
  /** Our wall clock less our monotonic clock when the answer came. */
  readonly anchor: number
}

/**
 * Asks a time server once (SNTP, RFC 5905, 14). What is sent holds no time of ours: a random value that the answer has to
 * repeat, so that nobody who does not see it can answer.
 * @param server `name` or `name:port`, from the configuration; @param clock milliseconds since 1970
 * @returns undefined where it does not answer, or not as a server that knows the time does
 */
export function askTime(server: string, clock: () => number): Promise<Offset | undefined> {
  const [host = '', port = String(PORT)] = server.split(':')
  const question = Buffer.alloc(OCTETS)
  question[0] = ASKING
  randomBytes(8).copy(question, AT.transmitted)
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    let sent = readClocksAtOnce(clock)
    let isOver = false
    const end = (offset?: Offset): void => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      socket.close()
      resolve(offset)
    }
    // What came while this process was held up is read first: the loop looks at timers before it looks at sockets.
    const timer = setTimeout(() => setImmediate(() => end()), TIMEOUT_MS)
    socket.on('error', () => undefined)
    socket.on('message', (answer) => {
      const arrived = readClocksAtOnce(clock)
      // An answer to something else is as none: the right one may be on its way.
      if (isAnswer(answer, question)) end(offsetOf(answer, sent, arrived))
    })
    // Connected, so that no other address is listened to.
    socket.connect(Number(port), host, (error?: Error) => {
      if (error !== undefined) return
      sent = readClocksAtOnce(clock)
      socket.send(question)
    })
  })
}

function isAnswer(answer: Buffer, question: Buffer): boolean {
  const cookie = question.subarray(AT.transmitted)
  return answer.length >= OCTETS && answer.subarray(AT.origin, AT.origin + cookie.length).equals(cookie)
}

function offsetOf(answer: Buffer, sent: Reading, arrived: Reading): Offset | undefined {
  const first = answer[0] ?? 0
  const stratum = answer[1] ?? 0
  const knows = first >> 6 !== UNSYNCHRONISED && stratum >= 1 && stratum <= MAX_STRATUM
  const took = arrived.to - sent.from
  // Our own clock was set meanwhile.
  const stepped = Math.abs(arrived.wall - sent.wall - took) > STEPPED_MS
  if ((first & 7) !== SERVER_MODE || !knows || stepped) return undefined
  const received = timeAt(answer, AT.received)
  const transmitted = timeAt(answer, AT.transmitted)
  const onTheWay = Math.max(0, took - (transmitted - received))
  const ofServer = shortAt(answer, AT.rootDelay) / 2 + shortAt(answer, AT.rootDispersion)
  return {
    ms: (received - sent.wall + transmitted - arrived.wall) / 2,
    boundMs: onTheWay / 2 + ofServer,
    anchor: arrived.wall - arrived.to,
  }
}

/** Milliseconds since 1970. What looks like the first half of an era is of the one that begins in 2036. */
function timeAt(packet: Buffer, at: number): number {
  const seconds = packet.readUInt32BE(at)
  const whole = seconds < ERA / 2 ? seconds + ERA : seconds
  return (whole - TO_1970 + packet.readUInt32BE(at + 4) / ERA) * 1000
}

/** NTP's short format, in milliseconds. */
const shortAt = (packet: Buffer, at: number): number => (packet.readUInt32BE(at) / 65_536) * 1000
