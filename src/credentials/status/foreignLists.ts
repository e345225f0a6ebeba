/** Status lists of others: asked for through the guarded fetch, verified, and kept for as long as they allow. */
import { OutgoingError, type OutgoingReason } from '../../outgoing/errors.ts'
import type { Fetch } from '../../outgoing/fetch.ts'
import { Flaw } from '../../signing/flaw.ts'
import type { VerifyRequest } from '../formats/format.ts'
import { listForms, type ForeignList, type ListForm } from './foreignList.ts'

/** What could not be had is asked for again after this; so is what is no good list. */
const FAILURE_KEPT_MS = 5_000
/** Lists in memory, and their octets unpacked: a million entries have 128 KiB of them at one bit. */
const LISTS_MAX = 256
const OCTETS_MAX = 64 * 1024 * 1024
/** Requests under way at a time: each may hold a megabyte, and a place for fifteen seconds. */
const ASKED_MAX = 32
/** Milliseconds after which one verification begins to ask for no further list, however many its credentials name. */
const PATIENCE_MS = 20_000
/** As long as any URL that a credential may have. */
const URL_MAX = 2_048

export interface AskedList {
  readonly url: unknown
  readonly form: ListForm
}
/** @throws Flaw: 'status-unknown' for a list that could not be had, and others for one that is not good */
export type ReadList = (asked: AskedList) => Promise<ForeignList>

/** Of a credential that is not good anyway: what nobody has signed sends us nowhere. */
export const readNone: ReadList = () =>
  Promise.reject(unknown('not fetched, since the credential is not good'))

interface Kept {
  readonly until: number
  readonly octets: number
  readonly list: Promise<ForeignList | Flaw>
}

/**
 * Nobody's are read unless the configuration names hosts. A cache in memory, as for documents of did:web: replicas need not
 * agree, since each is right to within what the list allows.
 */
export class ForeignLists {
  readonly #fetch: Fetch
  readonly #clock: () => number
  readonly #resolve: VerifyRequest['resolve']
  readonly #patienceMs: number
  readonly #kept = new Map<string, Kept>()
  #octets = 0
  #asked = 0

  constructor(parts: {
    readonly fetch: Fetch
    readonly clock: () => number
    readonly resolve: VerifyRequest['resolve']
    readonly patienceMs?: number
  }) {
    this.#fetch = parts.fetch
    this.#clock = parts.clock
    this.#resolve = parts.resolve
    this.#patienceMs = parts.patienceMs ?? PATIENCE_MS
  }

  /** For one verification. */
  reader(): ReadList {
    const end = performance.now() + this.#patienceMs
    return async ({ url, form }) => {
      const address = addressOf(url)
      if (performance.now() >= end) throw unknown('the lists before it have taken too long')
      const list = await this.#list(address, form)
      if (list instanceof Flaw) throw list
      return list
    }
  }

  /** One request for all who ask at a time. */
  #list(address: URL, form: ListForm): Promise<ForeignList | Flaw> {
    const name = `${form} ${address.href}`
    const known = this.#kept.get(name)
    if (known !== undefined && known.until > this.#clock()) return known.list
    if (this.#asked >= ASKED_MAX) return Promise.resolve(unknown('too many lists are being fetched now'))
    this.#asked++
    const list = this.#read(address, form).finally(() => this.#asked--)
    this.#keep(name, { until: Infinity, octets: 0, list })
    // Whoever waits for it is told by `list`; what is thrown besides is a fault of ours, and theirs to see.
    list.then(
      (read) => this.#keep(name, { list, ...(read instanceof Flaw ? this.#failed() : lengthOf(read)) }),
      () => this.#keep(name, undefined),
    )
    return list
  }

  async #read(address: URL, form: ListForm): Promise<ForeignList | Flaw> {
    const { accept, read } = listForms[form]
    try {
      const asked = { purpose: 'status-list', method: 'GET', url: address, headers: { accept } } as const
      const { status, body } = await this.#fetch(asked)
      if (status !== 200) return unknown(`its server answered ${String(status)}`)
      const it = { url: address.href, body, now: this.#clock(), resolve: this.#resolve }
      return await read(it)
    } catch (error) {
      if (error instanceof OutgoingError) return unknown(WORDS[error.reason])
      if (error instanceof Flaw) return ofList(error)
      throw error
    }
  }

  #failed(): Omit<Kept, 'list'> {
    return { until: this.#clock() + FAILURE_KEPT_MS, octets: 0 }
  }

  #keep(name: string, kept: Kept | undefined): void {
    this.#forget(name)
    if (kept === undefined) return
    this.#kept.set(name, kept)
    this.#octets += kept.octets
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= LISTS_MAX && this.#octets <= OCTETS_MAX) break
      this.#forget(oldest)
    }
  }

  #forget(name: string): void {
    this.#octets -= this.#kept.get(name)?.octets ?? 0
    this.#kept.delete(name)
  }
}

const lengthOf = ({ until, bits }: ForeignList): Omit<Kept, 'list'> => ({ until, octets: bits.octets.length })

function unknown(why: string): Flaw {
  return new Flaw('status-unknown', `The status list of somebody else: ${why}`)
}

/** What is wrong with the list is wrong with the credential under a name of its own: it is not the credential's signature. */
function ofList({ problem, message }: Flaw): Flaw {
  if (problem.startsWith('status-')) return new Flaw(problem, `The status list: ${message}`)
  if (problem === 'expired' || problem === 'proof-expired')
    return new Flaw('status-list-expired', `The status list: ${message}`)
  return new Flaw('status-list-invalid', `The status list: ${problem}: ${message}`)
}

/** @throws Flaw */
function addressOf(url: unknown): URL {
  if (typeof url !== 'string' || url.length > URL_MAX || !URL.canParse(url))
    throw new Flaw('status-malformed', 'The status list: its address is no URL')
  const address = new URL(url)
  if (address.href !== url)
    throw new Flaw('status-malformed', 'The status list: its address is not written as URLs are')
  return address
}

/** TABLE of why it could not be had. */
const WORDS: Readonly<Record<OutgoingReason, string>> = {
  not_https: 'its address is not https',
  host_not_allowed: 'its host is not one that lists are fetched from here',
  not_resolved: 'its host has no address',
  address_not_allowed: 'its host has an address that is not public',
  connect_timeout: 'its server was not reached in time',
  connection_failed: 'its server was not reached, or broke off',
  tls_failed: 'the certificate of its server is not good',
  headers_timeout: 'its server did not answer in time',
  timeout: 'its server did not answer in time',
  redirected: 'its server sends us elsewhere, and nobody goes there',
  too_large: 'it is larger than lists may be',
  not_found: 'its server answered none',
  not_json: 'its server answered none',
  aborted: 'it was not waited for',
}
