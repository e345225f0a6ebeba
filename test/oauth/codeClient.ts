import { createHash, randomBytes } from 'node:crypto'
import type { TestCredential, TestService } from '../support/startService.ts'
import { OID, digest } from '../csc/client.ts'

export const REDIRECT = 'https://client.example/back?app=1'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

export type Called = Omit<Answer, 'headers'>

/** A page of the service, as a browser has it. */
export interface Page {
  readonly url: string
  readonly cookie: string
  readonly token: string
  readonly html: string
  readonly headers: Headers
}

/** An OAuth client with a browser: it knows nothing but the protocol, and follows no redirect by itself. */
export class CodeClient {
  readonly service: TestService
  readonly client: { readonly id: string; readonly secret: string }
  readonly verifier = randomBytes(32).toString('base64url')
  readonly challenge = createHash('sha256').update(this.verifier).digest('base64url')

  constructor(service: TestService, client: { readonly id: string; readonly secret: string }) {
    this.service = service
    this.client = client
    service.keepSecret(this.verifier)
  }

  /** A good request for one signature. */
  request(credential: TestCredential, more: Record<string, string | undefined> = {}): Record<string, string> {
    return given({
      ...this.login(),
      scope: 'credential',
      credentialID: credential.id,
      numSignatures: '1',
      hashes: Buffer.from(digest('a document'), 'base64').toString('base64url'),
      hashAlgorithmOID: OID.sha256,
      ...more,
    })
  }

  /** A good request for a login. */
  login(more: Record<string, string | undefined> = {}): Record<string, string> {
    return given({
      response_type: 'code',
      client_id: this.client.id,
      redirect_uri: REDIRECT,
      state: 'a state',
      code_challenge: this.challenge,
      code_challenge_method: 'S256',
      ...more,
    })
  }

  async authorize(form: Record<string, string> | string): Promise<Response> {
    const query = new URLSearchParams(form).toString()
    return fetch(`${this.service.url}/oauth2/authorize?${query}`, { redirect: 'manual' })
  }

  async push(form: Record<string, string>, headers = this.basic()): Promise<Answer> {
    return this.post('/oauth2/pushed_authorize', form, headers)
  }

  async token(form: Record<string, string>, headers = this.basic()): Promise<Answer> {
    const answer = await this.post('/oauth2/token', form, headers)
    for (const name of ['access_token', 'refresh_token']) {
      const token = answer.body[name]
      if (typeof token === 'string') this.service.keepSecret(token)
    }
    return answer
  }

  refresh(token: string): Promise<Answer> {
    return this.token({ grant_type: 'refresh_token', refresh_token: token })
  }

  async revoke(token: string, more: Record<string, string> = {}): Promise<Answer> {
    return this.post('/oauth2/revoke', { token, ...more }, this.basic())
  }

  redeem(code: string, more: Record<string, string | undefined> = {}): Promise<Answer> {
    return this.token(
      given({
        grant_type: 'authorization_code',
        code,
        redirect_uri: REDIRECT,
        code_verifier: this.verifier,
        ...more,
      }),
    )
  }

  /** The page that a good request leads to. */
  async open(form: Record<string, string>, headers: Record<string, string> = {}): Promise<Page> {
    const sent = await this.authorize(form)
    const location = sent.headers.get('location') ?? ''
    if (!location.startsWith('/oauth2/consent/'))
      throw new Error(`${sent.status} ${location} ${await sent.text()}`)
    const cookie = sent.headers.get('set-cookie')?.split(';')[0] ?? ''
    this.service.keepSecret(cookie.slice(cookie.indexOf('=') + 1))
    const url = `${this.service.url}${location}`
    const page = await fetch(url, { headers: { cookie, ...headers } })
    const html = await page.text()
    const token = /name="token" value="([^"]+)"/.exec(html)?.[1] ?? ''
    return { url, cookie, token, html, headers: page.headers }
  }

  async answer(
    page: Page,
    form: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return fetch(page.url, {
      method: 'POST',
      headers: { cookie: page.cookie, ...headers },
      body: new URLSearchParams({ token: page.token, answer: 'approve', ...form }),
      redirect: 'manual',
    })
  }

  /** From the request to the code. */
  async code(form: Record<string, string>, answer: Record<string, string>): Promise<string> {
    const response = await this.answer(await this.open(form), answer)
    const code = back(response).get('code')
    if (code === null) throw new Error(`${response.status} ${response.headers.get('location')}`)
    this.service.keepSecret(code)
    return code
  }

  /** From the request to the access token. */
  async tokenFor(credential: TestCredential, more: Record<string, string | undefined> = {}): Promise<string> {
    const code = await this.code(this.request(credential, more), { pin: credential.pin })
    return String((await this.redeem(code)).body['access_token'])
  }

  /** A method of the CSC API, by whatever token: by its name at /csc/v2, or by its path. */
  async call(token: string, method: string, body: unknown): Promise<Called> {
    const path = method.startsWith('/') ? method : `/csc/v2/${method}`
    const response = await fetch(`${this.service.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  /** A signature over 'a document', unless told otherwise. */
  sign(token: string, credential: TestCredential, more: Record<string, unknown> = {}): Promise<Called> {
    return this.call(token, 'signatures/signHash', {
      credentialID: credential.id,
      hashes: [digest('a document')],
      signAlgo: OID.ecdsa256,
      ...more,
    })
  }

  basic(): Record<string, string> {
    const { id, secret } = this.client
    return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }
  }

  private async post(
    path: string,
    form: Record<string, string>,
    headers: Record<string, string>,
  ): Promise<Answer> {
    const response = await fetch(`${this.service.url}${path}`, {
      method: 'POST',
      headers,
      body: new URLSearchParams(form),
    })
    const text = await response.text()
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
    return { status: response.status, headers: response.headers, body }
  }
}

/** What a redirect to the client says. */
export function back(response: Response): URLSearchParams {
  const location = response.headers.get('location') ?? ''
  if (!location.startsWith(`${REDIRECT}&`))
    throw new Error(`${response.status}: not to the client: ${location}`)
  return new URL(location).searchParams
}

function given(form: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
