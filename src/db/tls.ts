import type { ConnectionOptions } from 'node:tls'
import pg from 'pg'
import type { Logger } from 'pino'
import {
  databaseTls,
  SYSTEM_CA,
  withoutTls,
  type DatabaseRole,
  type DatabaseTls,
} from '../../config/databaseTls.ts'
import type { Config } from '../../config/config.ts'
import { readTlsFiles, type TlsFiles, type TlsMaterial } from '../tlsFiles.ts'
import { watchTlsFiles } from '../tlsWatch.ts'

/** Where a role connects to, and how each new connection is encrypted. */
export interface DatabaseAccess {
  /** Says nothing of TLS: pg would take that for more than what is here. */
  readonly url: string
  /** For a connection that is opened now; false: plain. */
  readonly ssl: () => ConnectionOptions | false
  /** No file is looked at any more. */
  readonly close: () => void
}

/**
 * Files that change are used for the next connection; those that are open keep theirs.
 * @throws ConfigError for files that cannot be used
 */
export function databaseAccess(
  database: Config['database'],
  { role, log }: { readonly role: DatabaseRole; readonly log: Logger },
): DatabaseAccess {
  const url = withoutTls(database[role] ?? '')
  const tls = databaseTls(database, role)
  if (tls === undefined) return { url, ssl: () => false, close: () => undefined }
  const { certificate, key, ca } = tls
  const files: TlsFiles = { certificate, key, ca: ca?.file === SYSTEM_CA ? undefined : ca }
  let material = readTlsFiles(files)
  const use = (renewed: TlsMaterial): void => {
    material = renewed
  }
  const close = watchTlsFiles({ files, material, log, use })
  return { url, ssl: () => connectionOptions(tls, material), close }
}

function connectionOptions({ mode }: DatabaseTls, { cert, key, ca }: TlsMaterial): ConnectionOptions {
  return {
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(ca === undefined ? {} : { ca }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: mode !== 'require',
    // verify-ca: the authority is checked, and not whose certificate it is.
    ...(mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  }
}

/** A pool keeps its options for life; this asks for the TLS of each connection when it is opened. */
export function clientWith(ssl: DatabaseAccess['ssl']): new () => pg.Client {
  return class extends pg.Client {
    constructor(config?: pg.ClientConfig) {
      super({ ...config, ssl: ssl() })
    }
  }
}

/** What OpenSSL and Node say of a server that is not believed, or that does not believe us. */
const TLS_CODE =
  /^ERR_(SSL|TLS)_|^CERT_|SELF_SIGNED_CERT|^UNABLE_TO_(VERIFY|GET|DECODE|DECRYPT)|_CRL|^INVALID_(CA|PURPOSE)$|^HOSTNAME_MISMATCH$/

export function isTlsError(code: string): boolean {
  return TLS_CODE.test(code)
}
