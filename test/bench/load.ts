/**
 * The load: many connections that are kept alive, each asking again as soon as it was answered. Bare sockets, since the
 * generator runs on the cores that it measures. The plan comes on standard input; what was measured goes to standard
 * output, the bodies of the answers to a file.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'

export interface LoadPlan {
  readonly host: string
  readonly port: number
  readonly connections: number
  /** Requests, each u32 length and octets. */
  readonly requests: string
  /** Where the bodies go: u32 index of the request, u32 length, octets. */
  readonly answers: string
  /** Seconds that are not counted, and those that are. */
  readonly warmUp: number
  readonly seconds: number
}

export interface LoadResult {
  /** Answers of the counted time, and how long that was. */
  readonly answered: number
  readonly seconds: number
  /** Milliseconds, one for each counted answer. */
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Answers in all, those after the warm-up, and those that were neither 200 nor 201 with the first such body. */
  readonly total: number
  readonly afterWarmUp: number
  readonly refused: number
  readonly firstRefusal: string
  /** The requests were used up before the time was. */
  readonly ranDry: boolean
  /** Processor seconds of the generator while it asked. */
  readonly cpu: number
}

/** Written when the warm-up is over. */
const WARM = 'warm\n'

const plan = JSON.parse(readFileSync(0, 'utf8')) as LoadPlan
const requests = split(readFileSync(plan.requests))
const cpuBefore = process.cpuUsage()
const begin = performance.now()
const countFrom = begin + plan.warmUp * 1000
const end = countFrom + plan.seconds * 1000

const latencies: number[] = []
const bodies: Buffer[] = []
let next = 0
let total = 0
let inWarmUp = 0
let refused = 0
let firstRefusal = ''
let lastAt = begin

setTimeout(() => {
  inWarmUp = total
  process.stdout.write(WARM)
}, plan.warmUp * 1000).unref()
await Promise.all(Array.from({ length: plan.connections }, () => drive()))
const cpu = process.cpuUsage(cpuBefore)
report()

function drive(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: plan.host, port: plan.port, noDelay: true })
    let held: Buffer[] = []
    let wanted = 0
    let length = 0
    let current = 0
    let sentAt = 0
    const ask = (): void => {
      const request = requests[next]
      if (request === undefined || performance.now() > end) {
        socket.end()
        resolve()
        return
      }
      current = next++
      sentAt = performance.now()
      socket.write(request)
    }
    socket.on('connect', ask)
    socket.on('error', reject)
    socket.on('data', (chunk: Buffer) => {
      held.push(chunk)
      length += chunk.length
      if (wanted === 0) wanted = wholeLength(held.length === 1 ? chunk : Buffer.concat(held))
      if (wanted === 0 || length < wanted) return
      take(held.length === 1 ? chunk : Buffer.concat(held), { current, sentAt, socket })
      held = []
      wanted = 0
      length = 0
      ask()
    })
  })
}

function take(answer: Buffer, asked: { current: number; sentAt: number; socket: Socket }): void {
  const now = performance.now()
  total++
  lastAt = now
  const body = answer.subarray(answer.indexOf('\r\n\r\n') + 4)
  const status = answer.toString('latin1', 9, 12)
  if (status !== '200' && status !== '201') {
    refused++
    firstRefusal ||= `${status} ${body.toString('utf8')}`
    return
  }
  const head = Buffer.alloc(8)
  head.writeUInt32BE(asked.current)
  head.writeUInt32BE(body.length, 4)
  bodies.push(head, Buffer.from(body))
  if (now >= countFrom && now <= end) latencies.push(now - asked.sentAt)
}

/** Octets of head and body together; 0 while the head is not whole. */
function wholeLength(data: Buffer): number {
  const at = data.indexOf('\r\n\r\n')
  if (at === -1) return 0
  const length = /\r\ncontent-length: (\d+)/i.exec(data.toString('latin1', 0, at))?.[1]
  if (length === undefined) throw new Error('an answer without a length')
  return at + 4 + Number(length)
}

function split(file: Buffer): Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0; at < file.length;) {
    const length = file.readUInt32BE(at)
    parts.push(file.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return parts
}

function report(): void {
  writeFileSync(plan.answers, Buffer.concat(bodies))
  latencies.sort((a, b) => a - b)
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0
  const result: LoadResult = {
    answered: latencies.length,
    seconds: (Math.min(lastAt, end) - countFrom) / 1000,
    p50: at(0.5),
    p99: at(0.99),
    max: latencies.at(-1) ?? 0,
    total,
    afterWarmUp: total - inWarmUp,
    refused,
    firstRefusal,
    ranDry: next >= requests.length,
    cpu: (cpu.user + cpu.system) / 1e6,
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
