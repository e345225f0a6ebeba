import { deflateSync } from 'node:zlib'
import { expect } from 'chai'
import { makeIssuer } from '../../src/credentials/makeIssuer.ts'
import { statusProblems } from '../../src/credentials/status/check.ts'
import { issuer as signer, ListServer } from '../credentials/status/listServer.ts'
import { Receiver } from '../outgoing/receiver.ts'
import { PemFiles } from '../support/authority.ts'
import { startService, type TestService } from '../support/startService.ts'
import { credentialOf, newIssuer, problemsOf, VcClient, visible, type Credential } from './client.ts'

const UNKNOWN = 'The status list of somebody else'

describe('the status of what another service has issued', function () {
  this.timeout(60_000)
  let front: Receiver
  let files: PemFiles
  let other: TestService
  let service: TestService
  let issuing: VcClient
  let client: VcClient
  before(async () => {
    front = await Receiver.start()
    files = new PemFiles()
    const here = `https://localhost:${String(front.port)}`
    // Lists that nobody keeps: each verification asks for what is published.
    other = await startService({ baseUrl: here, status: { ttlSeconds: 0 } })
    service = await startService({
      outgoing: {
        privateHosts: ['localhost'],
        ca: files.write('other.crt', front.ca),
        statusListHosts: ['localhost'],
        didWebHosts: ['localhost'],
      },
    })
    issuing = await VcClient.of(other)
    client = await VcClient.of(service)
  })
  beforeEach(() => {
    front.received.length = 0
    // Its TLS, as a proxy in front of it has it.
    front.answer = (request, response) =>
      void fetch(`${other.url}${request.url ?? ''}`).then(async (answer) =>
        response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer())),
      )
  })
  afterEach(async () => {
    await service.checkState()
    await other.checkState()
  })
  after(async () => {
    await service.close()
    await other.close()
    await front.close()
    files.remove()
  })

  /** Without an operator, whose signed requests name the address that the service is reached at. */
  const issuerThere = (method: 'key' | 'web' = 'key') =>
    makeIssuer(other.ctx, { clientId: other.client.id, keyType: 'P-256', method, actor: 'operator:tests' })
  const change = async (credentialId: string, statusPurpose: string, status = true): Promise<void> => {
    const credentialStatus = { type: 'BitstringStatusListEntry', statusPurpose, status }
    const { status: answered } = await issuing.post('/credentials/status', { credentialId, credentialStatus })
    expect(answered).to.equal(200)
  }
  const found = async (secured: unknown): Promise<string[]> => problemsOf(await client.verify(secured))
  const seen = (secured: unknown, ...problems: string[]): Promise<void> =>
    visible(async () => JSON.stringify(await found(secured)) === JSON.stringify(problems))
  const lists = (): string[] =>
    front.received.map(({ path }) => path).filter((path) => path.startsWith('/status/'))
  const statusOf = (made: Credential): Record<string, unknown> =>
    made['credentialStatus'] as Record<string, unknown>

  for (const format of ['data-integrity', 'jwt', 'sd-jwt', 'cose'] as const)
    it(`is found out by the list of its issuer, for a credential as ${format}`, async () => {
      const { identifier } = await issuerThere()
      const credential = credentialOf(identifier)
      const enveloped = format === 'cose' ? { enveloped: true } : {}
      const made = await issuing.issue(credential, { format, status: ['revocation'], ...enveloped })
      expect(await found(made)).to.deep.equal([])
      await change(String(credential['id']), 'revocation')
      await seen(made, 'revoked')
    })

  it('is found out where the key of its issuer has to be found first', async () => {
    const { identifier } = await issuerThere('web')
    const credential = credentialOf(identifier)
    const made = await issuing.issue(credential, { status: ['revocation', 'suspension'] })
    expect(await found(made)).to.deep.equal([])
    const paths = front.received.map(({ path }) => path.replaceAll(/[0-9a-f-]{36}/g, 'X')).sort()
    expect(paths).to.deep.equal(['/issuers/X/did.json', '/status/X/revocation', '/status/X/suspension'])
    const id = String(credential['id'])
    await change(id, 'suspension')
    await seen(made, 'suspended')
    await change(id, 'suspension', false)
    await seen(made)
  })

  it('is found out by its token, for an SD-JWT VC', async () => {
    const { identifier: iss } = await issuerThere()
    const { body } = await issuing.post('/credentials/issue', {
      credential: { iss, vct: 'https://example.org/degree' },
      options: { format: 'sd-jwt', status: ['revocation', 'suspension'], credentialId: 'urn:example:1' },
    })
    const { verifiableCredential: made } = body
    expect(await found(made)).to.deep.equal([])
    expect(lists()).to.have.length(1)
    expect(lists()[0]).to.match(/\/token$/)
    await change('urn:example:1', 'suspension')
    await seen(made, 'suspended')
    await change('urn:example:1', 'revocation')
    await seen(made, 'revoked')
  })

  it('counts in a presentation, too', async () => {
    const { identifier } = await issuerThere()
    const credential = credentialOf(identifier)
    const made = await issuing.issue(credential, { status: ['revocation'] })
    const verifiablePresentation = {
      '@context': ['https://www.w3.org/ns/credentials/v2'],
      type: ['VerifiablePresentation'],
      verifiableCredential: [made],
    }
    const shown = async (): Promise<string[]> =>
      problemsOf(await client.post('/presentations/verify', { verifiablePresentation }))
    expect(await shown()).to.deep.equal(['proof-missing'])
    await change(String(credential['id']), 'revocation')
    await visible(async () => (await shown()).includes('revoked'))
  })

  it('is asked of nobody where it does not count, or where the credential is not good', async () => {
    const { identifier } = await issuerThere()
    const made = await issuing.issue(credentialOf(identifier), { status: ['revocation'] })
    const options = { checks: ['proof'] }
    const { body } = await client.post('/credentials/verify', { verifiableCredential: made, options })
    expect(body).to.deep.equal({ verified: true, problemDetails: [] })
    const answer = await client.verify({ ...made, credentialSubject: { id: 'did:example:other' } })
    expect(answer.status).to.equal(400)
    expect(answer.body['problemDetails']).to.deep.equal([
      {
        type: 'tag:intaglio,2026:problem:signature-invalid',
        title: 'The signature is not that of the key over what is there.',
        detail: 'proofValue: is no signature of this key over this document',
      },
      {
        type: 'tag:intaglio,2026:problem:status-unknown',
        title: 'Its status cannot be known here.',
        detail: `${UNKNOWN}: not fetched, since the credential is not good`,
      },
    ])
    expect(lists()).to.deep.equal([])
  })

  describe('is not believed', () => {
    /** Of an issuer of the other service: what it says of a status is its own choice. */
    const naming = async (entry: object, by?: string): Promise<Credential> => {
      const issuer = by ?? (await issuerThere()).identifier
      return issuing.issue(credentialOf(issuer, { credentialStatus: entry }))
    }
    const entryOf = async (identifier: string): Promise<Record<string, unknown>> =>
      statusOf(await issuing.issue(credentialOf(identifier), { status: ['revocation'] }))
    const only = async (made: Credential): Promise<Record<string, unknown>> => {
      const { status, body } = await client.verify(made)
      expect(status).to.equal(400)
      const [problem, ...more] = body['problemDetails'] as Record<string, unknown>[]
      expect(more).to.deep.equal([])
      return problem ?? {}
    }

    it('from a list of another issuer', async () => {
      const { identifier } = await issuerThere()
      expect(await only(await naming(await entryOf(identifier)))).to.deep.equal({
        type: 'tag:intaglio,2026:problem:status-issuer-mismatch',
        title: "The status list that it names is somebody else's than its issuer's.",
        detail: 'The status list: its issuer is not that of the credential',
      })
      // One of ours is not, either.
      const own = await newIssuer(service)
      const made = await client.issue(credentialOf(own.identifier), { status: ['revocation'] })
      expect(await only(await naming(statusOf(made)))).to.include({
        type: 'tag:intaglio,2026:problem:status-issuer-mismatch',
      })
    })

    it('from a list for something else, or without the entry', async () => {
      const { identifier } = await issuerThere()
      const entry = await entryOf(identifier)
      const url = String(entry['statusListCredential'])
      const suspended = { ...entry, statusListCredential: url.replace('revocation', 'suspension') }
      expect(await only(await naming(suspended, identifier))).to.deep.equal({
        type: 'tag:intaglio,2026:problem:status-purpose-mismatch',
        title: 'The status list that it names is about something else.',
        detail: 'The status list: it is not about revocation',
      })
      expect(await only(await naming({ ...entry, statusListIndex: '131072' }, identifier))).to.deep.equal({
        type: 'tag:intaglio,2026:problem:status-index-unknown',
        title: 'The status list that it names has no such entry.',
        detail: 'The status list: it has no such entry',
      })
    })

    it('from a list that is not there, or that nobody here may ask for', async () => {
      const { identifier } = await issuerThere()
      const entry = await entryOf(identifier)
      const at = (statusListCredential: string) => naming({ ...entry, statusListCredential }, identifier)
      const unknown = (why: string) => ({
        type: 'tag:intaglio,2026:problem:status-unknown',
        title: 'Its status cannot be known here.',
        detail: `${UNKNOWN}: ${why}`,
      })
      const url = String(entry['statusListCredential'])
      expect(await only(await at(`${url}s`))).to.deep.equal(unknown('its server answered 404'))
      expect(await only(await at('https://lists.example/1'))).to.deep.equal(
        unknown('its host is not one that lists are fetched from here'),
      )
      expect(await only(await at('https://169.254.169.254/1'))).to.deep.equal(
        unknown('its host is not one that lists are fetched from here'),
      )
      expect(await only(await at(`${service.url}/status/1/revocation`))).to.deep.equal({
        ...unknown(''),
        detail: 'The status list: there is none here with such an entry',
      })
    })

    it('where the entry is written in another way, or is more than can be understood', async () => {
      const { identifier } = await issuerThere()
      const entry = await entryOf(identifier)
      for (const [more, name] of [
        [{ statusListIndex: '01' }, 'status-malformed'],
        [{ statusListIndex: '-1' }, 'status-malformed'],
        [{ statusListCredential: 'urn:uuid:1' }, 'status-unknown'],
        [{ statusPurpose: 'message', statusSize: 2 }, 'status-unknown'],
        [{ statusSize: 2 }, 'status-unknown'],
        [{ type: 'StatusList2021Entry' }, 'status-unknown'],
      ] as const) {
        const secured = await issuing.issue(
          credentialOf(identifier, { credentialStatus: { ...entry, ...more } }),
          { format: 'jwt' },
        )
        expect(await found(secured), JSON.stringify(more)).to.deep.equal([name])
      }
      const many = Array.from({ length: 11 }, () => entry)
      const secured = await issuing.issue(credentialOf(identifier, { credentialStatus: many }), {
        format: 'jwt',
      })
      expect(await found(secured)).to.deep.equal(['status-malformed'])
    })

    it('where a token is referred to in another way, or says something else', async () => {
      const server = await ListServer.start()
      const problemsWith = async (status: unknown): Promise<string[]> => {
        const credential = { vct: 'https://example.org/degree', iss: signer, status }
        const problems = await statusProblems(service.ctx, credential, server.lists().reader())
        return problems.map(({ name }) => name)
      }
      expect(await problemsWith('valid')).to.deep.equal(['status-malformed'])
      const statusOfToken = (value: number): Promise<string[]> => {
        const lst = deflateSync(Buffer.from([value])).toString('base64url')
        server.serve(server.token({ status_list: { bits: 8, lst } }))
        return problemsWith({ status_list: { idx: 0, uri: server.url() } })
      }
      expect(await statusOfToken(0)).to.deep.equal([])
      expect(await statusOfToken(1)).to.deep.equal(['revoked'])
      expect(await statusOfToken(2)).to.deep.equal(['suspended'])
      for (const value of [3, 0x0b, 255])
        expect(await statusOfToken(value), String(value)).to.deep.equal(['status-unknown'])
      await server.receiver.close()

      const { identifier: iss } = await issuerThere()
      const uri = String((await entryOf(iss))['statusListCredential']).replace('revocation', 'token')
      for (const [status, name] of [
        [{ status_list: 'x' }, 'status-malformed'],
        [{ status_list: { idx: -1, uri } }, 'status-malformed'],
        [{ status_list: { idx: '1', uri } }, 'status-malformed'],
        [{ status_list: { idx: 1 } }, 'status-malformed'],
        [{ status_list: { idx: 131_072, uri } }, 'status-index-unknown'],
        [{ identifier_list: { id: 'x', uri } }, 'status-unknown'],
      ] as const) {
        const credential = { iss, vct: 'https://example.org/degree', status }
        const secured = await issuing.issue(credential, { format: 'sd-jwt' })
        expect(await found(secured), JSON.stringify(status)).to.deep.equal([name])
      }
    })
  })
})
