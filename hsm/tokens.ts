import { TokenError } from './errors.ts'
import { Logins } from './logins.ts'
import type { MacDomain, Purpose } from './purposes.ts'
import type { KeyRecord } from './records.ts'
import { Token } from './token.ts'
import type {
  ActivateRequest,
  ExtendRequest,
  Generated,
  GenerateRequest,
  Health,
  KeyAttributes,
  LoginGate,
  Preparing,
  Probe,
  SealedRecords,
  SignRequest,
  TokenConfigShape,
  TokenInfo,
  TokenLog,
  TokenMetrics,
} from './types.ts'

export { TokenError } from './errors.ts'
export type { RefusalReason, TokenErrorKind } from './errors.ts'
export type * from './types.ts'

export interface TokensOptions {
  /** In the order of the configuration, which is also that of preference. */
  readonly configs: readonly TokenConfigShape[]
  readonly loginGate: LoginGate
  readonly log: TokenLog
  readonly prepare: boolean | Preparing
}

/** One of several tokens, as configured and as opened. */
export interface OpenToken {
  readonly config: TokenConfigShape
  readonly token: Token
}

/** How several tokens are: up only if each of them is. */
export interface TokensHealth extends Health {
  readonly tokens: readonly (Health & { readonly name: string; readonly serial: string })[]
}

/**
 * All the tokens of a service behind one door: a key is used where its record says it is, a new one is made in the first
 * token that has its purpose. Every method rejects with TokenError, as Token's do.
 */
export class Tokens {
  readonly all: readonly OpenToken[]
  /** The first token with secrets of its own: the service's MACs and random octets come from it. */
  readonly #home: OpenToken

  private constructor(all: readonly OpenToken[], home: OpenToken) {
    this.all = all
    this.#home = home
  }

  /**
   * Opens every token, those that seal for others first.
   * @throws Error or TokenError with one sentence for the operator; nothing is left running.
   */
  static async open(options: TokensOptions): Promise<Tokens> {
    const { configs, loginGate, log } = options
    const logins = new Logins(loginGate, log)
    const open = new Map<TokenConfigShape, Token>()
    const sealing = configs.filter(({ seals }) => seals === undefined)
    try {
      for (const config of [...sealing, ...configs.filter((one) => !sealing.includes(one))]) {
        const seals = sealOf(config, open)
        open.set(
          config,
          await Token.open({ config, seals, loginGate, logins, log, prepare: options.prepare }),
        )
        refuseTwice([...open.values()])
      }
      const all = configs.flatMap((config) => {
        const token = open.get(config)
        return token === undefined ? [] : [{ config, token }]
      })
      const home = all.find(({ config }) => config.seals === undefined)
      if (home === undefined) throw new Error('No token has secrets of its own.')
      return new Tokens(all, home)
    } catch (error) {
      await Promise.all([...open.values()].map((token) => token.close()))
      throw error
    }
  }

  /** Of the token that the service's own secrets are in. */
  get info(): TokenInfo {
    return this.#home.token.info
  }

  get serial(): string {
    return this.info.serial
  }

  get label(): string {
    return this.info.label
  }

  /** The token of this name in the configuration. */
  named(name: string): OpenToken | undefined {
    return this.all.find(({ config }) => config.name === name)
  }

  /** @throws TokenError 'refused' if no token has this serial number. */
  withSerial(serial: string): OpenToken {
    const found = this.all.find(({ token }) => token.serial === serial)
    if (found !== undefined) return found
    throw new TokenError('refused', `The token ${serial} is not configured.`, { reason: 'key' })
  }

  /** Where keys of this purpose are made. @throws TokenError 'refused' if nowhere. */
  makerOf(purpose: Purpose): OpenToken {
    const found = this.all.find(({ config }) => config.purposes?.includes(purpose) ?? true)
    if (found !== undefined) return found
    throw new TokenError('refused', `No token makes keys for '${purpose}'.`, { reason: 'rule' })
  }

