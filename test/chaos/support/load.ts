import { Agent, request as httpRequest } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { OID } from '../../csc/client.ts'
import type { TestCredential } from '../../support/tools.ts'
import type { Ground } from './ground.ts'
import { sha256 } from './ledger.ts'
import { until } from './until.ts'

/** Nothing may hang for longer: what is slower is counted by its time, and cut here. */
const PATIENCE_MS = 60_000
/** Between two tries of one request: shorter than Retry-After asks for, which is harder on the service. */
const PAUSE_MS = 100
const TRIES = 4
/** Of the occurrences that an authorisation has, this many are asked for once more than they may be signed. */
const GREED = 0.1

const UNAVAILABLE =
  '503 \\{"error":"temporarily_unavailable","error_description":"[^"]+"\\} Retry-After: [12]'
/** An occurrence may be used up: by a greedy client, or by a request whose answer got lost. */
const USED_UP = '400 \\{"error":"invalid_request","error_description":"Hash is not authorized by the SAD"\\}'
const STARTING = '503 The service is starting\\.\\n Retry-After: 1'
const CONNECTION = '0 (ECONNREFUSED|ECONNRESET|EPIPE|socket hang up|cut)'
const EXPECTED = new RegExp(`^(200|${UNAVAILABLE}|${USED_UP}|${STARTING}|${CONNECTION})$`)

/** Hashes of one request, under one authorisation. */
interface Job {
  readonly sad: string
  readonly credential: TestCredential
  readonly messages: readonly string[]
}

export interface Answer {
  /** 0: the connection failed. */
  readonly status: number
  /** JSON, or what failed. */
  readonly text: string
  readonly retryAfter: string | undefined
  readonly ms: number
}

export interface LoadOptions {
  /** Tried one after another, from another one on for each client. */
  readonly urls: () => readonly string[]
  readonly clients: number
  /** Signatures in a request, drawn from this list. */
  readonly sizes?: readonly number[]
  /** Milliseconds that a client thinks between an answer and its next request. */
  readonly thinkingMs?: number
  /** Requests that one authorisation is good for. */
  readonly perAuthorisation?: number
  /** Places in the ground's list of credentials. */
  readonly credentials?: readonly number[]
}

/** Clients that sign and sign, verify what they get and write it down, whatever happens to the servers. */
export class Load {
  readonly #ground: Ground
  readonly #options: LoadOptions
  readonly #jobs: Job[] = []
  readonly #running: Promise<void>[] = []
  #stopped = false
  #message = 0
  /** How often each answer came: status and body, without what is different each time. */
  readonly answers = new Map<string, number>()
  /** Milliseconds of each request that was answered 200. */
  readonly times: number[] = []
  requests = 0
  /** The slowest answer of any kind, and the slowest failure to get one. */
  slowestMs = 0
  /** Requests that no try got an answer for but "not now". */
  abandoned = 0
  /** Told of each answer, for what a campaign wants to know besides. */
  onAnswer: (answer: Answer) => void = () => undefined

  constructor(ground: Ground, options: LoadOptions) {
    this.#ground = ground
    this.#options = options
    ground.onRemove(() => this.stop())
  }

  get signatures(): number {
    return this.#ground.ledger.received.length
  }

  /** Occurrences that are left to ask for. */
  get left(): number {
    return this.#jobs.length
  }

  /** Authorises at least so many requests, some of them for more than the authorisation holds. */
  async stock(url: string, requests: number): Promise<void> {
    const { credentials = [0, 0, 1, 2], sizes = [1, 1, 1, 1, 2, 16], perAuthorisation = 40 } = this.#options
    for (let turn = 0; this.#jobs.length < requests; turn++) {
      const credential = this.#ground.credentials[credentials[turn % credentials.length] ?? 0]
      if (credential === undefined) throw new Error('no such credential')
      const wanted = Array.from({ length: perAuthorisation }, (_, n) => sizes[(turn + n) % sizes.length] ?? 1)
      await this.#authorise(url, credential, wanted)
    }
  }

