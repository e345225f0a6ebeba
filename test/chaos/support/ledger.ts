import { createHash, createPublicKey, verify, X509Certificate, type KeyObject } from 'node:crypto'
import type { KeyType } from '../../../hsm/algorithms.ts'

/** A signature that a client holds in hand. */
export interface Received {
  /** SHA-256 of the SAD, in hex: what the database knows of it. */
  readonly sadHash: string
  /** In hex. */
  readonly digest: string
  /** SHA-256, in hex, of the signature as the token makes it. */
  readonly signatureHash: string
}

/** What the clients of a campaign saw. It outlives every server. */
export class Ledger {
  readonly received: Received[] = []
  /** Signatures that do not verify; each is a failure of the whole. */
  readonly wrong: string[] = []
  readonly #keys = new Map<string, KeyObject>()

  /** Verifies what came for a message, and writes it down. */
  enter(entry: {
    readonly sadHash: string
    readonly message: string
    readonly signature: string
    readonly certificate: Buffer
    readonly keyType: KeyType
  }): void {
    const signature = Buffer.from(entry.signature, 'base64')
    // The message is known, so that node:crypto hashes it and judges the whole.
    const good = verify('sha256', Buffer.from(entry.message), this.#keyOf(entry.certificate), signature)
    const digest = sha256(Buffer.from(entry.message)).toString('hex')
    if (!good) this.wrong.push(`${digest} ${entry.signature}`)
    const made = entry.keyType === 'P-256' ? rawOf(signature, 32) : signature
    this.received.push({
      sadHash: entry.sadHash,
      digest,
      signatureHash: sha256(made).toString('hex'),
    })
  }

  #keyOf(certificate: Buffer): KeyObject {
    const name = certificate.toString('latin1')
    let key = this.#keys.get(name)
    if (key === undefined) {
      key = createPublicKey(
        new X509Certificate(certificate).publicKey.export({ format: 'pem', type: 'spki' }),
      )
      this.#keys.set(name, key)
    }
    return key
  }
}

export function sha256(data: Buffer | string): Buffer {
  return createHash('sha256').update(data).digest()
}

/** r ‖ s of an Ecdsa-Sig-Value with lengths below 128 octets. */
function rawOf(der: Buffer, size: number): Buffer {
  const parts: Buffer[] = []
  for (let at = 2; at < der.length;) {
    const length = der[at + 1] ?? 0
    const integer = der.subarray(at + 2, at + 2 + length)
    parts.push(Buffer.concat([Buffer.alloc(size), integer]).subarray(-size))
    at += 2 + length
  }
  return Buffer.concat(parts)
}
