import { CscClient, OID, digest, type CscAnswer, type Mount } from '../csc/client.ts'
import type { TestService } from '../support/startService.ts'

export const HASH = digest('a document')

/** What a holder gave. */
export interface Given {
  readonly PIN?: unknown
  readonly OTP?: unknown
}

const requests: Readonly<Record<Mount, (id: string, given: Given) => Record<string, unknown>>> = {
  '/csc/v1': (credentialID, given) => ({ credentialID, numSignatures: 1, hash: [HASH], ...given }),
  '/csc/v2': (credentialID, given) => ({
    credentialID,
    numSignatures: 1,
    hashes: [HASH],
    hashAlgorithmOID: OID.sha256,
    authData: Object.entries<unknown>({ ...given }).map(([id, value]) => ({ id, value })),
  }),
}

/** A client that asks for authorisations. */
export class Asking {
  readonly service: TestService
  readonly client: CscClient

  private constructor(service: TestService, client: CscClient) {
    this.service = service
    this.client = client
  }

  static async of(service: TestService): Promise<Asking> {
    return new Asking(service, await CscClient.of(service))
  }

  authorize(id: string, given: Given, mount: Mount = '/csc/v2'): Promise<CscAnswer> {
    return this.client.at(mount).call('credentials/authorize', requests[mount](id, given))
  }

  async unlock(id: string): Promise<void> {
    const { officer } = this.service.operators
    await this.service.admin(officer, 'POST /credentials/:id/unlock', { params: { id } })
  }

  /** @param by the client, unless told otherwise */
  async failures(id: string, by = this.service.client.id): Promise<number> {
    const rows = await this.service.sql<{ failures: number }>(
      `select failures from activation_attempt
        where key_id = (select key_id from credential where id = $1) and client_id = $2`,
      [id, by],
    )
    return rows[0]?.failures ?? 0
  }
}