  start(): void {
    this.#stopped = false
    for (let client = 0; client < this.#options.clients; client++) this.#running.push(this.#work(client))
  }

  /** Lets what is under way end. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#running.splice(0))
  }

  /** Waits until so many more signatures were received. @throws Error when they do not come in time */
  async progress(signatures: number, withinMs = 30_000): Promise<void> {
    const goal = this.signatures + signatures
    const reached = (): boolean => {
      if (this.#jobs.length === 0) throw new Error('the stock of authorised hashes has run out')
      return this.signatures >= goal
    }
    const otherwise = (): string =>
      `no progress: ${JSON.stringify([...this.answers])} ${this.#ground.log.slice(-3000)}`
    await until(reached, { withinMs, otherwise })
  }

  /** Answers that no client of a service in trouble may get: bugs, and refusals that are not true. */
  unexpected(): string[] {
    return [...this.answers.keys()].filter((answer) => !EXPECTED.test(answer))
  }

  async #authorise(url: string, credential: TestCredential, sizes: readonly number[]): Promise<void> {
    const requests = sizes.map((size) => Array.from({ length: size }, () => `message ${++this.#message}`))
    const messages = requests.flat()
    // One document twice: two occurrences, and two signatures.
    const twice = requests[0] ?? []
    const authorised = [...messages, ...twice]
    const agent = new Agent()
    const body = {
      credentialID: credential.id,
      numSignatures: authorised.length,
      ...(credential.scal === 2 ? { hashes: authorised.map(base64Hash) } : {}),
      hashAlgorithmOID: OID.sha256,
      authData: [{ id: 'PIN', value: credential.pin }],
    }
    const answer = await this.#call(agent, `${url}/csc/v2/credentials/authorize`, body)
    if (answer.status !== 200) throw new Error(`not authorised: ${answer.status} ${answer.text}`)
    const { SAD: sad } = JSON.parse(answer.text) as { SAD: string }
    this.#ground.keepSecret(sad)
    const greedy = requests.slice(1, 1 + Math.ceil(requests.length * GREED))
    const asked = [...requests, twice, ...greedy, ...greedy]
    for (const each of shuffled(asked)) this.#jobs.push({ sad, credential, messages: each })
  }

  async #work(client: number): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    let at = client
    while (!this.#stopped) {
      const job = this.#jobs.shift()
      if (job === undefined) {
        await delay(PAUSE_MS)
        continue
      }
      for (let left = TRIES; left > 0; left--) {
        const urls = this.#options.urls()
        const answer = await this.#sign(agent, urls[at % urls.length] ?? '', job)
        if (answer.status !== 0 && answer.status !== 503) break
        if (left === 1) this.abandoned++
        at++
        // A server that is gone has a neighbour; where there is none, it is given a moment.
        if (urls.length === 1 || answer.status === 503) await delay(PAUSE_MS)
      }
      if (this.#options.thinkingMs !== undefined) await delay(this.#options.thinkingMs)
    }
    agent.destroy()
  }

  async #sign(agent: Agent, url: string, job: Job): Promise<Answer> {
    const { sad, credential, messages } = job
    const answer = await this.#call(agent, `${url}/csc/v2/signatures/signHash`, {
      credentialID: credential.id,
      SAD: sad,
      hashes: messages.map(base64Hash),
      hashAlgorithmOID: OID.sha256,
      signAlgo: credential.keyType === 'P-256' ? OID.ecdsa256 : OID.rsa256,
    })
    this.requests++
    this.slowestMs = Math.max(this.slowestMs, answer.ms)
    const what = answer.status === 200 ? '' : ` ${answer.text}`
    const retry = answer.retryAfter === undefined ? '' : ` Retry-After: ${answer.retryAfter}`
    const seen = `${answer.status}${what}${retry}`
    this.answers.set(seen, (this.answers.get(seen) ?? 0) + 1)
    if (answer.status === 200) this.#enter(answer, job)
    this.onAnswer(answer)
    return answer
  }

  #enter(answer: Answer, { sad, credential, messages }: Job): void {
    this.times.push(answer.ms)
    const { signatures } = JSON.parse(answer.text) as { signatures: string[] }
    const sadHash = sha256(sad).toString('hex')
    messages.forEach((message, index) => {
      const { certificate, keyType } = credential
      const signature = signatures[index] ?? ''
      this.#ground.ledger.enter({ sadHash, message, signature, certificate, keyType })
    })
  }

  #call(agent: Agent, url: string, body: object): Promise<Answer> {
    return call(url, { agent, accessToken: this.#ground.client.accessToken, body })
  }
}

/** One request; it never throws. */
export function call(
  url: string,
  {
    agent,
    accessToken,
    body,
  }: { readonly agent: Agent; readonly accessToken: string; readonly body: object },
): Promise<Answer> {
  const start = performance.now()
  return new Promise((resolve) => {
    const done = (status: number, text: string, retryAfter?: string): void =>
      resolve({ status, text, retryAfter, ms: performance.now() - start })
    const payload = JSON.stringify(body)
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(payload),
      authorization: `Bearer ${accessToken}`,
    }
    const sent = httpRequest(url, { method: 'POST', agent, headers, timeout: PATIENCE_MS }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        if (response.complete) done(response.statusCode ?? 0, text, response.headers['retry-after'])
        else done(0, 'cut')
      })
      response.on('error', (error: NodeJS.ErrnoException) => done(0, error.code ?? error.message))
    })
    sent.on('timeout', () => sent.destroy(new Error(`no answer in ${PATIENCE_MS} ms`)))
    sent.on('error', (error: NodeJS.ErrnoException) => done(0, error.code ?? error.message))
    sent.end(payload)
  })
}

const base64Hash = (message: string): string => sha256(message).toString('base64')

function shuffled<T>(list: readonly T[]): T[] {
  const left = [...list]
  for (let at = left.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1))
    const [a, b] = [left[at], left[other]]
    if (a !== undefined && b !== undefined) [left[at], left[other]] = [b, a]
  }
  return left
}
