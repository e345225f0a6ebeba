import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { Named } from '../config/databaseTls.ts'
import { ConfigError } from '../config/load.ts'

/** Files of one end of TLS; whoever replaces them may do so one after the other, or all at once by a symbolic link. */
export interface TlsFiles {
  readonly certificate?: Named | undefined
  readonly key?: Named | undefined
  readonly ca?: Named | undefined
}

/** What stands in the files, as node:tls takes it. Never logged: it holds a private key. */
export interface TlsMaterial {
  readonly cert?: Buffer
  readonly key?: Buffer
  readonly ca?: Buffer
  /** When the certificate ends. */
  readonly endsAt?: Date
}

/**
 * Reads and checks them: each can be read, the key is the certificate's, the certificate is valid now.
 * @throws ConfigError whose sentence begins with the path in the configuration
 */
export function readTlsFiles(files: TlsFiles): TlsMaterial {
  const ca = files.ca === undefined ? undefined : readAuthorities(files.ca)
  const own = files.certificate && files.key ? readPair(files.certificate, files.key) : {}
  const material = { ...own, ...(ca === undefined ? {} : { ca }) }
  try {
    createSecureContext(material)
  } catch (error) {
    const { path } = files.certificate ?? files.ca ?? { path: 'tls' }
    throw new ConfigError([`${path}: OpenSSL does not take it (${(error as Error).message})`])
  }
  return material
}

function readPair(certificate: Named, key: Named): TlsMaterial {
  const [cert, keyOctets] = [read(certificate), read(key)]
  const x509 = parsed(certificate, 'no PEM certificate', () => new X509Certificate(cert))
  const privateKey = parsed(key, 'no unencrypted PEM private key', () => createPrivateKey(keyOctets))
  if (!x509.checkPrivateKey(privateKey)) {
    throw new ConfigError([
      `${key.path}: ${key.file} is not the key of the first certificate in ${certificate.file}`,
    ])
  }
  const [begins, endsAt] = [new Date(x509.validFrom), new Date(x509.validTo)]
  const now = Date.now()
  const dated = (what: string, when: Date): ConfigError =>
    new ConfigError([`${certificate.path}: the certificate in ${certificate.file} ${what} ${day(when)}`])
  if (endsAt.getTime() <= now) throw dated('ended on', endsAt)
  if (begins.getTime() > now) throw dated('begins only on', begins)
  return { cert, key: keyOctets, endsAt }
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

function readAuthorities(ca: Named): Buffer {
  const octets = read(ca)
  parsed(ca, 'no PEM certificates', () => {
    const blocks = octets.toString('latin1').match(PEM_CERTIFICATE) ?? []
    if (blocks.length === 0) throw new Error('none')
    return blocks.map((block) => new X509Certificate(block))
  })
  return octets
}

function read({ file, path }: Named): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable'
    throw new ConfigError([`${path}: ${file} cannot be read (${code})`])
  }
}

/** @param lacks what it should hold, for the sentence where it does not */
function parsed<T>({ file, path }: Named, lacks: string, work: () => T): T {
  try {
    return work()
  } catch {
    throw new ConfigError([`${path}: ${file} holds ${lacks}`])
  }
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10)
}
