import { Registry } from 'prom-client'
import type { Purpose } from '../hsm/purposes.ts'
import type { DatabaseObserver, StatementFailure } from './db/database.ts'
import type { JobKind } from './db/jobs.ts'
import { CountFamily, HistogramFamily } from './metrics/families.ts'
import { messageKinds, type MessageKind } from './sender.ts'

/** Steps of a signature's life: where src/signing waits for somebody else. */
export type Step = 'authorise' | 'reserve' | 'sign' | 'complete'
/** What became of an attempt to sign; unknown: the token may have signed, and nothing left. */
export type Outcome = 'signed' | 'refused' | 'unknown'
/** Of a holder's secret: right, wrong, or not looked at since there were too many wrong ones. */
export type Activation = 'accepted' | 'wrong' | 'locked'

/** Seconds: from a software token's P-256 to a network HSM under load, and on to the deadlines. */
const SECONDS = [0.0005, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1, 2.5, 5, 10]
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000]

const OCSP_ANSWERS = [
  'good',
  'revoked',
  'unknown',
  'several',
  'malformedRequest',
  'unauthorized',
  'tryLater',
  'internalError',
]

/** Statements after which something new is on the disk. */
const WRITES: ReadonlySet<string> = new Set([
  'authorisation-reserve',
  'authorisation-reserve-key',
  'authorisation-take-key',
  'authorisation-service',
  'authorisation-complete',
  'timestamp-reserve',
  'timestamp-complete',
  'audit-insert',
  'instance-hold',
  'signature-counter-take',
])

export interface RequestDone {
  readonly face: string
  /** Of a face that is mounted for several versions of its protocol: which one; else 'none'. */
  readonly mount: string
  /** The route's pattern, never the path that was asked for. */
  readonly endpoint: string
  readonly status: number
  /** By performance.now(). */
  readonly startedAt: number
  /** The refusal's code, or 'bug'. */
  readonly refusal: string | undefined
}

/**
 * What is counted while the service works; what is looked up when somebody asks is in metrics/gauges.ts. A registry for
 * each service, so that several can live in one process. No label names a person, a credential, a client or an address.
 */
export class Metrics implements DatabaseObserver {
  readonly registry = new Registry()
  /** By performance.now(); undefined: nothing was written yet. */
  lastWriteAt: number | undefined
  /** By performance.now(): the first message that failed since one went; undefined: the last one went. */
  messagesFailSince: number | undefined

