import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { TestService } from '../support/startService.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

export interface Issuer {
  readonly id: string
  readonly identifier: string
}

export type Credential = Record<string, unknown>

/** A client of the VC API that knows nothing but its interface. */
export class VcClient {
  readonly service: TestService
  readonly token: string

  constructor(service: TestService, token: string) {
    this.service = service
    this.token = token
  }

  static async of(service: TestService, client = service.client): Promise<VcClient> {
    return new VcClient(service, await service.serviceToken(client))
  }

  async post(path: string, body: unknown): Promise<Answer> {
    const response = await fetch(`${this.service.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const parsed = (await response.json()) as Record<string, unknown>
    return { status: response.status, headers: response.headers, body: parsed }
  }

  /** @throws Error where it is not issued */
  async issue(credential: Credential, options: Record<string, unknown> = {}): Promise<Credential> {
    const { status, body } = await this.post('/credentials/issue', { credential, options })
    if (status !== 201) throw new Error(JSON.stringify(body))
    return body['verifiableCredential'] as Credential
  }

  verify(verifiableCredential: unknown, at = '/credentials/verify'): Promise<Answer> {
    return this.post(at, { verifiableCredential })
  }
}

/** As an operator makes one. */
export async function newIssuer(
  service: TestService,
  asked: { readonly client?: string; readonly keyType?: string; readonly method?: string } = {},
): Promise<Issuer> {
  const { client = service.client.id, keyType = 'P-256', method = 'key' } = asked
  const { status, body } = await service.admin(service.operators.officer, 'POST /issuers', {
    body: { client, keyType, method },
  })
  if (status !== 201) throw new Error(JSON.stringify(body))
  return body as Issuer
}

export function credentialOf(issuer: string | undefined, more: Credential = {}): Credential {
  return {
    '@context': ['https://www.w3.org/ns/credentials/v2'],
    id: `urn:uuid:${randomUUID()}`,
    type: ['VerifiableCredential'],
    ...(issuer === undefined ? {} : { issuer }),
    credentialSubject: { id: 'did:example:subject' },
    ...more,
  }
}

/** The names of what was found wrong. */
export function problemsOf({ body }: Answer): string[] {
  return ((body['problemDetails'] ?? []) as { type: string }[]).map(({ type }) =>
    type.slice(type.lastIndexOf(':') + 1),
  )
}

/** Relying parties see a change within so long. */
const VISIBLE_MS = 5_000
const LOOK_MS = 100

/** @throws Error where it is not so within what is promised */
export async function visible(isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + VISIBLE_MS
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error('not seen within five seconds')
    await delay(LOOK_MS)
  }
}
