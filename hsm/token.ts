import { keyTypes, schemes, type KeyType } from './algorithms.ts'
import { Canaries } from './canary.ts'
import { checkConfiguration } from './configuration.ts'
import {
  decodeActivation,
  decodeKey,
  encodeCredential,
  encodeKey,
  encodeSealedAuthorisation,
  many,
  readAttributes,
  SEAL_LENGTH,
  whole,
} from './codec.ts'
import { Dispatcher, type Done, type Job } from './dispatcher.ts'
import { TokenError } from './errors.ts'
import { Fleet } from './fleet.ts'
import { provider } from './providers.ts'
import { macDomains, type MacDomain } from './purposes.ts'
import { Release } from './release.ts'
import { encodeActivate, encodeCheck, encodeExtend } from './requests.ts'
import { sealedOctets } from './sealedOctets.ts'
import { Signing } from './signing.ts'
import type { SignerProcess } from './signerProcess.ts'
import type {
  ActivateRequest,
  ExtendRequest,
  Generated,
  GenerateRequest,
  Health,
  KeyAttributes,
  Probe,
  ProbedScheme,
  SealedRecords,
  SignRequest,
  TokenInfo,
  TokenMetrics,
  TokenOptions,
} from './types.ts'
import { Writer } from './payload.ts'

export { TokenError } from './errors.ts'
export type { RefusalReason, TokenErrorKind } from './errors.ts'
export type * from './types.ts'

const MAX_RECORD = 8192
const MAX_RANDOM = 4096

/** Flows of what is not a client's signing, so that neither waits behind the other. */
const FLOW = { management: ' management', activation: ' activation', secrets: ' secrets' } as const

/**
 * The only door to PKCS#11. Supervises the signer processes, queues fairly, and verifies every signature before it
 * leaves. Every method rejects with TokenError.
 */
export class Token {
  readonly info: TokenInfo
  readonly #fleet: Fleet
  readonly #dispatcher: Dispatcher
  readonly #canaries: Canaries
  readonly #signing: Signing
  /** Listings, one after another: a signer keeps one at a time. */
  #listing: Promise<unknown> = Promise.resolve()
  #change: Promise<unknown> = Promise.resolve()

  private constructor(parts: {
    info: TokenInfo
    fleet: Fleet
    dispatcher: Dispatcher
    canaries: Canaries
    signing: Signing
  }) {
    this.info = parts.info
    this.#fleet = parts.fleet
    this.#dispatcher = parts.dispatcher
    this.#canaries = parts.canaries
    this.#signing = parts.signing
  }

  /**
   * Starts the signers, one after another, and logs each in.
   * @throws Error or TokenError with one sentence for the operator; nothing is left running.
   */
  static async open(options: TokenOptions): Promise<Token> {
    checkConfiguration(options)
    const fleet: Fleet = new Fleet(options, {
      onStarted: (signer) => canaries.sing(signer),
      onChange: () => {
        dispatcher.refresh()
      },
    })
    const periodMs = provider(options.config.provider).keepAliveSeconds * 1000
    const canaries = new Canaries(() => fleet.ready, periodMs, options.log)
    const dispatcher = new Dispatcher(fleet)
    const signing = new Signing(dispatcher, new Release(dispatcher, options.log))
    try {
      await fleet.open()
      const [first] = fleet.ready
      if (first === undefined)
        throw new TokenError('unavailable', 'The signers ended as soon as they had started.')
      return new Token({ info: first.hello.info, fleet, dispatcher, canaries, signing })
    } catch (error) {
      canaries.stop()
      dispatcher.close()
      await fleet.close()
      throw error
    }
  }

  get serial(): string {
    return this.info.serial
  }

  get label(): string {
    return this.info.label
  }

  /**
   * Makes a key pair of one purpose, for life. Its attributes are read back, a trial signature proves it, and what is
   * not as asked is destroyed and refused.
   * @throws TokenError 'unknown' if the signer was lost meanwhile: there may be a key under this CKA_ID.
   */
  generate(request: GenerateRequest): Promise<Generated> {
    return this.#changing(() => this.#generateNow(request))
  }

