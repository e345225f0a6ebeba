import { createPerson } from '../../src/api/admin/persons.ts'
import { CscClient, OID, digest, type CscAnswer, type Mount } from '../csc/client.ts'
import type { AdminAnswer, TestCredential, TestService } from '../support/startService.ts'
import { Phone } from './phone.ts'

export const CONTACT = 'tel:+4755512345'

type OfficersEndpoint =
  'POST /persons/:id/contact' | 'POST /credentials/:id/send-codes' | 'POST /credentials/:id/unlock'

/** A client whose holders are sent codes, and the phone that gets them. */
export class Sending {
  readonly service: TestService
  readonly client: CscClient
  readonly phone: Phone

  private constructor(service: TestService, client: CscClient) {
    this.service = service
    this.client = client
    this.phone = new Phone(service)
  }

  static async of(service: TestService): Promise<Sending> {
    return new Sending(service, await CscClient.of(service))
  }

  officer(endpoint: OfficersEndpoint, id: string, body?: object): Promise<AdminAnswer> {
    const { operators } = this.service
    const request = { params: { id }, ...(body === undefined ? {} : { body }) }
    return this.service.admin(operators.officer, endpoint, request)
  }

  /** Of a person of their own, so that no limit is reached by another test. */
  async credential(
    more: { readonly mode?: 'oauth2code'; readonly clientId?: string } = {},
  ): Promise<TestCredential> {
    const detail = { givenName: 'Kari', surname: 'Nordmann', country: 'NO', contact: CONTACT }
    const personId = await createPerson(this.service.ctx, 'service', detail)
    const credential = await this.service.newCredential({ personId, ...more })
    const { status } = await this.officer('POST /credentials/:id/send-codes', credential.id)
    if (status !== 200) throw new Error(String(status))
    return credential
  }

  /** Is approved out of band, with a code that is sent besides the PIN. */
  async outOfBand(): Promise<TestCredential> {
    const detail = { givenName: 'Kari', surname: 'Nordmann', country: 'NO', contact: CONTACT }
    const personId = await createPerson(this.service.ctx, 'service', detail)
    const credential = await this.service.newCredential({ personId, mode: 'oob' })
    await this.officer('POST /credentials/:id/send-codes', credential.id)
    return credential
  }

  /** Asks for an approval. @returns the link of the message that its holder gets */
  async link(credentialID: string): Promise<string> {
    const { status } = await this.client.call('credentials/authorize', {
      credentialID,
      numSignatures: 2,
      hashes: [digest('a document'), digest('another')],
      hashAlgorithmOID: OID.sha256,
      description: 'The lease of the harbour building',
    })
    if (status !== 202) throw new Error(String(status))
    const link = /http\S+/.exec(this.phone.messages.at(-1)?.text ?? '')?.[0] ?? ''
    this.service.keepSecret(new URL(link).hash.slice(1))
    return link
  }

  async personOf(credential: TestCredential): Promise<string> {
    const [row] = await this.service.sql<{ person: string }>(
      'select person_id as person from credential where id = $1',
      [credential.id],
    )
    return row?.person ?? ''
  }

  send(credential: TestCredential, mount: Mount = '/csc/v2'): Promise<CscAnswer> {
    return this.client.at(mount).call('credentials/sendOTP', { credentialID: credential.id })
  }

  authorize(credential: TestCredential, OTP: string): Promise<CscAnswer> {
    return this.client.call('credentials/authorize', {
      credentialID: credential.id,
      numSignatures: 1,
      hashes: [digest('a document')],
      hashAlgorithmOID: OID.sha256,
      authData: [
        { id: 'PIN', value: credential.pin },
        { id: 'OTP', value: OTP },
      ],
    })
  }

  /** As if each code had been sent so much earlier. */
  async earlier(credential: TestCredential, seconds: number): Promise<void> {
    await this.service.sql(
      `update sent_code set created_at = created_at - $2::int * interval '1 second' where credential_id = $1`,
      [credential.id, seconds],
    )
  }

  wrong(): string {
    return String((Number(this.phone.code()) + 1) % 1_000_000).padStart(6, '0')
  }
}
