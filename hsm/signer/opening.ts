import type { Module, Session } from 'graphene-pk11'
import { provider } from '../providers.ts'
import { decodeModule, decodeStart, encodeStarted, type Start, type TokenAccess } from '../starting.ts'
import { WireError, Writer } from '../payload.ts'
import type { Operation } from '../wire.ts'
import { connect, finalize, type Connection, type StartOptions } from './connect.ts'
import { login } from './login.ts'
import { openSigner, type Signer } from './signer.ts'
import { openVerifier } from './softwareVerifier.ts'
import type { Verifier } from './verifier.ts'

/** A token of this process: how it was asked for, and where it was found. */
export interface Reached {
  readonly options: StartOptions
  readonly connection: Connection
}

/** What a process is for, once it is open: everything, or only verifying, without a login. */
export type Serving = { readonly signer: Signer } | { readonly verifier: Verifier }

type State =
  | { readonly name: 'new' }
  /** Each token has one login in this process, in this order; `tried` counts them, `anchors` those accepted. */
  | {
      readonly name: 'reached'
      readonly tokens: readonly Reached[]
      readonly anchors: Session[]
      tried: number
    }
  | { readonly name: 'over' }

/**
 * From the first frame to an open signer: start, one login for each token, open. Or, in one step, to a process that only
 * verifies. Each operation is admitted once, in this order.
 */
export class Opening {
  readonly #modules = new Set<Module>()
  #state: State = { name: 'new' }

  /** @returns the answer, and after the last operation what the process serves from then on. */
  async take(operation: Operation | undefined, payload: Buffer): Promise<[answer: Buffer, open?: Serving]> {
    const state = this.#state
    if (state.name === 'new' && operation === 'start') return [await this.#start(decodeStart(payload))]
    if (state.name === 'new' && operation === 'verifier') return this.#verifier(payload)
    if (state.name !== 'reached') throw new WireError('no such operation now')
    const { tokens, anchors } = state
    const next = tokens[state.tried]
    if (
      operation === 'login' &&
      payload.length === 0 &&
      next !== undefined &&
      state.tried === anchors.length
    ) {
      state.tried++
      anchors.push(login(next.connection, next.options))
      return [Buffer.alloc(0)]
    }
    if (operation !== 'open' || payload.length > 2 || anchors.length < tokens.length) {
      throw new WireError('no such operation now')
    }
    const [prepare, concurrency = 1] = payload
    const signer = openSigner({ tokens, anchors, prepare: prepare === 1, concurrency })
    this.#state = { name: 'over' }
    return [new Writer().text(signer.canary.row.name).bytes(signer.canary.spki).end(), { signer }]
  }

  /** Lets the tokens go. */
  finalize(): void {
    for (const module of this.#modules) finalize(module)
  }

  async #start({ token, seals }: Start): Promise<Buffer> {
    const first = await this.#reach(token)
    // The same module is loaded and initialised once; its other token is behind another slot.
    const shared = seals?.module === token.module ? first.connection.module : undefined
    const second = seals === undefined ? undefined : await this.#reach(seals, shared)
    const tokens = second === undefined ? [first] : [first, second]
    this.#state = { name: 'reached', tokens, anchors: [], tried: 0 }
    return encodeStarted({ token: first.connection.hello, seals: second?.connection.hello })
  }

  async #reach(access: TokenAccess, shared?: Module): Promise<Reached> {
    const options = { ...access, provider: provider(access.provider) }
    const connection = await connect(options, shared)
    this.#modules.add(connection.module)
    return { options, connection }
  }

  async #verifier(payload: Buffer): Promise<[Buffer, Serving]> {
    const { module, verifier, description } = await openVerifier(decodeModule(payload))
    this.#modules.add(module)
    this.#state = { name: 'over' }
    return [new Writer().text(description).end(), { verifier }]
  }
}
