import { expect } from 'chai'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { CscClient, refusal } from './client.ts'
import { editions, type Edition } from './editions.ts'
import { HASH, UNKNOWN_ID } from './rows.ts'

describe('what the CSC API refuses', () => {
  let service: TestService

  before(async () => {
    service = await startService()
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  for (const edition of editions) describe(edition.mount, () => refusals(edition, () => service))
})

function refusals(edition: Edition, running: () => TestService): void {
  const { rows, wrongPin, pinRefusal } = edition
  let service: TestService
  let client: CscClient
  let mine: TestCredential

  before(async () => {
    service = running()
    client = await CscClient.of(service, service.client, edition.mount)
    mine = await service.newCredential({ multisign: 10 })
  })

  const authorize = async (credential: TestCredential): Promise<string> => {
    const body = await client.get('credentials/authorize', edition.authorize(credential, [HASH]))
    return String(body['SAD'])
  }

  const refused = async (
    method: string,
    body: unknown,
    expected: { description: string; error?: string | undefined; status?: number },
  ): Promise<void> => {
    const answer = await client.call(method, body)
    expect(answer.body).to.deep.equal(refusal(expected.description, expected.error))
    expect(answer.status).to.equal(expected.status ?? 400)
    expect(answer.headers.get('content-type')).to.equal('application/json; charset=utf-8')
    expect(answer.headers.get('cache-control')).to.equal('no-store')
  }

  describe('credentials/list', () => {
    for (const [name, change, description] of rows.list) {
      it(`refuses ${name}`, () => refused('credentials/list', change, { description }))
    }
  })

  describe('credentials/info', () => {
    for (const [name, change, description] of rows.info) {
      it(`refuses ${name}`, () =>
        refused('credentials/info', { credentialID: mine.id, ...change }, { description }))
    }
  })

  describe('credentials/authorize', () => {
    const good = (credential = mine) => edition.authorize(credential, [HASH])
    for (const [name, change, description, error] of rows.authorize) {
      it(`refuses ${name}`, () =>
        refused('credentials/authorize', { ...good(), ...change }, { description, error }))
    }

    it('refuses a disabled credential', async () => {
      const other = await service.newCredential()
      await service.sql(`update credential set state = 'disabled' where id = $1`, [other.id])
      const description = 'The credential identified by credentialID is disabled'
      await refused('credentials/authorize', good(other), { description })
    })

    it('refuses a credential whose certificate has expired or was revoked', async () => {
      const other = await service.newCredential()
      const certificate = '(select certificate_id from credential where id = $1)'
      await service.sql(`update certificate set not_after = now() where id = ${certificate}`, [other.id])
      await refused('credentials/authorize', good(other), { description: 'Signing certificate is expired' })
      await service.sql(`update certificate set state = 'revoked' where id = ${certificate}`, [other.id])
      await refused('credentials/authorize', good(other), { description: 'Signing certificate is revoked' })
    })

    it('locks a credential after five wrong PINs, for the right one as well', async () => {
      const other = await service.newCredential()
      const wrong = { ...good(other), ...wrongPin }
      for (let i = 0; i < 5; i++) await refused('credentials/authorize', wrong, pinRefusal)
      await refused('credentials/authorize', good(other), { description: 'Credential locked' })
    })

    it('refuses a credential that is authorised in a browser', async () => {
      const other = await service.newCredential()
      await service.sql(`update credential set mode = 'oauth2code' where id = $1`, [other.id])
      await refused('credentials/authorize', good(other), { description: 'Invalid parameter credentialID' })
    })

    it('answers for a foreign, an unknown and a pending credential alike, and takes as long as for a wrong PIN', async () => {
      const stranger = await service.newClient()
      const foreign = await service.newCredential({ clientId: stranger.id })
      const ask = async (body: Record<string, unknown>): Promise<[number, string]> => {
        const start = performance.now()
        const answer = await client.call('credentials/authorize', body)
        return [performance.now() - start, JSON.stringify([answer.status, answer.body])]
      }
      const known = { ...good(), ...wrongPin }
      const times: Record<string, number[]> = { foreign: [], unknown: [], known: [] }
      const answers = new Set<string>()
      for (let i = 0; i < 4; i++) {
        // What differs between them is that the credential is, or is not, the caller's: every other member is alike.
        for (const [kind, body] of Object.entries({
          foreign: { ...good(), credentialID: foreign.id, numSignatures: 100 },
          unknown: { ...good(), credentialID: UNKNOWN_ID, numSignatures: 100 },
          known,
        })) {
          const [ms, answer] = await ask(body)
          times[kind]?.push(ms)
          if (kind !== 'known') answers.add(answer)
        }
        await service.admin(service.operators.officer, 'POST /credentials/:id/unlock', {
          params: { id: mine.id },
        })
      }
      expect([...answers]).to.deep.equal([JSON.stringify([400, refusal('Invalid parameter credentialID')])])
      // Argon2id dominates: none of the three answers without it. It never takes less than a few milliseconds.
      const fastest = (kind: string): number => Math.min(...(times[kind] ?? []))
      for (const kind of ['foreign', 'unknown']) {
        expect(fastest(kind), kind).to.be.greaterThan(fastest('known') / 4)
      }
    })
  })

  const spending = [
    { method: 'credentials/extendTransaction', changed: rows.extend, request: edition.extend },
    { method: 'signatures/signHash', changed: rows.sign, request: edition.sign },
  ]
  for (const { method, changed, request } of spending) {
    describe(method, () => {
      let SAD: string

      before(async () => {
        SAD = await authorize(mine)
      })

      const good = (credential = mine, sad = SAD) => request(credential, [HASH], sad)
      for (const [name, change, description] of changed) {
        it(`refuses ${name}`, () => refused(method, { ...good(), ...change }, { description }))
      }

      it('refuses the SAD of another credential, and that of another client', async () => {
        const other = await service.newCredential()
        await refused(method, good(other), { description: 'Invalid parameter SAD' })
        const stranger = await service.newClient()
        const theirs = await service.newCredential({ clientId: stranger.id })
        const thief = await CscClient.of(service, stranger, edition.mount)
        const answers: unknown[] = []
        for (const credentialID of [theirs.id, mine.id, UNKNOWN_ID]) {
          const { status, body } = await thief.call(method, { ...good(), credentialID })
          answers.push([status, body])
        }
        // With the credential the SAD is for, which is not theirs: as if there were none.
        const foreign = [400, refusal('Invalid parameter credentialID')]
        expect(answers).to.deep.equal([[400, refusal('Invalid parameter SAD')], foreign, foreign])
      })

      it('refuses a SAD that expired, by the clock of the database', async () => {
        const other = await service.newCredential()
        const expired = await authorize(other)
        await service.sql('update authorisation set expires_at = now() where credential_id = $1', [other.id])
        await refused(method, good(other, expired), { description: 'SAD expired' })
      })

      it('refuses what was authorised and then disabled, expired or revoked', async () => {
        const other = await service.newCredential()
        const body = good(other, await authorize(other))
        const certificate = '(select certificate_id from credential where id = $1)'
        for (const [sql, description] of [
          [
            `update credential set state = 'disabled' where id = $1`,
            'The credential identified by credentialID is disabled',
          ],
          [`update credential set state = 'enabled' where id = $1`, ''],
          [
            `update certificate set not_after = now() where id = ${certificate}`,
            'Signing certificate is expired',
          ],
          [
            `update certificate set state = 'revoked' where id = ${certificate}`,
            'Signing certificate is revoked',
          ],
        ] as const) {
          await service.sql(sql, [other.id])
          if (description !== '') await refused(method, body, { description })
        }
      })

      it('has spent nothing by all of these refusals', async () => {
        const { SAD: extended = SAD } =
          request === edition.extend ? await client.get(method, good()) : { SAD }
        const signed = edition.sign(mine, [HASH], String(extended))
        expect((await client.get('signatures/signHash', signed))['signatures']).to.have.length(1)
      })
    })
  }
}
