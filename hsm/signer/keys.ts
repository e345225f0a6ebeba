import type { Handle } from 'pkcs11js'
import type { KeyTypeRow } from '../algorithms.ts'
import type { ProviderRow } from '../providers.ts'
import type { KeyRecord } from '../records.ts'
import type { KeyFlag } from '../types.ts'
import { Failure, refuse } from './answer.ts'
import { CKA } from './cryptoki.ts'
import { readPublic } from './describe.ts'
import { attribute, find, flag, privateKeys, publicKeys } from './objects.ts'
import type { WorkSession } from './sessions.ts'

/** A process that does not see a key lives so long at least: what asks for keys that are gone must not end them all. */
const RENEWAL_MS = 10_000

/** A private key that was looked at and may sign. */
export interface LoadedKey {
  readonly handle: Handle
  readonly row: KeyTypeRow
  readonly spki: Buffer
}

export interface Halves {
  readonly privateKeys: Handle[]
  readonly publicKeys: Handle[]
}

/**
 * Handles by CKA_ID. A search costs 13 µs for each object of the token (1.3 s at 50,000 keys), so all handles are
 * listed once at the start and one search is made for an id that is new; signing never searches.
 */
export class Keys {
  readonly #session: WorkSession
  readonly #provider: ProviderRow
  /** Proves the token alive, or throws. */
  readonly #prove: () => void
  readonly #openedAt = performance.now()
  readonly #known = new Map<string, Halves>()
  readonly #loaded = new Map<string, LoadedKey>()

  constructor(session: WorkSession, provider: ProviderRow, prove: () => void) {
    this.#session = session
    this.#provider = provider
    this.#prove = prove
  }

  /** Lists what the token has. */
  warm(): void {
    const list = (half: keyof Halves, handles: Handle[]): void => {
      for (const handle of handles) {
        const ckaId = attribute(this.#session, handle, CKA.ID)
        if (ckaId === undefined) continue
        const name = ckaId.toString('hex')
        const halves = this.#known.get(name) ?? { privateKeys: [], publicKeys: [] }
        halves[half].push(handle)
        this.#known.set(name, halves)
      }
    }
    list('privateKeys', find(this.#session, privateKeys()))
    list('publicKeys', find(this.#session, publicKeys()))
  }

  /**
   * The key of a record whose seal was found good.
   * @throws Failure 'key' if the token has no such key, two of them, or another one under this id.
   */
  get(record: KeyRecord): LoadedKey {
    const name = record.ckaId.toString('hex')
    let key = this.#loaded.get(name)
    if (key === undefined) {
      key = this.#load(name, record.ckaId)
      this.#loaded.set(name, key)
    }
    if (!key.spki.equals(record.spki) || key.row.name !== record.keyType) {
      throw refuse('key', 'The token holds another key under this id.')
    }
    return key
  }

  /** Forgets a handle that the token no longer takes, or a key that was destroyed. */
  drop(ckaId: Buffer): void {
    const name = ckaId.toString('hex')
    this.#loaded.delete(name)
    this.#known.delete(name)
  }

  /** Both halves under an id, searched anew; two of each at most. */
  search(ckaId: Buffer): Halves {
    const halves = {
      privateKeys: find(this.#session, privateKeys(ckaId), 2),
      publicKeys: find(this.#session, publicKeys(ckaId), 2),
    }
    if (halves.privateKeys.length > 0) this.#known.set(ckaId.toString('hex'), halves)
    return halves
  }

  #load(name: string, ckaId: Buffer): LoadedKey {
    // A pair that was being made while the token was listed may be half known.
    const listed = this.#known.get(name)
    const isWhole = listed?.privateKeys.length === 1 && listed.publicKeys.length === 1
    const halves = isWhole ? listed : this.search(ckaId)
    const [handle] = halves.privateKeys
    const [publicHandle] = halves.publicKeys
    if (handle === undefined || publicHandle === undefined) throw this.#missing()
    if (halves.privateKeys.length > 1 || halves.publicKeys.length > 1) {
      throw refuse('key', 'The token has two keys under this id.')
    }
    const half = readPublic(this.#session, publicHandle)
    if (half === undefined) throw refuse('key', 'The token holds a key of an unknown type under this id.')
    const wrong = this.#wrongFlag(handle)
    if (wrong !== undefined) throw refuse('key', `The key is not one that this service made: ${wrong}.`)
    return { handle, row: half.row, spki: half.spki }
  }

  /**
   * The token is there and shows no such key. To some makes of token a process that is older than the key would say the
   * same (another replica may have made it): such a process gives its place to a new one, though not again and again.
   */
  #missing(): Failure {
    this.#prove()
    if (!this.#provider.restartForNewKeys) return refuse('key', 'The token has no such key.')
    const isOld = performance.now() - this.#openedAt > RENEWAL_MS
    return new Failure(isOld ? 'leaving' : 'unavailable', 'This process does not see such a key.')
  }

  /** A key that was imported, or could leave, does not sign, whatever is written about it elsewhere. */
  #wrongFlag(handle: Handle): string | undefined {
    const expected: [KeyFlag, number, boolean][] = [
      ['sensitive', CKA.SENSITIVE, true],
      ['extractable', CKA.EXTRACTABLE, false],
      ['alwaysSensitive', CKA.ALWAYS_SENSITIVE, true],
      ['neverExtractable', CKA.NEVER_EXTRACTABLE, true],
    ]
    if (this.#provider.local) expected.push(['local', CKA.LOCAL, true])
    return expected.find(([, type, value]) => flag(this.#session, handle, type) !== value)?.[0]
  }
}
