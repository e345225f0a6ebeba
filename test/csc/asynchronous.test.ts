import { randomUUID, verify, X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import pg from 'pg'
import { readingVersion2 } from '../../src/api/csc/aliases.ts'
import { CodeClient, REDIRECT } from '../oauth/codeClient.ts'
import { createPerson } from '../../src/api/admin/persons.ts'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { CscClient, OID, digest, refusal, type CscAnswer } from './client.ts'
import { commonRows, type Row } from './rows.ts'

const POLL_MS = 20
const MISSING = 'Missing (or invalid type) string parameter requestID'
const INVALID = 'Invalid parameter requestID'
const PENDING = refusal(
  'The previous async request has been accepted but not yet completed',
  'accepted_request',
)

/** What the standard's table says to bad requests of signPolling. */
const pollingRows: readonly Row[] = [
  ['no requestID', { requestID: undefined }, MISSING],
  ['a null requestID', { requestID: null }, MISSING],
  ['a requestID that is a number', { requestID: 7 }, MISSING],
  ['an empty requestID', { requestID: '' }, INVALID],
  ['an unknown requestID', { requestID: randomUUID() }, INVALID],
  ['a requestID that was never made here', { requestID: `' or '1'='1` }, INVALID],
  ['a requestID of any length', { requestID: 'x'.repeat(5000) }, INVALID],
  ['a userID that is no id', { userID: 'kari' }, 'Invalid parameter "userID"'],
  ['a userID of another type', { userID: 5 }, 'Invalid parameter "userID"'],
  ['a userID of somebody else', { userID: randomUUID() }, 'Invalid parameter "userID"'],
  [
    'requestID and responseID that differ',
    { responseID: randomUUID() },
    'Parameter requestID is given twice',
  ],
  ...commonRows,
]

describe('asynchronous operation', () => {
  let service: TestService
  let client: CscClient
  let mine: TestCredential

  before(async () => {
    service = await startService()
    client = await CscClient.of(service)
    mine = service.credential
    // A test can hold back what is about to be signed.
    await service.sql(`create function hold() returns trigger language plpgsql as $$
      begin perform pg_advisory_xact_lock_shared(4711); return new; end $$`)
    await service.sql(`create trigger hold before update on job
      for each row when (new.kind = 'signature' and new.state = 'running') execute function hold()`)
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  /** While `work` runs, nothing that was accepted is begun. */
  const held = async (work: () => Promise<void>): Promise<void> => {
    const holder = new pg.Client({ connectionString: service.database.superUrl })
    await holder.connect()
    await holder.query('select pg_advisory_lock(4711)')
    try {
      await work()
    } finally {
      await holder.end()
    }
  }
  const ask = async (
    texts: readonly string[],
    more: Record<string, unknown> = {},
    credential = mine,
    by = client,
    // eslint-disable-next-line max-params
  ) => {
    const hashes = texts.map((text) => digest(text))
    const SAD = await by.authorize(credential, hashes)
    const request = { credentialID: credential.id, SAD, hashes, signAlgo: OID.ecdsa256, operationMode: 'A' }
    const answer = await by.get('signatures/signHash', { ...request, ...more })
    return { answer, responseID: String(answer['responseID']), request }
  }
  const poll = (requestID: string, more: Record<string, unknown> = {}, by = client): Promise<CscAnswer> =>
    by.call('signatures/signPolling', { requestID, ...more })
  const polled = async (
    requestID: string,
    more: Record<string, unknown> = {},
    by = client,
  ): Promise<CscAnswer> => {
    for (;;) {
      const answer = await poll(requestID, more, by)
      if (answer.status !== 202) return answer
      expect(answer.body).to.deep.equal(PENDING)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }

  it('answers with a responseID and nothing else, and gives the signatures in the order of the hashes', async () => {
    const texts = ['zebra', 'apple', 'zebra']
    const { answer, responseID } = await ask(texts, { validity_period: 60_000 })
    expect(Object.keys(answer)).to.deep.equal(['responseID'])
    expect(responseID).to.match(/^[0-9a-f-]{36}$/)
    const { status, body } = await polled(responseID)
    expect([status, Object.keys(body)]).to.deep.equal([200, ['signatures']])
    const { publicKey } = new X509Certificate(mine.certificate)
    const signatures = (body['signatures'] as string[]).map((text) => Buffer.from(text, 'base64'))
    expect(signatures).to.have.length(3)
    texts.forEach((text, at) =>
      expect(verify('sha256', Buffer.from(text), publicKey, signatures[at] ?? Buffer.alloc(0))).to.equal(
        true,
      ),
    )
    expect((await poll(responseID)).body, 'as often as it is asked for').to.deep.equal(body)
  })

  it('is pending until it is signed, and has spent its SAD from the start', async () => {
    await held(async () => {
      const { responseID, request } = await ask(['held back'])
      for (let twice = 0; twice < 2; twice++) {
        const { status, body, headers } = await poll(responseID)
        expect([status, body]).to.deep.equal([202, PENDING])
        expect(headers.get('content-type')).to.equal('application/json; charset=utf-8')
      }
      for (const operationMode of ['A', 'S']) {
        const { status, body } = await client.call('signatures/signHash', { ...request, operationMode })
        expect([status, body]).to.deep.equal([400, refusal('Hash is not authorized by the SAD')])
      }
    })
  })

  it('accepts one of many that ask at once with one SAD', async () => {
    const hashes = [digest('one of many')]
    const SAD = await client.authorize(mine, hashes)
    const request = { credentialID: mine.id, SAD, hashes, signAlgo: OID.ecdsa256, operationMode: 'A' }
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => client.call('signatures/signHash', request)),
    )
    const [good, ...more] = answers.filter(({ status }) => status === 200)
    expect(more).to.deep.equal([])
    expect((await polled(String(good?.body['responseID']))).status).to.equal(200)
  })

  it('signs messages with Ed25519 as it does at once', async () => {
    const credential = await service.newCredential({ keyType: 'Ed25519' })
    const message = Buffer.from('a message')
    const hashes = [message.toString('base64')]
    const SAD = await client.authorize(credential, hashes, { hashAlgorithmOID: undefined })
    const request = { credentialID: credential.id, SAD, hashes, signAlgo: OID.ed25519, operationMode: 'A' }
    const { responseID } = await client.get('signatures/signHash', request)
    const { body } = await polled(String(responseID))
    const [signature = ''] = body['signatures'] as string[]
    const { publicKey } = new X509Certificate(credential.certificate)
    expect(verify(null, message, publicKey, Buffer.from(signature, 'base64'))).to.equal(true)
  })

  it('says of a request that cannot be signed any more what signHash would say', async () => {
    let disabled = ''
    let expired = ''
    const other = await service.newCredential()
    await held(async () => {
      disabled = (await ask(['disabled meanwhile'], {}, other)).responseID
      expired = (await ask(['expired meanwhile'])).responseID
      await service.sql(`update credential set state = 'disabled' where id = $1`, [other.id])
      await service.sql(
        `update authorisation set expires_at = now() where id =
           (select authorisation_id from asynchronous_signature where id = $1)`,
        [expired],
      )
    })
    for (const [requestID, description] of [
      [disabled, 'The credential identified by credentialID is disabled'],
      [expired, 'SAD expired'],
    ] as const) {
      const { status, body } = await polled(requestID)
      expect([status, body]).to.deep.equal([400, refusal(description)])
    }
  })

  it('says so, and no more, when the outcome is unknown', async () => {
    const { responseID } = await ask(['unknown'])
    await polled(responseID)
    await service.sql(
      `update asynchronous_signature set state = 'failed', failure = 'operation_failed', signatures = null
        where id = $1`,
      [responseID],
    )
    const { status, body } = await poll(responseID)
    expect([status, body]).to.deep.equal([500, refusal('The request could not be completed', 'server_error')])
    await service.sql('delete from asynchronous_signature where id = $1', [responseID])
  })

  describe('signPolling', () => {
    let responseID: string
    before(async () => {
      responseID = (await ask(['refused'])).responseID
      await polled(responseID)
    })

    for (const [name, change, description] of pollingRows) {
      it(`refuses ${name}`, async () => {
        const { status, body } = await poll(responseID, change)
        expect(body).to.deep.equal(refusal(description))
        expect(status).to.equal(400)
      })
    }
  })

  it('knows no result of another client, and none that has expired: both as if it had never been', async () => {
    const { responseID } = await ask(['mine'])
    expect((await polled(responseID, { userID: service.person.id })).status).to.equal(200)
    const stranger = await CscClient.of(service, await service.newClient())
    const foreign = await poll(responseID, {}, stranger)
    await service.sql('update asynchronous_signature set expires_at = now() where id = $1', [responseID])
    const expired = await poll(responseID)
    for (const { status, body } of [foreign, expired]) {
      expect([status, body]).to.deep.equal([400, refusal(INVALID)])
    }
  })

  it('takes responseID for requestID, unless the service is strict', async () => {
    const { responseID } = await ask(['alias'])
    await polled(responseID)
    const { status } = await client.call('signatures/signPolling', { responseID })
    expect(status).to.equal(200)
    const read = readingVersion2('signatures/signPolling', { strict: true })
    expect(read({ responseID })).to.deep.equal({ responseID })
  })

  it('serves the token of one credential, and that of one person, and keeps them to what is theirs', async () => {
    const registered = await service.newClient('With a page', [REDIRECT])
    const own = await CscClient.of(service, registered)
    const holder = await service.newCredential({ clientId: registered.id, mode: 'oauth2code' })
    const coded = new CodeClient(service, registered)
    const bearerBy = async (form: Record<string, string>, more: Record<string, string>) => {
      const { body } = await coded.redeem(await coded.code(form, { pin: holder.pin, ...more }))
      return { authorization: `Bearer ${String(body['access_token'])}` }
    }
    const ofCredential = await bearerBy(coded.request(holder), {})
    const ofPerson = await bearerBy(coded.login(), { credential: holder.id })
    const request = { credentialID: holder.id, hashes: [digest('a document')], signAlgo: OID.ecdsa256 }
    const asked = await own.call('signatures/signHash', { ...request, operationMode: 'A' }, ofCredential)
    const requestID = String(asked.body['responseID'])
    await polled(requestID, {}, own)
    for (const bearer of [ofCredential, ofPerson]) {
      expect((await own.call('signatures/signPolling', { requestID }, bearer)).status).to.equal(200)
    }
    const named = { requestID, userID: service.person.id }
    const { status, body } = await own.call('signatures/signPolling', named, ofPerson)
    expect([status, body]).to.deep.equal([400, refusal('userID parameter SHALL be null')])

    const personId = await createPerson(service.ctx, 'service', {
      givenName: 'Other',
      surname: 'Person',
      country: 'NO',
    })
    const others = await service.newCredential({ clientId: registered.id, personId })
    const { answer } = await ask(['of another person'], {}, others, own)
    for (const bearer of [ofCredential, ofPerson]) {
      const theirs = { requestID: answer['responseID'] }
      const refused = await own.call('signatures/signPolling', theirs, bearer)
      expect([refused.status, refused.body]).to.deep.equal([400, refusal(INVALID)])
    }
  })

  it('wants a token', async () => {
    const { status, body } = await client.call(
      'signatures/signPolling',
      { requestID: randomUUID() },
      { authorization: 'Basic YTpi' },
    )
    expect([status, body]).to.deep.equal([400, refusal('Malformed authorization header')])
  })

  it('is not there at /csc/v1', async () => {
    const v1 = client.at('/csc/v1')
    const answer = await v1.call('signatures/signHash', { operationMode: 'A' })
    expect([answer.status, answer.body]).to.deep.equal([400, refusal('Unknown parameter operationMode')])
    expect((await v1.call('signatures/signPolling')).status).to.equal(404)
  })
})
