import { expect } from 'chai'
import { dataIntegrity } from '../../src/credentials/formats/dataIntegrity.ts'
import { signJws } from '../../src/signing/jws.ts'
import { madeKey } from '../credentials/integritySupport.ts'
import { startService, type TestService } from '../support/startService.ts'
import { credentialOf, newIssuer, problemsOf, VcClient, type Credential } from './client.ts'

const V2 = 'https://www.w3.org/ns/credentials/v2'

describe('what is presented', function () {
  this.timeout(60_000)
  let service: TestService
  let client: VcClient
  let revoked: Credential
  const holder = madeKey('P-256')
  before(async () => {
    service = await startService()
    client = await VcClient.of(service)
    const { identifier } = await newIssuer(service)
    revoked = await client.issue(credentialOf(identifier), { status: ['revocation'] })
    const credentialStatus = { type: 'BitstringStatusListEntry', statusPurpose: 'revocation' }
    await client.post('/credentials/status', { credentialId: revoked['id'], credentialStatus })
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const presentation = (credential: unknown): Credential => ({
    '@context': [V2],
    type: ['VerifiablePresentation'],
    holder: holder.controller,
    verifiableCredential: [credential],
  })
  const found = async (verifiablePresentation: unknown, options: object = {}): Promise<string[]> =>
    problemsOf(await client.post('/presentations/verify', { verifiablePresentation, options }))

  it('as a JWT is asked about its status, though it carries its proof itself', async () => {
    const header = { typ: 'vp+jwt', kid: holder.id }
    const compact = await signJws(holder, header, presentation(revoked))
    expect(await found(compact)).to.deep.equal(['revoked'])
    expect(await found(compact, { checks: ['proof'] })).to.deep.equal([])
  })

  it('is asked about its status unless that is left out on purpose: no check is left out for a misspelling', async () => {
    for (const checks of [['CredentialStatus'], ['proof', 'credentialSchema']]) {
      const { status, body } = await client.post('/credentials/verify', {
        verifiableCredential: revoked,
        options: { checks },
      })
      const at = checks.length - 1
      expect([status, body['detail']]).to.deep.equal([
        400,
        `options.checks.${at}: one of proof, credentialStatus, status`,
      ])
    }
  })

  it("by its holder, of himself, is asked about its status like all else: not in somebody else's list", async () => {
    const { credentialStatus } = revoked
    const own = { ...credentialOf(holder.controller), credentialStatus }
    const asked = { presentation: presentation(own), key: holder, now: new Date() }
    const made = await dataIntegrity.present?.(asked)
    expect(await found(made?.body)).to.deep.equal(['status-issuer-mismatch'])
    expect(await found(made?.body, { checks: ['proof'] })).to.deep.equal([])
  })
})
