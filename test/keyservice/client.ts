import { randomBytes } from 'node:crypto'
import type { TestService } from '../support/startService.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Undefined where it is no JSON. */
  readonly body: Record<string, unknown> | undefined
}

export interface MadeKey {
  readonly id: string
  readonly controller: string
  readonly secrets: string[]
  readonly method: Record<string, unknown>
}

export const CONTEXT_1 = 'https://www.w3.org/2018/credentials/v1'
export const CONTEXT_2 = 'https://www.w3.org/ns/credentials/v2'

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  501: 'Not Implemented',
  503: 'Service Unavailable',
}

/** A refusal as this face writes it. */
export const problem = (status: number, code: string, detail: string) => ({
  type: 'about:blank',
  title: TITLES[status],
  status,
  code,
  detail,
})
export const badRequest = (detail: string) => problem(400, 'invalid_request', detail)
export const unknownKey = problem(404, 'not_found', 'There is no such key.')
export const wrongSecrets = problem(403, 'wrong_secrets', 'The secrets are wrong.')
export const throttled = problem(
  429,
  'throttled',
  'The secrets were wrong too often: wait before you try again.',
)

/** A client of the key service that knows nothing but its interface. */
export class KeyClient {
  readonly service: Pick<TestService, 'url' | 'keepSecret'>
  readonly token: string

  constructor(service: Pick<TestService, 'url' | 'keepSecret'>, token: string) {
    this.service = service
    this.token = token
  }

  static async of(service: TestService, client = service.client): Promise<KeyClient> {
    return new KeyClient(service, await service.serviceToken(client))
  }

  async call(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`${this.service.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = /json|application\/v[cp]$/.test(response.headers.get('content-type') ?? '')
    const parsed = isJson ? (JSON.parse(text) as Record<string, unknown>) : undefined
    if (typeof parsed?.['activation'] === 'string') this.service.keepSecret(parsed['activation'])
    return { status: response.status, headers: response.headers, text, body: parsed }
  }

  newSecret(): string {
    const secret = `secret-${randomBytes(6).toString('hex')}`
    this.service.keepSecret(secret)
    return secret
  }

  /** @throws Error unless it is made */
  async key(more: Record<string, unknown> = {}): Promise<MadeKey> {
    const secrets = (more['secrets'] as string[] | undefined) ?? [this.newSecret()]
    const identifier = `did:web:${randomBytes(6).toString('hex')}.example`
    const asked = { identifier, signatureType: 'ES256', keyType: 'JsonWebKey', ...more, secrets }
    const { status, body, text } = await this.call('/generate', asked)
    if (status !== 201 || body === undefined) throw new Error(`${status} ${text}`)
    return { id: String(body['id']), controller: String(body['controller']), secrets, method: body }
  }

  async activation(key: MadeKey, numSignatures = 1): Promise<string> {
    const { body, text } = await this.call('/activate', {
      identifier: key.id,
      secrets: key.secrets,
      numSignatures,
    })
    if (typeof body?.['activation'] !== 'string') throw new Error(text)
    return body['activation']
  }
}

/** For the name of a test. */
export const shown = (value: unknown): string =>
  value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 40)

export const credential = (issuer: string): Record<string, unknown> => ({
  '@context': [CONTEXT_2],
  type: ['VerifiableCredential'],
  issuer,
  credentialSubject: { id: 'did:example:456', name: 'Joan Doe' },
})
