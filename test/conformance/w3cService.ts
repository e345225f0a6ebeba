import type { KeyType } from '../../hsm/algorithms.ts'
import { PemFiles, selfSigned } from '../support/authority.ts'
import { freePort } from '../support/ownPostgres.ts'
import { startService, type TestService } from '../support/startService.ts'
import { newIssuer } from '../vc/client.ts'

const HOST = '127.0.0.1'
const keyTypes = ['Ed25519', 'P-256', 'P-384'] as const satisfies readonly KeyType[]
type IssuerKeyType = (typeof keyTypes)[number]

/** A service as suites of W3C call it: at https, with an issuer of each type of key. */
export interface JudgedService {
  readonly service: TestService
  /** Of the listener that speaks TLS, by a certificate that nobody vouches for. */
  readonly url: string
  /** DIDs, by type of key. */
  readonly issuers: Readonly<Record<IssuerKeyType, string>>
  close(): Promise<void>
}

export async function openJudgedService(): Promise<JudgedService> {
  const files = new PemFiles()
  const pair = files.pair('server', await selfSigned({ name: 'localhost', hosts: [HOST] }))
  const [port, adminPort] = [await freePort(), await freePort()]
  const url = `https://${HOST}:${port}`
  const admin = `http://${HOST}:${adminPort}`
  const tls = { ...pair, clientCertificates: 'none', minVersion: 'TLSv1.3' } as const
  const service = await startService({
    // Lists of statuses are fetched from where credentials say that they are.
    baseUrl: url,
    listeners: [
      { host: HOST, port: adminPort, url: admin, faces: ['admin'] },
      { host: HOST, port, faces: ['oauth', 'vc', 'public'], tls },
    ],
  })
  const close = async (): Promise<void> => {
    await service.close()
    files.remove()
  }
  try {
    const made = []
    for (const keyType of keyTypes) {
      const { identifier } = await newIssuer(service, { keyType })
      made.push([keyType, identifier] as const)
    }
    return { service, url, issuers: Object.fromEntries(made) as JudgedService['issuers'], close }
  } catch (error) {
    await close()
    throw error
  }
}
