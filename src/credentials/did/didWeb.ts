/** did:web: a document at an address that the DID says. Those of others are read through the guarded fetch. */
import { isIP } from 'node:net'
import { OutgoingError } from '../../outgoing/errors.ts'
import type { Fetch } from '../../outgoing/fetch.ts'
import { fetchObject } from '../../outgoing/fetchObject.ts'
import type { JsonObject } from '../../signing/strictJson.ts'
import type { VerificationKey } from '../credentialKey.ts'
import type { Relationship } from '../formats/format.ts'
import { partsOfDid, partsOfKeyId } from './did.ts'
import { keyInDocument } from './document.ts'

/** A host by its name, perhaps with a port; then names of folders. */
const HOST = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?:%3A[1-9][0-9]{0,4})?$/i
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._-]+$/

/** Where the document is (did:web, 3.2); undefined for what is no did:web, or names no host. */
export function addressOf(did: string): URL | undefined {
  const parts = partsOfDid(did)
  if (parts?.method !== 'web') return undefined
  const [host = '', ...path] = parts.rest.split(':')
  if (!HOST.test(host) || !path.every((segment) => SEGMENT.test(segment))) return undefined
  const folder = path.length === 0 ? '.well-known' : path.join('/')
  const address = `https://${host.replace(/%3A/i, ':')}/${folder}/did.json`
  const url = URL.canParse(address) ? new URL(address) : undefined
  // 0x7f.1 is a name here and an address there.
  return url === undefined || isIP(url.hostname) !== 0 ? undefined : url
}

/**
 * How long a document is believed: a key that was taken out of it is refused so much later. What could not be read is asked for
 * again sooner. A cache in memory, since replicas need not agree: each is right to within this time.
 */
const KEPT_MS = 60_000
const FAILURE_KEPT_MS = 5_000
/** At 64 KiB each: 16 MiB. */
const DOCUMENTS_MAX = 256

interface Kept {
  readonly until: number
  readonly document: Promise<JsonObject | undefined>
}

/** Documents of others. Nobody's are read unless the configuration names hosts. */
export class DidWebDocuments {
  readonly #fetch: Fetch
  readonly #clock: () => number
  readonly #kept = new Map<string, Kept>()

  constructor({ fetch, clock }: { readonly fetch: Fetch; readonly clock: () => number }) {
    this.#fetch = fetch
    this.#clock = clock
  }

  /** The key that a did:web URL names; undefined where its document does not have it, or cannot be read. */
  async key(id: string, relationship?: Relationship): Promise<VerificationKey | undefined> {
    const controller = partsOfKeyId(id)?.did
    const address = controller === undefined ? undefined : addressOf(controller)
    if (controller === undefined || address === undefined) return undefined
    const document = await this.#document(address)
    return document && keyInDocument(document, { controller, id, relationship, now: new Date(this.#clock()) })
  }

  /** One request for all who ask at a time. */
  #document(address: URL): Promise<JsonObject | undefined> {
    const known = this.#kept.get(address.href)
    if (known !== undefined && known.until > this.#clock()) return known.document
    const document = this.#read(address)
    this.#keep(address.href, { until: this.#clock() + KEPT_MS, document })
    return document
  }

  async #read(address: URL): Promise<JsonObject | undefined> {
    try {
      return await fetchObject(this.#fetch, { purpose: 'did-web', url: address })
    } catch (error) {
      if (!(error instanceof OutgoingError)) throw error
      this.#keep(address.href, {
        until: this.#clock() + FAILURE_KEPT_MS,
        document: Promise.resolve(undefined),
      })
      return undefined
    }
  }

  #keep(address: string, kept: Kept): void {
    this.#kept.delete(address)
    this.#kept.set(address, kept)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= DOCUMENTS_MAX) break
      this.#kept.delete(oldest)
    }
  }
}