  readonly #attempts = counts(this.registry, 'attempts_total', {
    help: 'Attempts to sign that were closed.',
    labels: ['outcome'],
  })
  readonly #activations = counts(this.registry, 'activations_total', {
    help: "Holders' secrets by verdict.",
    labels: ['outcome'],
  })
  readonly #refusals = counts(this.registry, 'refusals_total', {
    help: 'Requests that were refused, by neutral code.',
    labels: ['face', 'mount', 'code'],
  })
  readonly #requests = counts(this.registry, 'http_requests_total', {
    help: 'HTTP requests that ended, by class of status.',
    labels: ['face', 'mount', 'endpoint', 'status'],
  })
  readonly #databaseErrors = counts(this.registry, 'database_errors_total', {
    help: 'Statements that failed, by SQLSTATE or errno.',
    labels: ['code'],
  })
  readonly #jobs = counts(this.registry, 'jobs_total', {
    help: 'Jobs by what became of an attempt at them; dead: given up.',
    labels: ['kind', 'outcome'],
  })
  readonly #messages = counts(this.registry, 'messages_total', {
    help: 'Messages to holders; failed: whoever asked for it was told to come back.',
    labels: ['kind', 'outcome'],
  })
  readonly #counted = counts(this.registry, 'counted_signatures_total', {
    help: 'Signatures that are counted and not audited.',
    labels: ['purpose'],
  })
  readonly #ocsp = counts(this.registry, 'ocsp_answers_total', {
    help: 'OCSP answers by what they say; several: of more than one certificate.',
    labels: ['answer'],
  })
  readonly #tokensIssued = counts(this.registry, 'oauth_tokens_issued_total', {
    help: 'OAuth access tokens issued.',
  }).of()
  readonly #signature = seconds(this.registry, 'signature_seconds', {
    help: 'Signature requests that were answered, from authorise to complete.',
  }).of()
  readonly #steps = seconds(this.registry, 'signature_step_seconds', {
    help: 'Steps of signature requests that went well.',
    labels: ['step'],
  })
  readonly #hashes = sizes(this.registry, 'signature_hashes', { help: 'Hashes of a signature request.' }).of()
  readonly #requestSeconds = seconds(this.registry, 'http_request_seconds', {
    help: 'HTTP requests, until their connection was free again.',
    labels: ['face', 'mount'],
  })
  readonly #statements = seconds(this.registry, 'database_statement_seconds', {
    help: 'Named statements that went well, with the wait for a connection.',
    labels: ['statement'],
  })
  readonly #batches = sizes(this.registry, 'group_commit_requests', {
    help: 'Requests that one statement served.',
    labels: ['statement'],
  })

  constructor() {
    // A count that is there before it first counts is one that an alert can look at.
    for (const outcome of ['signed', 'refused', 'unknown']) this.#attempts.of(outcome)
    for (const outcome of ['accepted', 'wrong', 'locked']) this.#activations.of(outcome)
    for (const kind of ['signature', 'notification'])
      for (const outcome of ['done', 'failed', 'dead']) this.#jobs.of(kind, outcome)
    for (const kind of messageKinds)
      for (const outcome of ['sent', 'failed']) this.#messages.of(kind, outcome)
    this.#counted.of('ocsp')
    for (const answer of OCSP_ANSWERS) this.#ocsp.of(answer)
    for (const step of ['authorise', 'reserve', 'sign', 'complete']) this.#steps.of(step)
  }

  /** @param startedAt by performance.now() */
  step(name: Step, startedAt: number): void {
    this.#steps.of(name).secondsSince(startedAt)
  }

  /** A request for signatures that were all made and recorded. */
  signed(hashes: number, startedAt: number): void {
    this.#signature.secondsSince(startedAt)
    this.#hashes.observe(hashes)
    this.attempt('signed')
  }

  attempt(outcome: Outcome): void {
    this.#attempts.of(outcome).value++
  }

  activation(outcome: Activation): void {
    this.#activations.of(outcome).value++
  }

  job(kind: JobKind, outcome: 'done' | 'failed' | 'dead'): void {
    this.#jobs.of(kind, outcome).value++
  }

  message(kind: MessageKind, outcome: 'sent' | 'failed'): void {
    this.#messages.of(kind, outcome).value++
    this.messagesFailSince = outcome === 'sent' ? undefined : (this.messagesFailSince ?? performance.now())
  }

  signatureCounted(purpose: Purpose, signatures: number): void {
    this.#counted.of(purpose).value += signatures
  }

  /** @param answer a status of a certificate, or an OCSPResponseStatus */
  ocsp(answer: string): void {
    this.#ocsp.of(answer).value++
  }

  tokenIssued(): void {
    this.#tokensIssued.value++
  }

  request(done: RequestDone): void {
    const { face, mount, endpoint, status, startedAt, refusal } = done
    this.#requests.of(face, mount, endpoint, `${Math.floor(status / 100)}xx`).value++
    this.#requestSeconds.of(face, mount).secondsSince(startedAt)
    if (refusal !== undefined) this.#refusals.of(face, mount, refusal).value++
  }

  statement(name: string, startedAt: number): void {
    const now = performance.now()
    this.#statements.of(name).observe((now - startedAt) / 1000)
    if (WRITES.has(name)) this.lastWriteAt = now
  }

  statementFailed({ code }: StatementFailure): void {
    this.#databaseErrors.of(code).value++
  }

  batch(name: string, requests: number): void {
    this.#batches.of(name).observe(requests)
  }
}

interface Said {
  readonly help: string
  readonly labels?: readonly string[]
}

const PREFIX = 'intaglio_'

function counts(registry: Registry, name: string, said: Said): CountFamily {
  return new CountFamily(registry, { name: `${PREFIX}${name}`, ...said })
}

function seconds(registry: Registry, name: string, said: Said): HistogramFamily {
  return new HistogramFamily(registry, { name: `${PREFIX}${name}`, ...said, bounds: SECONDS })
}

function sizes(registry: Registry, name: string, said: Said): HistogramFamily {
  return new HistogramFamily(registry, { name: `${PREFIX}${name}`, ...said, bounds: SIZES })
}
