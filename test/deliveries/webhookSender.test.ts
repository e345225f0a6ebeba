import { randomUUID, type JsonWebKey } from 'node:crypto'
import { createServer } from 'node:net'
import { expect } from 'chai'
import { ConfigError } from '../../config/load.ts'
import { createPerson } from '../../src/api/admin/persons.ts'
import { SEND_WITHIN_MS, webhookSender } from '../../src/deliveries/webhookSender.ts'
import type { OutgoingError } from '../../src/outgoing/errors.ts'
import { SenderError } from '../../src/sender.ts'
import { startWatch } from '../../src/watch.ts'
import { CscClient, OID, digest, refusal, type CscAnswer } from '../csc/client.ts'
import { samplesOf } from '../ops/scrape.ts'
import { Receiver, type Received } from '../outgoing/receiver.ts'
import { CONTACT, Sending } from '../secondFactors/sending.ts'
import { PemFiles } from '../support/authority.ts'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { isSigned } from './signed.ts'

const TOKEN = 'the-gateways-own-bearer-token'
const NOT_SENT = refusal('The code cannot be sent at the moment', 'temporarily_unavailable')

describe('the gateway for messages', () => {
  let gateway: Receiver
  let files: PemFiles
  let service: TestService
  let sending: Sending
  let credential: TestCredential
  let url: string
  let tokenFile: string

  before(async () => {
    gateway = await Receiver.start()
    files = new PemFiles()
    url = `https://localhost:${gateway.port}/messages`
    tokenFile = files.write('token', `${TOKEN}\n`)
    service = await startService({
      outgoing: { ca: files.write('gateway.crt', gateway.ca) },
      messages: { sender: 'webhook', webhook: { url, tokenFile, isInternal: true } },
      log: { level: 'info' },
    })
    service.keepSecret(TOKEN)
    sending = await Sending.of(service)
    credential = await sending.credential()
  })
  beforeEach(() => {
    gateway.received.length = 0
    gateway.answer = (_request, response) => void response.writeHead(202).end()
  })
  afterEach(async () => {
    for (const one of gateway.received) keepSecretsOf(one)
    expect(service.log()).to.not.include(CONTACT)
    await service.checkState()
  })
  after(async () => {
    await service.close()
    await gateway.close()
    files.remove()
  })

  /** What it was sent stands in no log and no column: the text, the code or the link in it, and what signs it. */
  const keepSecretsOf = ({ headers, body }: Received): void => {
    const { text } = JSON.parse(body) as { text: string }
    const code = /#([A-Za-z0-9_-]{43}) /.exec(text)?.[1]
    const nonce = /;nonce="([^"]+)"/.exec(String(headers['signature-input']))?.[1]
    for (const secret of [text, code, nonce, String(headers['signature'])])
      if (secret !== undefined) service.keepSecret(secret)
  }
  const sent = (): Received => {
    const [only, ...others] = gateway.received
    expect(others).to.deep.equal([])
    if (only === undefined) throw new Error('nothing was sent')
    return only
  }
  const bodyOf = ({ body }: Received) => JSON.parse(body) as Record<string, string>
  /** None is outstanding, and the last one was a minute ago. */
  const settled = async (): Promise<void> => {
    await service.sql('update sent_code set used_at = now() where used_at is null')
    await sending.earlier(credential, 60)
  }
  const send = async (): Promise<CscAnswer> => {
    await settled()
    return sending.send(credential)
  }
  const published = async (): Promise<JsonWebKey[]> => {
    const response = await fetch(`${service.url}/csc/v2/jwks.json`)
    return ((await response.json()) as { keys: JsonWebKey[] }).keys
  }
  const message = (text = 'x') =>
    ({ id: randomUUID(), kind: 'code', to: CONTACT, text, language: 'en' }) as const
  /** Why a gateway elsewhere is not sent a message. */
  const failure = async (elsewhere: string): Promise<string> => {
    const text = `a secret text ${randomUUID()}`
    const error: unknown = await webhookSender({ url: elsewhere })
      .send(service.ctx, message(text))
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
    if (!(error instanceof SenderError)) return 'sent'
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
      expect(`${cause.message} ${cause.stack ?? ''}`).to.not.include(text)
    return error.reason
  }

  it('finds the key that messages are signed with published before there is a message', async () => {
    expect(await published()).to.have.length(1)
  })

  it('gets a code, signed by a key that is published, and the code authorises', async () => {
    expect((await send()).status).to.equal(204)
    const got = sent()
    const { text, id, ...others } = bodyOf(got)
    expect(others).to.deep.equal({ to: CONTACT, language: 'en', kind: 'code' })
    expect(text).to.match(/^[0-9]{6} is your code to sign with\. Test client asked for it\./)
    expect([got.method, got.path]).to.deep.equal(['POST', '/messages'])
    expect(got.headers).to.include({ 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` })
    const keys = await published()
    expect(isSigned(got, url, keys)).to.equal(true)
    expect(isSigned({ ...got, body: got.body.replace(CONTACT, 'tel:+4799999999') }, url, keys)).to.equal(
      false,
    )
    expect(isSigned(got, `${url}/other`, keys)).to.equal(false)
    const created = Number(/;created=([0-9]+);/.exec(String(got.headers['signature-input']))?.[1])
    expect(created).to.be.within(Date.now() / 1000 - 60, Date.now() / 1000 + 1)
    expect(got.headers['signature-input']).to.match(/;nonce="[A-Za-z0-9_-]{22}";tag="intaglio-message"$/)
    expect((await sending.authorize(credential, text?.slice(0, 6) ?? '')).status).to.equal(200)
    const acts = await service.acts('message.sign', `code:${id ?? ''}`)
    expect(acts.map(({ kind }) => kind)).to.deep.equal(['intent', 'result'])
    expect(await service.acts('code.send', `code:${id ?? ''}`)).to.have.length(1)
  })

  it('gets a message in the language that was asked for, each under an id and a nonce of its own', async () => {
    await send()
    await settled()
    const request = { credentialID: credential.id, authObjectID: 'OTP', lang: 'el-GR' }
    expect((await sending.client.call('credentials/getChallenge', request)).status).to.equal(204)
    const [first, second] = gateway.received.map((got) => ({ ...bodyOf(got), ...got.headers }))
    expect(second).to.include({ language: 'el' })
    for (const member of ['id', 'signature', 'signature-input'] as const)
      expect((first as Record<string, unknown>)[member]).to.not.equal(
        (second as Record<string, unknown>)[member],
      )
  })

  it('gets a request for approval, whose link leads to the page', async () => {
    const detail = { givenName: 'Kari', surname: 'Nordmann', country: 'NO', contact: CONTACT }
    const personId = await createPerson(service.ctx, 'service', detail)
    const { id: credentialID } = await service.newCredential({ personId, mode: 'oob' })
    const client = await CscClient.of(service)
    const hashes = [digest('a document')]
    const request = { credentialID, numSignatures: 1, hashes, hashAlgorithmOID: OID.sha256 }
    const answer = await client.call('credentials/authorize', request)
    expect(answer.status).to.equal(202)
    service.keepSecret(String(answer.body['handle']))
    const { text = '', id, kind, to } = bodyOf(sent())
    expect([kind, to]).to.deep.equal(['approval', CONTACT])
    expect(text).to.include(`${service.url}/oauth2/approve#`)
    expect(isSigned(sent(), url, await published())).to.equal(true)
    expect(await service.acts('approval.ask', `approval:${id ?? ''}`)).to.have.length(1)

    gateway.answer = (_request, response) => void response.writeHead(500).end()
    await service.sql(`update approval set created_at = created_at - interval '10 seconds'`)
    const refused = await client.call('credentials/authorize', request)
    const description = 'The holder cannot be reached at the moment'
    expect([refused.status, refused.body]).to.deep.equal([
      503,
      refusal(description, 'temporarily_unavailable'),
    ])
  })

  it('gets the bearer token that stands in the file now', async () => {
    files.write('token', 'another-token')
    service.keepSecret('another-token')
    await send()
    expect(sent().headers['authorization']).to.equal('Bearer another-token')
    files.write('token', 'no token, since it has spaces')
    expect((await send()).status).to.equal(503)
    expect(service.log()).to.include('"reason":"no_token"')
    files.write('token', TOKEN)
    expect(gateway.received).to.have.length(1)
  })

  const failing = [
    ['status_500', 500, {}],
    ['status_401', 401, {}],
    ['redirected', 307, { location: '/other' }],
    ['redirected', 302, { location: 'https://localhost/other' }],
  ] as const
  for (const [reason, status, headers] of failing) {
    it(`is not believed to have sent anything where it answers ${status}: 503, and the code is void`, async () => {
      gateway.answer = (_request, response) =>
        void response.writeHead(status, headers).end('the text of the message, once more')
      const from = service.log().length
      const answer = await send()
      expect([answer.status, answer.body]).to.deep.equal([503, NOT_SENT])
      expect(answer.headers.get('retry-after')).to.equal('2')
      expect(service.log().slice(from)).to.include(`"reason":"${reason}"`)
      expect(service.log()).to.not.include('once more')
      const { id } = bodyOf(sent())
      const [row] = await service.sql<{ used: boolean }>(
        'select used_at is not null as used from sent_code where id = $1',
        [id],
      )
      expect(row).to.deep.equal({ used: true })
    })
  }

  it('keeps nobody waiting for longer than the limit', async function () {
    this.timeout(4 * SEND_WITHIN_MS)
    gateway.answer = () => undefined
    const before = performance.now()
    const answer = await send()
    expect([answer.status, answer.body]).to.deep.equal([503, NOT_SENT])
    expect(performance.now() - before).to.be.within(SEND_WITHIN_MS - 50, 2 * SEND_WITHIN_MS)
    expect(service.log()).to.include('"reason":"too_slow"')
  })

  it('is the one that is configured, by a certificate of an authority that is, or gets nothing', async () => {
    const stranger = await Receiver.start()
    try {
      expect(await failure(`https://localhost:${stranger.port}/`)).to.equal('tls_failed')
      expect(await failure(`https://127.0.0.1:${gateway.port}/`)).to.equal('host_not_allowed')
      expect(await failure(`http://localhost:${gateway.port}/`)).to.equal('not_https')
      expect(stranger.received).to.deep.equal([])
    } finally {
      await stranger.close()
    }
    expect(await failure(`https://localhost:${await freePort()}/`)).to.equal('connection_failed')
    expect(gateway.received).to.deep.equal([])
  })

  it('is the only host that messages go to', async () => {
    const request = { purpose: 'message', method: 'POST', url: new URL('https://client.example/') } as const
    const reason: unknown = await service.ctx
      .fetch(request)
      .catch((error: unknown) => (error as OutgoingError).reason)
    expect(reason).to.equal('host_not_allowed')
  })

  it('keeps a start from succeeding whose token cannot be read, and says which file', async () => {
    const problem = async (file: string): Promise<unknown> =>
      webhookSender({ url, tokenFile: file })
        .prepare?.(service.ctx)
        .catch((error: unknown) => (error instanceof ConfigError ? error.problems : error))
    const none = `${files.folder}/none`
    expect(await problem(none)).to.deep.equal([`messages.webhook.tokenFile: ${none} cannot be read (ENOENT)`])
    const empty = files.write('empty', '\n')
    expect(await problem(empty)).to.deep.equal([`messages.webhook.tokenFile: ${empty} holds no bearer token`])
    expect(await problem(tokenFile)).to.equal(undefined)
  })

  it('is counted, and an alarm tells of one that fails for a minute, until a message goes', async () => {
    const counted = async (outcome: string): Promise<number> => {
      const samples = samplesOf(await service.ctx.metrics.registry.metrics())
      return samples.get(`intaglio_messages_total{kind="code",outcome="${outcome}"}`) ?? 0
    }
    const alarms = (): number => service.log().split('"alarm":"messages_fail"').length - 1
    const { metrics } = service.ctx
    const watch = startWatch(service.ctx)
    try {
      await send()
      const [good, bad] = [await counted('sent'), await counted('failed')]
      gateway.answer = (_request, response) => void response.writeHead(503).end()
      await send()
      await watch.look()
      expect([await counted('sent'), await counted('failed'), alarms()]).to.deep.equal([good, bad + 1, 0])
      // As if it had begun a minute earlier.
      metrics.messagesFailSince = (metrics.messagesFailSince ?? 0) - 60_000
      await send()
      await watch.look()
      await watch.look()
      expect(alarms()).to.be.within(1, 2)
      gateway.answer = (_request, response) => void response.writeHead(200).end()
      await send()
      await watch.look()
      expect(await counted('sent')).to.equal(good + 1)
      expect(service.log()).to.include('"over":"messages_fail"')
    } finally {
      await watch.stop()
    }
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