  /** See Token.generate. @param serial of the token to make it in; without, the purpose decides. */
  generate(request: GenerateRequest, serial?: string): Promise<Generated> {
    const maker = serial === undefined ? this.makerOf(request.purpose) : this.withSerial(serial)
    return maker.token.generate(request)
  }

  /** See Token.describe. @param serial may be left out while there is one token only. */
  async describe(ckaId: Buffer, serial?: string): Promise<KeyAttributes | undefined> {
    return this.#addressed(serial).describe(ckaId)
  }

  /** See Token.list. @param serial without, the keys of all tokens. */
  async list(serial?: string): Promise<KeyAttributes[]> {
    if (serial !== undefined) return this.withSerial(serial).token.list()
    return (await Promise.all(this.all.map(({ token }) => token.list()))).flat()
  }

  /** See Token.destroy. @param serial may be left out while there is one token only. */
  async destroy(ckaId: Buffer, serial?: string): Promise<boolean> {
    return this.#addressed(serial).destroy(ckaId)
  }

  random(length: number): Promise<Buffer> {
    return this.#home.token.random(length)
  }

  /**
   * See Token.mac.
   * @param serial of the token whose signers will check it: what links a key is authenticated where the key's seals are.
   */
  async mac(domain: MacDomain, data: Buffer, serial?: string): Promise<Buffer> {
    const it = serial === undefined ? this.#home : this.withSerial(serial)
    const sealing = it.config.seals === undefined ? it : this.named(it.config.seals)
    return (sealing ?? it).token.mac(domain, data)
  }

  activate(request: ActivateRequest): Promise<Buffer | undefined> {
    return this.#holder(request.key).activate(request)
  }

  extend(request: ExtendRequest): Promise<Buffer> {
    return this.#holder(request.key).extend(request)
  }

  check(records: SealedRecords): Promise<void> {
    return this.#holder(records.key).check(records)
  }

  sign(request: SignRequest): Promise<Buffer[]> {
    return this.#holder(request.key).sign(request)
  }

  health(): TokensHealth {
    const tokens = this.all.map(({ config, token }) => ({
      name: config.name,
      serial: token.serial,
      ...token.health(),
    }))
    const canaries = tokens.map(({ lastCanaryAt = -Infinity }) => lastCanaryAt)
    const oldest = Math.min(...canaries)
    return {
      up: tokens.every(({ up }) => up),
      lastCanaryAt: oldest === -Infinity ? undefined : oldest,
      signers: tokens.reduce((sum, { signers }) => sum + signers, 0),
      tokens,
    }
  }

  /** Of each token, in the order of the configuration. */
  metrics(): TokenMetrics[] {
    return this.all.map(({ token }) => token.metrics())
  }

  /** See Token.probe. @param serial may be left out while there is one token only. */
  async probe(serial?: string): Promise<Probe> {
    return this.#addressed(serial).probe()
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map(({ token }) => token.close()))
  }

  /** The token that a record names. A serial that none has is for the signers to judge: its seal tells who wrote it. */
  #holder({ tokenSerial }: KeyRecord): Token {
    return (this.all.find(({ token }) => token.serial === tokenSerial) ?? this.#home).token
  }

  #addressed(serial: string | undefined): Token {
    if (serial !== undefined) return this.withSerial(serial).token
    if (this.all.length === 1) return this.#home.token
    throw new Error('Which token? There are several.')
  }
}

function sealOf(config: TokenConfigShape, open: ReadonlyMap<TokenConfigShape, Token>) {
  if (config.seals === undefined) return undefined
  for (const [other, token] of open) {
    if (other.name === config.seals) return { config: other, serial: token.serial }
  }
  throw new Error(
    `The token '${config.name}' takes its seals from '${config.seals}', which has none of its own.`,
  )
}

/** A key names its token by the serial number alone. */
function refuseTwice(tokens: readonly Token[]): void {
  const last = tokens.at(-1)
  if (tokens.some((token) => token !== last && token.serial === last?.serial)) {
    throw new Error(`Two tokens have the serial number ${last?.serial ?? ''}: it must tell them apart.`)
  }
}