  async #generateNow(request: GenerateRequest): Promise<Generated> {
    const { activation: a } = request
    const w = new Writer(1024)
      .text(request.keyId)
      .bytes(request.ckaId)
      .text(request.keyType)
      .text(request.purpose)
    w.optional(a, (given) => {
      w.bytes(given.salt).u32(given.memoryKiB).u32(given.passes).u32(given.lanes).u32(given.secrets)
      w.bytes(given.stretched)
    })
    const done = await this.#ask({
      flow: FLOW.management,
      operation: 'generate',
      payload: w.end(),
      isSlow: true,
    })
    const generated = whole(done.payload, (r) => {
      const key = decodeKey(r.bytes(MAX_RECORD))
      const activation = r.optional(() => decodeActivation(r.bytes(MAX_RECORD)))
      const attributes = readAttributes(r)
      return { key, ...(activation === undefined ? {} : { activation }), attributes }
    })
    void this.#dispatcher.announce(request.ckaId, done.by, new Writer().bytes(request.ckaId).end())
    return generated
  }

  /** What the token says of the private key under this id; undefined if it has none, the token being alive. */
  async describe(ckaId: Buffer): Promise<KeyAttributes | undefined> {
    const payload = new Writer().bytes(ckaId).end()
    const done = await this.#ask({ flow: FLOW.management, operation: 'describe', payload })
    return whole(done.payload, (r) => r.optional(() => readAttributes(r)))
  }

  /** Every private and secret key. Reads some 20 attributes of each: seconds for thousands of keys. */
  list(): Promise<KeyAttributes[]> {
    const listed = this.#listing.then(() => this.#listNow())
    this.#listing = listed.catch(() => undefined)
    return listed
  }

  /**
   * Destroys both halves.
   * @returns false if there was nothing under this id, the token being alive.
   * @throws TokenError 'refused' (rule) for the service secrets and the canary key.
   */
  destroy(ckaId: Buffer): Promise<boolean> {
    return this.#changing(async () => {
      const payload = new Writer().bytes(ckaId).end()
      const done = await this.#ask({ flow: FLOW.management, operation: 'destroy', payload })
      // Where signers do not see what others make, they do not see what others destroy either.
      if (this.#fleet.restartsForNewKeys) void this.#dispatcher.announce(ckaId, done.by, payload)
      return whole(done.payload, (r) => r.u8() === 1)
    })
  }

  /** Where signers are replaced after each change of the token's keys: one change and its replacements after another. */
  #changing<T>(change: () => Promise<T>): Promise<T> {
    if (!this.#fleet.restartsForNewKeys) return change()
    const changed = this.#change.then(change)
    this.#change = changed.catch(() => undefined).then(() => this.#dispatcher.settled)
    return changed
  }

  /** Octets from the token's generator, 1 to 4096. */
  async random(length: number): Promise<Buffer> {
    const payload = new Writer().u32(length).end()
    const done = await this.#ask({ flow: FLOW.secrets, operation: 'random', payload })
    return whole(done.payload, (r) => Buffer.from(r.bytes(MAX_RANDOM)))
  }

  /** HMAC-SHA256 by the service's MAC secret over canonicalMac(domain, data): 32 octets. */
  async mac(domain: MacDomain, data: Buffer): Promise<Buffer> {
    const payload = new Writer().u8(macDomains.indexOf(domain)).bytes(data).end()
    const done = await this.#ask({ flow: FLOW.secrets, operation: 'mac', payload })
    return whole(done.payload, (r) => Buffer.from(r.exactly(32)))
  }

  /**
   * Compares the holder's secret with the key's verifier, in the signer, and seals what it authorises.
   * @returns the authorisation's seal, or undefined if the secret is wrong.
   * @throws TokenError 'refused': 'seal' for an altered record, 'rule', or 'activation' after too many failures.
   */
  async activate(request: ActivateRequest): Promise<Buffer | undefined> {
    const payload = encodeActivate(request)
    const done = await this.#ask({ flow: FLOW.activation, operation: 'activate', payload })
    return whole(done.payload, (r) => r.optional(() => Buffer.from(r.exactly(SEAL_LENGTH))))
  }

  /** Seals what allows no more than another authorisation, for longer. @throws TokenError as activate, or if it does */
  async extend(request: ExtendRequest): Promise<Buffer> {
    const payload = encodeExtend(request)
    const done = await this.#ask({ flow: FLOW.activation, operation: 'extend', payload })
    return whole(done.payload, (r) => Buffer.from(r.exactly(SEAL_LENGTH)))
  }

  /**
   * Whether these rows are what the signers sealed. For what the service decides before a signer sees them: an altered row
   * must be noticed there, too.
   * @throws TokenError 'refused' with reason 'seal' if one was altered.
   */
  async check(records: SealedRecords): Promise<void> {
    await this.#ask({ flow: FLOW.secrets, operation: 'check', payload: encodeCheck(records) })
  }

  /**
   * Signs every input, in order, each signature verified before it leaves. ECDSA comes as r‖s.
   * @throws TokenError; 'unavailable' and 'refused' only if nothing at all was signed.
   */
  sign(request: SignRequest): Promise<Buffer[]> {
    const { flow, key, scheme, inputs, authorisation, credential } = request
    const records = {
      key: sealedOctets(key, encodeKey),
      authorisation: authorisation && sealedOctets(authorisation, encodeSealedAuthorisation),
      credential: credential && sealedOctets(credential, encodeCredential),
    }
    return this.#signing.sign({ flow, key, scheme: schemes[scheme], inputs, records })
  }

  health(): Health {
    return this.#canaries.health()
  }

  /** Cheap: numbers that are kept anyway. */
  metrics(): TokenMetrics {
    const { up, lastCanaryAt } = this.#canaries.health()
    return { ...this.#fleet.metrics, ...this.#dispatcher.load, serial: this.serial, up, lastCanaryAt }
  }

  /** What this token can do, found by trying with session objects. Takes seconds: RSA keys are made. */
  async probe(): Promise<Probe> {
    const found: ProbedScheme[] = []
    for (const keyType of Object.keys(keyTypes) as KeyType[]) {
      const payload = new Writer().text(keyType).end()
      const done = await this.#ask({ flow: FLOW.management, operation: 'probe', payload, isSlow: true })
      const rows = whole(done.payload, (r) =>
        many(r, () => ({ keyType, scheme: r.name(schemes), works: r.u8() === 1, reason: r.text() })),
      )
      found.push(...rows)
    }
    const mechanisms = this.#fleet.ready[0]?.hello.mechanisms ?? []
    return { info: this.info, mechanisms, schemes: found }
  }

  /** Answers what waits as unavailable, lets the signers log out, and ends them. */
  async close(): Promise<void> {
    this.#canaries.stop()
    this.#dispatcher.close()
    await this.#fleet.close()
  }

  async #listNow(): Promise<KeyAttributes[]> {
    const keys: KeyAttributes[] = []
    let only: SignerProcess | undefined
    for (let page = 0, isLast = false; !isLast; page++) {
      const payload = new Writer().u32(page).end()
      const job = { flow: FLOW.management, operation: 'list', payload, isSlow: true } as const
      const done = await this.#ask(only === undefined ? job : { ...job, only })
      only = done.by
      isLast = whole(done.payload, (r) => {
        const last = r.u8() === 1
        keys.push(...many(r, () => readAttributes(r)))
        return last
      })
    }
    return keys
  }

  #ask(job: Omit<Job, 'cost'>): Promise<Done> {
    return this.#dispatcher.submit({ ...job, cost: 1 })
  }
}
