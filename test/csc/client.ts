import { createHash } from 'node:crypto'
import type { TestCredential, TestService } from '../support/startService.ts'

export interface CscAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

export type Mount = '/csc/v1' | '/csc/v2'

export const OID = {
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
  ecPublicKey: '1.2.840.10045.2.1',
  ecdsa256: '1.2.840.10045.4.3.2',
  ecdsa384: '1.2.840.10045.4.3.3',
  ecdsa512: '1.2.840.10045.4.3.4',
  rsa: '1.2.840.113549.1.1.1',
  rsa256: '1.2.840.113549.1.1.11',
  rsa384: '1.2.840.113549.1.1.12',
  rsa512: '1.2.840.113549.1.1.13',
  pss: '1.2.840.113549.1.1.10',
  ed25519: '1.3.101.112',
} as const

export const digest = (text: string, hash = 'sha256'): string =>
  createHash(hash).update(text).digest('base64')

/** An error as the CSC API writes it. */
export const refusal = (error_description: string, error = 'invalid_request') => ({
  error,
  error_description,
})

/** A client of the CSC API that knows nothing but the API. */
export class CscClient {
  readonly service: TestService
  readonly token: string
  readonly mount: Mount

  private constructor(service: TestService, token: string, mount: Mount) {
    this.service = service
    this.token = token
    this.mount = mount
  }

  static async of(
    service: TestService,
    client = service.client,
    mount: Mount = '/csc/v2',
  ): Promise<CscClient> {
    return new CscClient(service, await service.serviceToken(client), mount)
  }

  /** The same client at the other mount. */
  at(mount: Mount): CscClient {
    return new CscClient(this.service, this.token, mount)
  }

  async call(method: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<CscAnswer> {
    const response = await fetch(`${this.service.url}${this.mount}/${method}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${this.token}`,
        ...headers,
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await response.text()
    const answer = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
    if (typeof answer['SAD'] === 'string') this.service.keepSecret(answer['SAD'])
    return { status: response.status, headers: response.headers, body: answer }
  }

  /** @throws Error unless the answer is 200 */
  async get(method: string, body: unknown): Promise<Record<string, unknown>> {
    const answer = await this.call(method, body)
    if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  async authorize(
    credential: TestCredential,
    hashes: readonly string[],
    more: Record<string, unknown> = {},
  ): Promise<string> {
    const body = await this.get('credentials/authorize', {
      credentialID: credential.id,
      numSignatures: hashes.length,
      hashes,
      hashAlgorithmOID: OID.sha256,
      authData: [{ id: 'PIN', value: credential.pin }],
      ...more,
    })
    return String(body['SAD'])
  }

  async sign(
    credential: TestCredential,
    hashes: readonly string[],
    more: Record<string, unknown> = {},
  ): Promise<string[]> {
    const body = await this.get('signatures/signHash', {
      credentialID: credential.id,
      hashes,
      signAlgo: OID.ecdsa256,
      ...more,
    })
    return body['signatures'] as string[]
  }
}
