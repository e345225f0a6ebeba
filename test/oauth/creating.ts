import { expect } from 'chai'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { CodeClient, REDIRECT, type Called } from './codeClient.ts'

/** NCP (EN 319 411-1, 5.3): what certificates of persons are issued under where nothing else is configured. */
export const POLICY = '0.4.0.2042.1.1'
export const CREATION_TYPE = 'https://cloudsignatureconsortium.org/2025/credential-creation'
/** More than the tests of a file make. */
export const LIMIT = 100
type Members = Record<string, unknown>

let started: Promise<TestService> | undefined

/** For the root of the file: `after(closeCreating)`. */
export async function closeCreating(): Promise<void> {
  const service = await started
  started = undefined
  await service?.close()
}

/** A client that may have credentials created, and a holder who has one with it, at a service that issues under a policy. */
export class Creating {
  readonly service: TestService
  readonly client: CodeClient
  /** What the holder logs in with. */
  readonly mine: TestCredential
  #pins = 0
  #unused: Promise<string> | undefined

  private constructor(service: TestService, client: CodeClient, mine: TestCredential) {
    this.service = service
    this.client = client
    this.mine = mine
  }

  static async begin(): Promise<Creating> {
    started ??= startService()
    const service = await started
    const client = new CodeClient(service, await service.newClient('Wallet of Narvik', [REDIRECT]))
    const mine = await service.newCredential({ clientId: client.client.id, mode: 'oauth2code' })
    const creating = new Creating(service, client, mine)
    await creating.limit(LIMIT)
    return creating
  }

  async limit(creationLimit: number, id = this.client.client.id): Promise<void> {
    const call = { params: { id }, body: { creationLimit } }
    const { admin } = this.service.operators
    const { status } = await this.service.admin(admin, 'POST /clients/:id/creation-limit', call)
    expect(status).to.equal(200)
  }

  /** A good request. @param creation the credentialCreationRequest of its details; absent: it has none */
  asking(creation?: Members, more: Record<string, string | undefined> = {}): Record<string, string> {
    const detail = { type: CREATION_TYPE, credentialCreationRequest: creation }
    return this.client.login({
      scope: 'credential-creation',
      authorization_details: creation === undefined ? undefined : JSON.stringify([detail]),
      ...more,
    })
  }

  newPin(): string {
    this.#pins += 1
    return `fresh-pin-${this.#pins}-of-the-holder`
  }

  /** What a holder types on the page. */
  typed(newPin = this.newPin(), more: Record<string, string> = {}): Record<string, string> {
    this.service.keepSecret(newPin)
    return { credential: this.mine.id, pin: this.mine.pin, newPin, again: newPin, ...more }
  }

  code(newPin?: string): Promise<string> {
    return this.client.code(this.asking(), this.typed(newPin))
  }

  async token(newPin?: string): Promise<string> {
    return String((await this.client.redeem(await this.code(newPin))).body['access_token'])
  }

  /** A token whose credential is never handed over: for what is refused. */
  unused(): Promise<string> {
    this.#unused ??= this.token()
    return this.#unused
  }

  create(token: string, body: Members = {}): Promise<Called> {
    return this.client.call(token, 'credentials/create', body)
  }

  /** Every credential of the client, oldest first, and the state of the key that it has or is to have. */
  rows(): Promise<{ id: string; state: string; key: string | null }[]> {
    return this.service.sql(
      `select c.id, c.state, k.state as key from credential c
         left join credential_creation n on n.credential_id = c.id
         left join key k on k.id = coalesce(c.key_id, n.key_id)
        where c.client_id = $1 order by c.created_at`,
      [this.client.client.id],
    )
  }

  /** The one that was begun last. */
  async last(): Promise<{ id: string; state: string; key: string | null }> {
    const row = (await this.rows()).at(-1)
    if (row === undefined) throw new Error('nothing was made')
    return row
  }

  /** What the client sees. */
  async listed(): Promise<string[]> {
    const own = await this.service.serviceToken(this.client.client)
    return (await this.client.call(own, 'credentials/list', {})).body['credentialIDs'] as string[]
  }

  /** Time passes for one that waits. */
  async expire(id: string): Promise<void> {
    await this.service.sql(
      `update credential_creation set expires_at = now() - interval '1 s' where credential_id = $1`,
      [id],
    )
  }
}
