import { expect } from 'chai'
import type { CredentialKey } from '../../src/credentials/credentialKey.ts'
import { dataIntegrity } from '../../src/credentials/formats/dataIntegrity.ts'
import type { JsonObject } from '../../src/credentials/formats/format.ts'
import { judge } from './integrityJudge.ts'
import { resolveDidKey, tokenKeys } from './integritySupport.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const EXAMPLES = 'https://www.w3.org/ns/credentials/examples/v2'

const credentials: Readonly<Record<'1.1' | '2.0', (issuer: string) => JsonObject>> = {
  '1.1': (issuer) => ({
    '@context': ['https://www.w3.org/2018/credentials/v1', EXAMPLES],
    type: ['VerifiableCredential', 'AlumniCredential'],
    issuer,
    issuanceDate: '2026-01-01T00:00:00Z',
    credentialSubject: { id: 'did:example:s', alumniOf: 'The School of Examples' },
  }),
  '2.0': (issuer) => ({
    '@context': ['https://www.w3.org/ns/credentials/v2', EXAMPLES],
    id: 'urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33',
    type: ['VerifiableCredential', 'AlumniCredential'],
    issuer: { id: issuer, name: 'Schule für Beispiele' },
    validFrom: '2026-01-01T00:00:00Z',
    credentialSubject: { id: 'did:example:s', alumniOf: 'The School of "Examples" \u{1F393}' },
  }),
}

const suites = [
  ['Ed25519', 'eddsa-rdfc-2022'],
  ['Ed25519', 'eddsa-jcs-2022'],
  ['Ed25519', 'Ed25519Signature2020'],
  ['P-256', 'ecdsa-rdfc-2019'],
  ['P-256', 'ecdsa-jcs-2019'],
  ['P-384', 'ecdsa-rdfc-2019'],
  ['P-384', 'ecdsa-jcs-2019'],
] as const

/** With keys in a token, judged by a verifier that is none of ours. */
describe('Data Integrity proofs of a token, judged by others', () => {
  let keys: Awaited<ReturnType<typeof tokenKeys>>
  const made = new Map<string, CredentialKey>()
  before(async () => {
    keys = await tokenKeys()
    for (const keyType of ['Ed25519', 'P-256', 'P-384'] as const) made.set(keyType, await keys.make(keyType))
  })
  after(() => keys.close())
  const keyOf = (keyType: string): CredentialKey => {
    const key = made.get(keyType)
    if (key === undefined) throw new Error('no key')
    return key
  }
  const problems = async (secured: JsonObject, more: object = {}): Promise<string[]> => {
    const asked = { secured, now: NOW, profile: 'strict', resolve: resolveDidKey, ...more } as const
    return (await dataIntegrity.verify(asked)).problems.map(({ name }) => name)
  }

  for (const [keyType, cryptosuite] of suites)
    for (const version of ['1.1', '2.0'] as const)
      it(`${cryptosuite} with ${keyType}, version ${version}: good, and not when it was changed`, async () => {
        const key = keyOf(keyType)
        const credential = credentials[version](key.controller)
        const { body, mediaType } = await dataIntegrity.issue({ credential, key, now: NOW, cryptosuite })
        const secured = body as JsonObject
        expect(mediaType).to.equal('application/vc')
        expect(await problems(secured)).to.deep.equal([])
        expect(await judge(secured, cryptosuite)).to.equal(true)
        const { proof, ...rest } = secured
        const changed = [
          { ...secured, credentialSubject: { id: 'did:example:s', alumniOf: 'Another School' } },
          { ...rest, proof: { ...(proof as object), created: '2026-03-01T12:00:01Z' } },
        ]
        for (const document of changed) {
          expect(await problems(document)).to.deep.equal(['signature-invalid'])
          expect(await judge(document, cryptosuite)).to.equal(false)
        }
      })

  for (const [keyType, cryptosuite] of suites)
    it(`${cryptosuite} with ${keyType}: a presentation`, async () => {
      const key = keyOf(keyType)
      const issued = await dataIntegrity.issue({
        credential: credentials['2.0'](key.controller),
        key,
        now: NOW,
        cryptosuite,
      })
      const presentation = {
        '@context': ['https://www.w3.org/ns/credentials/v2'],
        type: ['VerifiablePresentation'],
        holder: key.controller,
        verifiableCredential: [issued.body],
      }
      const asked = { challenge: 'of this day', domain: 'verifier.example' }
      const { body } =
        (await dataIntegrity.present?.({ presentation, key, now: NOW, cryptosuite, ...asked })) ?? {}
      const secured = body as JsonObject
      expect(await problems(secured, asked)).to.deep.equal([])
      expect(await judge(secured, cryptosuite, asked.challenge)).to.equal(true)
      expect(await judge(secured, cryptosuite, 'of another')).to.equal(false)
      expect(await problems(secured, { ...asked, challenge: 'of another' })).to.deep.equal([
        'challenge-mismatch',
      ])
      expect(await problems(secured, { ...asked, domain: 'other.example' })).to.deep.equal([
        'domain-mismatch',
      ])
    })

  it('a proof of possession is a presentation of nothing, for one nonce (OpenID4VCI F.2)', async () => {
    const key = keyOf('P-256')
    const { body } =
      (await dataIntegrity.prove?.({ key, now: NOW, domain: 'https://issuer.example', challenge: 'n' })) ?? {}
    const secured = body as JsonObject
    expect(await judge(secured, 'ecdsa-rdfc-2019', 'n')).to.equal(true)
    expect(await problems(secured, { challenge: 'n', domain: 'https://issuer.example' })).to.deep.equal([])
    expect(secured['holder']).to.equal(key.controller)
  })
})
