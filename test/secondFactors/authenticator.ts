import { hotp, stepAt } from '../../src/signing/totp.ts'
import type { TestCredential, TestService } from '../support/startService.ts'

/** The answer to a form. */
export interface Page {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

/** A page of the enrolment face, as a browser without script asks for it. */
export async function post(
  service: TestService,
  path: string,
  form: Readonly<Record<string, string>>,
): Promise<Page> {
  const response = await fetch(`${service.url}${path}`, {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  return { status: response.status, text: await response.text(), headers: response.headers }
}

/** An app on a holder's phone: it knows the seed from the page alone. */
export class Authenticator {
  readonly service: TestService
  readonly credential: TestCredential
  readonly seed: Buffer
  readonly confirmation: string

  private constructor(
    service: TestService,
    credential: TestCredential,
    page: { readonly seed: Buffer; readonly confirmation: string },
  ) {
    this.service = service
    this.credential = credential
    this.seed = page.seed
    this.confirmation = page.confirmation
  }

  /** Reads the page that shows the seed. */
  static read(
    service: TestService,
    credential: TestCredential,
    page: Pick<Page, 'status' | 'text'>,
  ): Authenticator {
    const key = /<code id="key">([A-Z2-7 ]+)<\/code>/.exec(page.text)?.[1]?.replaceAll(' ', '')
    const confirmation = /name="confirmation" value="([^"]+)"/.exec(page.text)?.[1]
    if (key === undefined || confirmation === undefined) throw new Error(`${page.status} ${page.text}`)
    const seed = fromBase32(key)
    for (const secret of [key, seed.toString('hex'), confirmation]) service.keepSecret(secret)
    return new Authenticator(service, credential, { seed, confirmation })
  }

  /** Begins on the page. @param more such as the code of the phone before */
  static async begin(
    service: TestService,
    credential: TestCredential,
    more: Record<string, string> = {},
  ): Promise<Authenticator> {
    const form = { credential: credential.id, pin: credential.pin, ...more }
    return Authenticator.read(service, credential, await post(service, '/enrol/codes', form))
  }

  /** Begins and confirms. */
  static async setUp(
    service: TestService,
    credential: TestCredential,
    more: Record<string, string> = {},
  ): Promise<Authenticator> {
    const app = await Authenticator.begin(service, credential, more)
    const { status, text } = await app.confirm(app.code())
    if (status !== 200) throw new Error(`${status} ${text}`)
    return app
  }

  confirm(code: string): Promise<Page> {
    return post(this.service, '/enrol/codes/confirm', { confirmation: this.confirmation, code })
  }

  /** @param step from the present one */
  code(step = 0): string {
    return hotp(this.seed, stepAt(Date.now()) + step)
  }

  /** A code that was not used, however many were within this half minute. */
  async fresh(): Promise<string> {
    await this.service.sql('update totp set last_step = 0 where credential_id = $1', [this.credential.id])
    return this.code()
  }

  /** Six digits that are no code now. */
  wrong(): string {
    const near = new Set([-3, -2, -1, 0, 1, 2, 3].map((step) => this.code(step)))
    return ['000000', '000001', '000002', '000003', '000004', '000005', '000006', '000007'].find(
      (digits) => !near.has(digits),
    ) as string
  }
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

function fromBase32(text: string): Buffer {
  const bits = Array.from(text, (letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const octets = bits.match(/.{8}/g) ?? []
  return Buffer.from(octets.map((octet) => Number.parseInt(octet, 2)))
}
