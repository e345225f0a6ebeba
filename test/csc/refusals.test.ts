import { expect } from 'chai'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { CscClient, OID, refusal } from './client.ts'
import {
  HASH,
  UNKNOWN_ID,
  authorizeRows,
  commonRows,
  extendRows,
  idRows,
  listRows,
  shownRows,
  signRows,
} from './rows.ts'

describe('what the CSC API refuses', () => {
  let service: TestService
  let client: CscClient
  let mine: TestCredential

  before(async () => {
    service = await startService()
    client = await CscClient.of(service)
    mine = await service.newCredential({ multisign: 10 })
  })
  afterEach(() => service.checkState())
  after(() => service.close())

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
    for (const [name, change, description] of listRows) {
      it(`refuses ${name}`, () => refused('credentials/list', change, { description }))
    }
  })

  describe('credentials/info', () => {
    for (const [name, change, description] of [...idRows, ...shownRows, ...commonRows]) {
      it(`refuses ${name}`, () =>
        refused('credentials/info', { credentialID: mine.id, ...change }, { description }))
    }
  })

  describe('credentials/authorize', () => {
    const good = (credential = mine): Record<string, unknown> => ({
      credentialID: credential.id,
      numSignatures: 1,
      hashes: [HASH],
      hashAlgorithmOID: OID.sha256,
      authData: [{ id: 'PIN', value: credential.pin }],
    })
    for (const [name, change, description, error] of authorizeRows) {
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
      const wrong = { ...good(other), authData: [{ id: 'PIN', value: 'wrong' }] }
      const expected = {
        description: 'The authentication data is invalid',
        error: 'invalid_authentication_data',
      }
      for (let i = 0; i < 5; i++) await refused('credentials/authorize', wrong, expected)
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
      const known = { ...good(), authData: [{ id: 'PIN', value: 'wrong' }] }
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

  describe('signatures/signHash', () => {
    let SAD: string

    before(async () => {
      SAD = await client.authorize(mine, [HASH])
    })

    const good = (): Record<string, unknown> => ({
      credentialID: mine.id,
      SAD,
      hashes: [HASH],
      signAlgo: OID.ecdsa256,
    })
    for (const [name, change, description] of signRows) {
      it(`refuses ${name}`, () => refused('signatures/signHash', { ...good(), ...change }, { description }))
    }

    it('refuses the SAD of another credential, and that of another client', async () => {
      const other = await service.newCredential()
      await refused(
        'signatures/signHash',
        { ...good(), credentialID: other.id },
        { description: 'Invalid parameter SAD' },
      )
      const stranger = await service.newClient()
      const theirs = await service.newCredential({ clientId: stranger.id })
      const stolen = await CscClient.of(service, stranger)
      const answer = await stolen.call('signatures/signHash', { ...good(), credentialID: theirs.id })
      expect(answer.body).to.deep.equal(refusal('Invalid parameter SAD'))
      // With the credential the SAD is for, which is not theirs: as if there were none.
      const both = await stolen.call('signatures/signHash', good())
      expect(both.body).to.deep.equal(refusal('Invalid parameter credentialID'))
      const none = await stolen.call('signatures/signHash', { ...good(), credentialID: UNKNOWN_ID })
      expect(none.body).to.deep.equal(both.body)
      expect(none.status).to.equal(both.status)
    })

    it('refuses a SAD that expired, by the clock of the database', async () => {
      const other = await service.newCredential()
      const expired = await client.authorize(other, [HASH])
      await service.sql('update authorisation set expires_at = now() where credential_id = $1', [other.id])
      await refused(
        'signatures/signHash',
        { ...good(), credentialID: other.id, SAD: expired },
        { description: 'SAD expired' },
      )
    })

    it('refuses what was authorised and then disabled, expired or revoked', async () => {
      const other = await service.newCredential()
      const request = { ...good(), credentialID: other.id, SAD: await client.authorize(other, [HASH]) }
      const certificate = '(select certificate_id from credential where id = $1)'
      const changes: [string, string][] = [
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
      ]
      for (const [sql, description] of changes) {
        await service.sql(sql, [other.id])
        if (description !== '') await refused('signatures/signHash', request, { description })
      }
    })

    it('has spent nothing by all of these refusals', async () => {
      expect(await client.sign(mine, [HASH], { SAD })).to.have.length(1)
    })
  })

  describe('credentials/extendTransaction', () => {
    const METHOD = 'credentials/extendTransaction'
    let SAD: string

    before(async () => {
      SAD = await client.authorize(mine, [HASH])
    })

    const good = (): Record<string, unknown> => ({
      credentialID: mine.id,
      SAD,
      hashes: [HASH],
      hashAlgorithmOID: OID.sha256,
    })
    for (const [name, change, description] of extendRows) {
      it(`refuses ${name}`, () => refused(METHOD, { ...good(), ...change }, { description }))
    }

    it('refuses the SAD of another credential, and that of another client', async () => {
      const other = await service.newCredential()
      const expected = { description: 'Invalid parameter SAD' }
      await refused(METHOD, { ...good(), credentialID: other.id }, expected)
      const stranger = await service.newClient()
      const theirs = await service.newCredential({ clientId: stranger.id })
      const thief = await CscClient.of(service, stranger)
      const answers: unknown[] = []
      for (const credentialID of [theirs.id, mine.id, UNKNOWN_ID]) {
        const { status, body } = await thief.call(METHOD, { ...good(), credentialID })
        answers.push([status, body])
      }
      const foreign = [400, refusal('Invalid parameter credentialID')]
      expect(answers).to.deep.equal([[400, refusal('Invalid parameter SAD')], foreign, foreign])
    })

    it('refuses what expired, was disabled or revoked', async () => {
      const other = await service.newCredential()
      const body = { ...good(), credentialID: other.id, SAD: await client.authorize(other, [HASH]) }
      const certificate = '(select certificate_id from credential where id = $1)'
      const disabled = 'The credential identified by credentialID is disabled'
      const expired = 'Signing certificate is expired'
      for (const [sql, description] of [
        [`update credential set state = 'disabled' where id = $1`, disabled],
        [`update credential set state = 'enabled' where id = $1`, ''],
        [`update certificate set not_after = now() where id = ${certificate}`, expired],
        [
          `update certificate set state = 'revoked' where id = ${certificate}`,
          'Signing certificate is revoked',
        ],
        [`update authorisation set expires_at = now() where credential_id = $1`, 'SAD expired'],
      ] as const) {
        await service.sql(sql, [other.id])
        if (description !== '') await refused(METHOD, body, { description })
      }
    })

    it('refuses to extend a chain more than a hundred times', async () => {
      const old = await client.authorize(mine, [HASH])
      const before = `insert into authorisation
          (id, key_id, bound, count, expires_at, origin_id, origin_count, origin_expires_at)
        select gen_random_uuid(), key_id, bound, count, expires_at, id, count, expires_at
          from authorisation, generate_series(1, 99) where sad_hash = sha256($1)`
      await service.sql(before, [Buffer.from(old)])
      const last = await client.get(METHOD, { ...good(), SAD: old })
      const expected = { description: 'The SAD cannot be extended again' }
      await refused(METHOD, { ...good(), SAD: last['SAD'] }, expected)
      await client.sign(mine, [HASH], { SAD: last['SAD'] })
    })

    it('has spent nothing by all of these refusals', async () => {
      await client.sign(mine, [HASH], { SAD: (await client.get(METHOD, good()))['SAD'] })
    })
  })
})
