import type { JsonWebKey } from 'node:crypto'
import { expect } from 'chai'
import { CscClient, OID, digest, refusal } from '../csc/client.ts'
import { Receiver, type Received } from '../outgoing/receiver.ts'
import { PemFiles } from '../support/authority.ts'
import { startService, type TestService } from '../support/startService.ts'
import { isSigned } from './signed.ts'

type Body = Record<string, unknown>

describe('the notification of a client', () => {
  let receiver: Receiver
  let files: PemFiles
  let service: TestService
  let client: CscClient
  let here: string

  before(async () => {
    receiver = await Receiver.start()
    files = new PemFiles()
    service = await startService({
      outgoing: { privateHosts: ['localhost'], ca: files.write('receivers.crt', receiver.ca) },
    })
    client = await CscClient.of(service)
    here = `https://localhost:${receiver.port}`
    await register([`${here}/hooks/`, 'https://127.0.0.1/', 'https://169.254.169.254/'])
  })
  beforeEach(() => {
    receiver.received.length = 0
    receiver.answer = (_request, response) => void response.writeHead(204).end()
  })
  afterEach(() => service.checkState())
  after(async () => {
    await service.close()
    await receiver.close()
    files.remove()
  })

  const register = (responseUris: readonly string[]) =>
    service.admin(service.operators.admin, 'POST /clients/:id/response-uris', {
      params: { id: service.client.id },
      body: { responseUris },
    })
  const ask = async (text: string, response_uri: string) => {
    const hashes = [digest(text)]
    const { id: credentialID } = service.credential
    const SAD = await client.authorize(service.credential, hashes)
    const request = { credentialID, SAD, hashes, signAlgo: OID.ecdsa256, operationMode: 'A', response_uri }
    return client.call('signatures/signHash', request)
  }
  const asked = async (text: string, uri = `${here}/hooks/1`): Promise<string> => {
    const { status, body } = await ask(text, uri)
    expect(status, JSON.stringify(body)).to.equal(200)
    return String(body['responseID'])
  }
  const deliveries = async (query: Record<string, string> = {}): Promise<Body[]> => {
    const { body } = await service.admin(service.operators.auditor, 'GET /deliveries', { query })
    return (body as { items: Body[] }).items
  }
  /** The delivery of a response, once it looks so. */
  const delivery = async (responseID: string, is: (one: Body) => boolean): Promise<Body> => {
    for (;;) {
      const found = (await deliveries()).find((one) => one['responseID'] === responseID)
      if (found !== undefined && is(found)) return found
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const isRetried = ({ attempts, state }: Body): boolean => attempts === 1 && state === 'waiting'
  const replay = (id: unknown) =>
    service.admin(service.operators.admin, 'POST /deliveries/:id/replay', { params: { id: String(id) } })

  it('says that its request has ended, and not how, signed by a key that is published', async () => {
    const uri = `${here}/hooks/1?session=a%20b`
    const responseID = await asked('told', uri)
    await receiver.until(1)
    const [got] = receiver.received
    expect(got).to.deep.include({ method: 'POST', path: '/hooks/1?session=a%20b' })
    expect(got?.headers['content-type']).to.equal('application/json')
    expect(JSON.parse(got?.body ?? '')).to.deep.equal({ responseID })
    const published = await fetch(`${service.url}/csc/v2/jwks.json`)
    expect(published.headers.get('cache-control')).to.equal('public, max-age=300')
    const { keys } = (await published.json()) as { keys: JsonWebKey[] }
    expect(keys).to.have.length(1)
    expect(keys[0]).to.have.all.keys('kty', 'crv', 'x', 'y', 'kid', 'use')
    const request = got as Received
    expect(isSigned(request, uri, keys)).to.equal(true)
    expect(isSigned(request, `${here}/hooks/2`, keys), 'to another address').to.equal(false)
    expect(isSigned({ ...request, body: '{}' }, uri, keys), 'with another body').to.equal(false)
    expect(isSigned({ ...request, method: 'PUT' }, uri, keys), 'by another method').to.equal(false)
    const { body } = await client.call('signatures/signPolling', { requestID: responseID })
    expect(body['signatures'], 'the result is there before the client is told').to.have.length(1)
  })

  it('is recorded and shown to operators, without the query that the client gave', async () => {
    const responseID = await asked('recorded', `${here}/hooks/2?token=between-us`)
    const done = await delivery(responseID, ({ state }) => state === 'done')
    expect(done).to.deep.include({
      kind: 'notification',
      clientId: service.client.id,
      receiver: `${here}/hooks/2`,
      attempts: 1,
      lastError: null,
    })
    const [act] = await service.acts('notification.deliver', `signature:${responseID}`)
    expect(act?.detail).to.deep.equal({ attempts: 1 })
    expect(service.log()).to.not.include('between-us')
  })

  it('is tried again when the receiver fails, signed anew, and is done once it is taken', async () => {
    receiver.answer = (_request, response) => void response.writeHead(503).end('come back later')
    const responseID = await asked('again')
    const failed = await delivery(responseID, isRetried)
    expect(failed).to.include({ lastError: 'status_503' })
    const wait = Date.parse(String(failed['nextAt'])) - Date.parse(String(failed['createdAt']))
    expect(wait).to.be.within(4_000, 20_000)
    receiver.answer = (_request, response) => void response.writeHead(200).end('thanks')
    const replayed = await replay(failed['id'])
    expect(replayed.status).to.equal(200)
    await delivery(responseID, ({ state }) => state === 'done')
    const [first, second] = receiver.received
    expect(second?.body).to.equal(first?.body)
    expect(second?.headers['signature']).to.not.equal(first?.headers['signature'])
    expect(await service.acts('delivery.replay', `delivery:${String(failed['id'])}`)).to.have.length(1)
  })

  it('is given up, with an alarm, where time is over, and goes when an operator replays it', async () => {
    receiver.answer = (_request, response) => void response.writeHead(302, { location: '/other' }).end()
    const responseID = await asked('given up')
    const { id } = await delivery(responseID, isRetried)
    await service.sql('update job set give_up_at = now(), run_at = now() where id = $1', [id])
    const dead = await delivery(responseID, ({ state }) => state === 'dead')
    expect(dead).to.include({ lastError: 'redirected', attempts: 2 })
    expect(receiver.received.map(({ path }) => path)).to.not.include('/other')
    expect(service.log()).to.include('"alarm":"delivery_given_up"')
    const [act] = await service.acts('notification.give-up', `signature:${responseID}`)
    expect(act?.detail).to.deep.equal({ attempts: 2, reason: 'redirected' })
    expect((await deliveries({ state: 'dead' })).map((one) => one['id'])).to.deep.equal([id])
    receiver.answer = (_request, response) => void response.writeHead(204).end()
    await replay(id)
    await delivery(responseID, ({ state }) => state === 'done')
    expect(await deliveries({ state: 'dead' })).to.deep.equal([])
  })

  it('goes to no private address, however it is registered', async () => {
    for (const uri of [`https://127.0.0.1/${receiver.port}`, 'https://169.254.169.254/latest/meta-data']) {
      const responseID = await asked(uri, uri)
      const failed = await delivery(responseID, isRetried)
      expect(failed).to.include({ lastError: 'address_not_allowed' })
    }
    expect(receiver.received).to.deep.equal([])
    await service.sql(`update job set state = 'dead', ended_at = now() where state = 'waiting'`)
  })

  it('goes nowhere that is not on the list of the client, nor on it any more', async () => {
    for (const uri of [
      `${here}/other`,
      `${here}/hooks`,
      `${here}/hooks/../other`,
      `${here}/hooks/%2e%2e/other`,
      `https://localhost/hooks/1`,
      `https://localhost:${receiver.port}.other.example/hooks/1`,
      `https://user@localhost:${receiver.port}/hooks/1`,
      `http://localhost:${receiver.port}/hooks/1`,
      'https://other.example/hooks/1',
      'file:///etc/passwd',
      'x',
    ]) {
      const { status, body } = await ask(uri, uri)
      expect([status, body], uri).to.deep.equal([400, refusal('Invalid parameter response_uri')])
    }
    receiver.answer = (_request, response) => void response.writeHead(500).end()
    const responseID = await asked('taken back')
    const { id } = await delivery(responseID, isRetried)
    await register([])
    await replay(id)
    const dead = await delivery(responseID, ({ state }) => state === 'dead')
    expect(dead).to.include({ lastError: 'not_registered' })
    expect(receiver.received).to.have.length(1)
    await register([`${here}/hooks/`])
  })

  it('is for another client to no address of this one', async () => {
    const other = await CscClient.of(service, await service.newClient())
    const request = { operationMode: 'A', response_uri: `${here}/hooks/1` }
    const good = { credentialID: 'x', hashes: [digest('x')], signAlgo: OID.ecdsa256, SAD: 'x' }
    const { status, body } = await other.call('signatures/signHash', { ...good, ...request })
    expect([status, body]).to.deep.equal([400, refusal('Invalid parameter response_uri')])
  })

  it('has its addresses set by an administrator, each change recorded, and none that is no address', async () => {
    const { status, body } = await register([`${here}/hooks/`])
    expect(status).to.equal(200)
    expect((body as Body)['responseUris']).to.deep.equal([`${here}/hooks/`])
    const acts = await service.acts('client.response-uris', `client:${service.client.id}`)
    expect(acts.at(-1)?.detail).to.deep.equal({ responseUris: [`${here}/hooks/`] })
    for (const uri of [
      'http://client.example/',
      'https://client.example/?x',
      'https://a@client.example/',
      '',
    ]) {
      const refused = await register([uri])
      expect([refused.status, (refused.body as Body)['detail']], uri).to.deep.equal([
        400,
        'responseUris.0: https, as URLs are written canonically, without query and fragment',
      ])
    }
  })
})
