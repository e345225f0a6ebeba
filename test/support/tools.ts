import { randomInt } from 'node:crypto'
import type { KeyType } from '../../hsm/algorithms.ts'
import { createClient } from '../../src/api/admin/clients.ts'
import { createCredential } from '../../src/api/admin/credentials.ts'
import { signRequest, type Identity } from '../../src/api/admin/identity.ts'
import type { EndpointName } from '../../src/api/admin/matrix.ts'
import type { Context } from '../../src/context.ts'
import { findClient } from '../../src/db/clients.ts'
import { findCredential } from '../../src/db/credentials.ts'
import { enrol } from '../../src/pki/enrol.ts'
import { clientSecret } from '../../src/signing/derived.ts'
import { withClient, type TestDatabase } from './database.ts'

export interface AdminRequest {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: unknown
}

export interface AdminAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

export interface TestCredential {
  readonly id: string
  readonly keyId: string
  readonly keyType: KeyType
  readonly scal: 1 | 2
  readonly pin: string
  /** DER. */
  readonly certificate: Buffer
}

export interface RecordedAct {
  readonly kind: string
  readonly actor: string
  readonly subjects: string[]
  readonly detail: unknown
}

/** What tests do to a running service, besides calling it. */
export class Tools {
  readonly ctx: Context
  readonly database: TestDatabase
  /** What may stand in no column and no log line. */
  readonly secrets: string[] = []

  constructor(ctx: Context, database: TestDatabase) {
    this.ctx = ctx
    this.database = database
  }

  async newClient(
    name: string,
    redirectUris: readonly string[] = [],
    requirePushed = false,
  ): Promise<{ id: string; secret: string }> {
    const id = await createClient(this.ctx, 'service', { name, redirectUris, requirePushed })
    const version = (await findClient(this.ctx.db, id))?.secretVersion ?? 0
    const secret = await clientSecret(this.ctx, { id, version })
    this.secrets.push(secret)
    return { id, secret }
  }

  async newCredential(options: {
    keyType?: KeyType
    scal?: 1 | 2
    mode?: 'explicit' | 'oauth2code' | 'oob'
    multisign?: number
    clientId: string
    personId: string
    pin?: string
  }): Promise<TestCredential> {
    const { keyType = 'P-256', scal = 2, mode = 'explicit', multisign = 1000, clientId, personId } = options
    const pin = options.pin ?? this.newPin()
    const made = await createCredential(this.ctx, 'service', {
      personId,
      clientId,
      keyType,
      scal,
      mode,
      multisign,
      description: 'Test credential',
    })
    this.secrets.push(made.code)
    await enrol(this.ctx, { code: made.code, pin })
    const row = await findCredential(this.ctx.db, { id: made.credentialId })
    if (!row?.keyId || row.certificate === null) throw new Error('the credential was not enrolled')
    return { id: row.id, keyId: row.keyId, keyType, scal, pin, certificate: row.certificate }
  }

  /** Letters too, so that it is found in no hash and no time by accident when it is searched for. */
  newPin(): string {
    const pin = `pin-${randomInt(10_000_000, 99_999_999)}`
    this.secrets.push(pin)
    return pin
  }

  async serviceToken(url: string, client: { readonly id: string; readonly secret: string }): Promise<string> {
    const response = await fetch(`${url}/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'service' }),
    })
    const body = (await response.json()) as { access_token?: string }
    if (body.access_token === undefined)
      throw new Error(`no token: ${response.status} ${JSON.stringify(body)}`)
    this.secrets.push(body.access_token)
    return body.access_token
  }

  async acts(act: string, subject: string): Promise<RecordedAct[]> {
    const rows = await this.sql<{ kind: string; actor: string; subjects: string[]; body: Buffer }>(
      'select kind, actor, subjects, body from audit where act = $1 and $2 = any(subjects) order by recorded_at',
      [act, subject],
    )
    return rows.map(({ kind, actor, subjects, body }) => {
      const { detail } = JSON.parse(body.toString('utf8')) as { detail?: unknown }
      return { kind, actor, subjects, detail }
    })
  }

  async sql<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return withClient(this.database.superUrl, async (client) => {
      const { rows } = await client.query(text, [...values])
      return rows as Row[]
    })
  }
}

export async function callAdmin(
  base: string,
  identity: Identity,
  request: AdminRequest & { readonly endpoint: EndpointName },
): Promise<AdminAnswer> {
  const [method = '', pattern = ''] = request.endpoint.split(' ')
  const path = pattern.replaceAll(/:([a-z]+)/g, (_all, name: string) =>
    encodeURIComponent(request.params?.[name] ?? ''),
  )
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) query.set(name, String(value))
  }
  const url = `${base}/admin/v1${path}${query.size === 0 ? '' : `?${query.toString()}`}`
  const body = Buffer.from(request.body === undefined ? '' : JSON.stringify(request.body))
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${await signRequest(identity, { method, url, body })}` },
    ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
  })
  return { status: response.status, headers: response.headers, body: await response.json() }
}
