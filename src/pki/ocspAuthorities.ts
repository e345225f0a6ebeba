import { createHash, X509Certificate } from 'node:crypto'
import type { Context } from '../context.ts'
import { certIdHashes, findAuthorities, type AuthorityRow, type CertIdHash } from '../db/ocsp.ts'
import { subjectPublicKey } from './extensions.ts'
import { subjectOf } from './issuers.ts'
import type { CertId } from './ocspRequest.ts'
import type { IssuerHashes } from './ocspResponse.ts'

/** An authority that we answer for. */
export interface Authority {
  readonly row: AuthorityRow
  readonly hashes: Readonly<Record<CertIdHash, IssuerHashes>>
}

/** How long a list is believed: an authority that is new is answered for after this, whoever asks. */
const BELIEVED_MS = 5_000

const ONE: CertIdHash = 'SHA-256'

/** Who issues the certificates that are asked about, found by the hashes of their name and key. */
export class Authorities {
  readonly #ctx: Context
  #all: readonly Authority[] = []
  #byHashes: ReadonlyMap<string, Authority> = new Map()
  #readAt = -Infinity
  #reading: Promise<void> | undefined

  constructor(ctx: Context) {
    this.#ctx = ctx
  }

  /** @returns undefined for anybody else's certificates */
  async find({ hash, issuerNameHash, issuerKeyHash }: CertId): Promise<Authority | undefined> {
    if (hash === undefined) return undefined
    await this.#believed()
    return this.#byHashes.get(nameOf(hash, { name: issuerNameHash, key: issuerKeyHash }))
  }

  /** Whether a certificate of this issuer is one of the authority's, which may have had several certificates itself. */
  isOf(authority: Authority, issuerId: string | null): boolean {
    return authority.row.id === issuerId || this.#named(issuerId) === authority
  }

  /** The one that answers for certificates of this issuer. */
  async ofIssuer(issuerId: string | null): Promise<Authority | undefined> {
    await this.#believed()
    return this.#named(issuerId)
  }

  /** All that answer. */
  async all(): Promise<readonly Authority[]> {
    await this.#believed()
    return [...new Set(this.#byHashes.values())]
  }

  #named(issuerId: string | null): Authority | undefined {
    const issuer = this.#all.find(({ row }) => row.id === issuerId)
    return issuer && this.#byHashes.get(nameOf(ONE, issuer.hashes[ONE]))
  }

  async #believed(): Promise<void> {
    if (performance.now() - this.#readAt > BELIEVED_MS) await this.#read()
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #readNow(): Promise<void> {
    const startedAt = performance.now()
    const rows = await findAuthorities(this.#ctx.db)
    this.#all = rows.map((row) => ({ row, hashes: hashesOf(row.der) }))
    const found = new Map<string, Authority>()
    for (const authority of this.#all) {
      if (!authority.row.isUsable) continue
      for (const hash of certIdHashes) {
        const name = nameOf(hash, authority.hashes[hash])
        // Newest first: of two certificates for one name and key, it is the one that answers.
        if (!found.has(name)) found.set(name, authority)
      }
    }
    this.#byHashes = found
    this.#readAt = startedAt
  }
}

const nameOf = (hash: CertIdHash, { name, key }: IssuerHashes): string =>
  `${hash} ${name.toString('latin1')}${key.toString('latin1')}`

function hashesOf(certificate: Buffer): Authority['hashes'] {
  const name = subjectOf(certificate)
  const spki = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })
  const key = subjectPublicKey(spki)
  const by = (hash: 'sha1' | 'sha256'): IssuerHashes => ({
    name: createHash(hash).update(name).digest(),
    key: createHash(hash).update(key).digest(),
  })
  return { 'SHA-1': by('sha1'), 'SHA-256': by('sha256') }
}
