import { expect } from 'chai'
import { dataIntegrity } from '../../src/credentials/formats/dataIntegrity.ts'
import { madeKey } from '../credentials/integritySupport.ts'
import { startService, type TestService } from '../support/startService.ts'
import { credentialOf, newIssuer, problemsOf, VcClient, type Issuer } from './client.ts'

describe('the VC API', function () {
  this.timeout(60_000)
  let service: TestService
  let client: VcClient
  let issuer: Issuer
  before(async () => {
    service = await startService()
    client = await VcClient.of(service)
    issuer = await newIssuer(service)
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const BAD_REQUEST = { type: 'about:blank', title: 'Bad Request', status: 400, code: 'invalid_request' }
  const refused = (detail: string) => ({ ...BAD_REQUEST, detail })

  describe('issues', () => {
    for (const keyType of ['P-256', 'P-384', 'Ed25519'] as const) {
      it(`a credential with a proof by a key of type ${keyType}, and finds it good`, async () => {
        const { identifier } = await newIssuer(service, { keyType })
        const made = await client.issue(credentialOf(identifier))
        const cryptosuite = keyType === 'Ed25519' ? 'eddsa-rdfc-2022' : 'ecdsa-rdfc-2019'
        expect(made['proof']).to.deep.include({ type: 'DataIntegrityProof', cryptosuite })
        const { status, body } = await client.verify(made)
        expect({ status, body }).to.deep.equal({ status: 200, body: { verified: true, problemDetails: [] } })
      })
    }

    it('one that names no issuer by the only one there is, and asks which where there are several', async () => {
      const other = await service.newClient('With issuers')
      const { identifier } = await newIssuer(service, { client: other.id })
      const one = await VcClient.of(service, other)
      expect((await one.issue(credentialOf(undefined)))['issuer']).to.equal(identifier)
      await newIssuer(service, { client: other.id })
      const { status, body } = await one.post('/credentials/issue', { credential: credentialOf(undefined) })
      expect(status).to.equal(400)
      expect(body).to.deep.equal(refused('issuer: is missing, and there are several of yours'))
    })

    for (const [format, begins] of [
      ['jwt', /^ey[\w-]+\.ey[\w-]+\.[\w-]+$/],
      ['sd-jwt', /^ey[\w-]+\.ey[\w-]+\.[\w-]+~$/],
      ['cose', /^0o[\w-]+$/],
    ] as const) {
      it(`in the format ${format}, where it is asked for, and finds it good as it was answered`, async () => {
        const { identifier } = issuer
        const asked = { credential: credentialOf(identifier), options: { format } }
        const { status, body } = await client.post('/credentials/issue', asked)
        expect(status).to.equal(201)
        expect(body['verifiableCredential']).to.match(begins)
        const verdict = await client.verify(body['verifiableCredential'])
        expect(verdict.body).to.deep.equal({ verified: true, problemDetails: [] })
        const text = String(body['verifiableCredential'])
        const at = Math.floor(text.length / 2)
        const altered = `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
        expect((await client.verify(altered)).body).to.include({ verified: false })
      })
    }

    it('nothing in the name of somebody else', async () => {
      const stranger = await VcClient.of(service, await service.newClient('A stranger'))
      for (const identifier of [issuer.identifier, 'did:example:nobody']) {
        const asked = { credential: credentialOf(identifier) }
        const { status, body } = await stranger.post('/credentials/issue', asked)
        expect({ status, body }).to.deep.equal({
          status: 400,
          body: refused('issuer: not an issuer of yours'),
        })
      }
    })

    it('nothing for an issuer that was disabled, and again when it is enabled', async () => {
      const made = await newIssuer(service)
      const { officer } = service.operators
      await service.admin(officer, 'POST /issuers/:id/disable', { params: { id: made.id } })
      const asked = { credential: credentialOf(made.identifier) }
      expect((await client.post('/credentials/issue', asked)).status).to.equal(400)
      await service.admin(officer, 'POST /issuers/:id/enable', { params: { id: made.id } })
      expect((await client.post('/credentials/issue', asked)).status).to.equal(201)
    })

    it('nothing by a key that the database alone says is the issuer’s', async () => {
      const [mine, theirs] = [await newIssuer(service), await newIssuer(service)]
      await client.issue(credentialOf(mine.identifier))
      await service.sql(`update credential_issuer_key set issuer_id = $1::uuid where issuer_id = $2::uuid`, [
        mine.id,
        theirs.id,
      ])
      const asked = { credential: credentialOf(mine.identifier) }
      const { status, body } = await client.post('/credentials/issue', asked)
      expect({ status, code: body['code'] }).to.deep.equal({ status: 500, code: 'internal' })
      expect(service.log()).to.include('"alarm":"seal_broken"')
      await service.sql(
        `update credential_issuer_key k set issuer_id = $1::uuid
           from key where key.id = k.key_id and k.verification_method like $2::text || '#%'`,
        [theirs.id, theirs.identifier],
      )
    })

    it('nothing to who has no token of a client', async () => {
      const response = await fetch(`${service.url}/credentials/issue`, { method: 'POST', body: '{}' })
      expect(response.status).to.equal(401)
      expect(await response.json()).to.deep.equal({
        type: 'about:blank',
        title: 'Unauthorized',
        status: 401,
        code: 'unauthenticated',
        detail: 'An access token is required',
      })
    })

    it('nothing with a member or an option that it does not know', async () => {
      const credential = credentialOf(issuer.identifier)
      for (const [asked, name] of [
        [{ credential, more: 1 }, 'more'],
        [{ credential, options: { verbose: true } }, 'options.verbose'],
      ] as const) {
        const { status, body } = await client.post('/credentials/issue', asked)
        const detail = `${name}: there is no such member`
        expect({ status, body }).to.deep.equal({
          status: 400,
          body: refused(detail),
        })
      }
    })

    it('with an intent and a result in the audit log, which name issuer, key and client', async () => {
      const made = await newIssuer(service)
      await client.issue(credentialOf(made.identifier))
      const acts = await service.acts('credential.issue', `issuer:${made.id}`)
      expect(acts.map(({ kind }) => kind)).to.deep.equal(['intent', 'result'])
    })
  })

  describe('finds bad', () => {
    it('what was altered', async () => {
      const made = await client.issue(credentialOf(issuer.identifier))
      const altered = { ...made, credentialSubject: { id: 'did:example:other' } }
      const answer = await client.verify(altered)
      expect(answer.status).to.equal(400)
      expect(answer.body['verified']).to.equal(false)
      expect(problemsOf(answer)).to.deep.equal(['signature-invalid'])
    })

    it('what was signed by somebody else than its issuer, unless the proof alone is asked for', async () => {
      // It lets its key sign in whichever name.
      const key = { ...madeKey('P-256'), controller: 'somebody' }
      const credential = credentialOf(issuer.identifier)
      const { body: made } = await dataIntegrity.issue({ credential, key, now: new Date() })
      const answer = await client.verify(made)
      expect(answer.status).to.equal(400)
      expect(problemsOf(answer)).to.deep.equal(['issuer-mismatch'])
      const { status, body } = await client.verify(made, '/credentials/verify/proof')
      expect({ status, body }).to.deep.equal({ status: 200, body: { verified: true, problemDetails: [] } })
    })

    it('what was signed for another purpose', async () => {
      const made = await client.issue(credentialOf(issuer.identifier))
      const proof = { ...(made['proof'] as object), proofPurpose: 'authentication' }
      expect(problemsOf(await client.verify({ ...made, proof }))).to.deep.equal(['purpose-mismatch'])
    })

    it('what has no proof at all', async () => {
      const answer = await client.verify(credentialOf(issuer.identifier))
      expect(answer.status).to.equal(400)
      expect(problemsOf(answer)).to.deep.equal(['proof-missing'])
    })
  })

  describe('an issuer of the web', () => {
    it('is found by its document, and what its old key signed stays good', async () => {
      const made = await newIssuer(service, { method: 'web' })
      const before = await client.issue(credentialOf(made.identifier))
      const { officer } = service.operators
      await service.admin(officer, 'POST /issuers/:id/rotate', { params: { id: made.id }, body: {} })
      const after = await client.issue(credentialOf(made.identifier))
      expect(methodOf(before)).not.to.equal(methodOf(after))
      const response = await fetch(`${service.url}/issuers/${made.id}/did.json`)
      expect(response.headers.get('access-control-allow-origin')).to.equal('*')
      const document = (await response.json()) as {
        id: string
        assertionMethod: string[]
        verificationMethod: { id: string }[]
      }
      expect(document.id).to.equal(made.identifier)
      expect(document.verificationMethod.map(({ id }) => id)).to.have.members([
        methodOf(before),
        methodOf(after),
      ])
      expect((await client.verify(before)).body).to.deep.equal({ verified: true, problemDetails: [] })
      expect((await client.verify(after)).body).to.deep.equal({ verified: true, problemDetails: [] })
    })
  })
})

const methodOf = (credential: Record<string, unknown>): string =>
  String((credential['proof'] as Record<string, unknown>)['verificationMethod'])
