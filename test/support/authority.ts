import 'reflect-metadata'
import { webcrypto, X509Certificate } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 86_400_000
type KeyPair = webcrypto.CryptoKeyPair
const provider = webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]

export interface Issued {
  /** PEM. */
  readonly certificate: string
  /** PEM, PKCS #8. */
  readonly key: string
  readonly x509: X509Certificate
  readonly keys: KeyPair
}

export interface Wanted {
  readonly name: string
  /** DNS names and addresses. */
  readonly hosts?: readonly string[]
  /** Days from now. */
  readonly begins?: number
  readonly ends?: number
  /** A renewed certificate may keep its key. */
  readonly keys?: KeyPair
}

/** An authority of a test, with software keys that nothing but the test believes. */
export class Authority {
  readonly pem: string
  readonly #keys: KeyPair
  readonly #name: string

  private constructor(made: { pem: string; keys: KeyPair; name: string }) {
    this.pem = made.pem
    this.#keys = made.keys
    this.#name = made.name
  }

  static async create(name: string): Promise<Authority> {
    const keys = await newKeys()
    const certificate = await x509.X509CertificateGenerator.createSelfSigned(
      {
        ...validity({ name }),
        name: `CN=${name}`,
        keys,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new x509.BasicConstraintsExtension(true, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        ],
      },
      provider,
    )
    return new Authority({ pem: certificate.toString('pem'), keys, name: `CN=${name}` })
  }

  async issue(wanted: Wanted): Promise<Issued> {
    const keys = wanted.keys ?? (await newKeys())
    const names = (wanted.hosts ?? []).map((value) => ({
      type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const),
      value,
    }))
    const certificate = await x509.X509CertificateGenerator.create(
      {
        ...validity(wanted),
        subject: `CN=${wanted.name}`,
        issuer: this.#name,
        publicKey: keys.publicKey,
        signingKey: this.#keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)],
      },
      provider,
    )
    return issued(certificate, keys)
  }
}

/** A certificate that nobody but its holder vouches for. */
export async function selfSigned(wanted: Wanted): Promise<Issued> {
  const keys = wanted.keys ?? (await newKeys())
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    { ...validity(wanted), name: `CN=${wanted.name}`, keys, signingAlgorithm: ALGORITHM },
    provider,
  )
  return issued(certificate, keys)
}

async function issued(certificate: x509.X509Certificate, keys: KeyPair): Promise<Issued> {
  const pem = certificate.toString('pem')
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.replaceAll(/(.{64})/g, '$1\n')}\n-----END PRIVATE KEY-----\n`
  return { certificate: `${pem}\n`, key, x509: new X509Certificate(pem), keys }
}

function validity({ begins = -1, ends = 90 }: Wanted) {
  const now = Date.now()
  return {
    serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(16))).toString('hex'),
    notBefore: new Date(now + begins * DAY_MS),
    notAfter: new Date(now + ends * DAY_MS),
  }
}

async function newKeys(): Promise<KeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

/** A folder of PEM files. */
export class PemFiles {
  readonly folder = mkdtempSync(join(tmpdir(), 'intaglio-tls-'))

  /** Replaced at once, as those do who know that somebody reads it. @returns its path */
  write(name: string, content: string): string {
    const path = join(this.folder, name)
    writeFileSync(`${path}.new`, content, { mode: 0o600 })
    renameSync(`${path}.new`, path)
    return path
  }

  pair(name: string, { certificate, key }: Issued): { readonly certificate: string; readonly key: string } {
    return {
      certificate: this.write(`${name}.crt`, certificate),
      key: this.write(`${name}.key`, key),
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
