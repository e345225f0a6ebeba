import { expect } from 'chai'
import {
  credentialProblems,
  envelopeProblems,
  presentationProblems,
  validityProblems,
} from '../../src/credentials/dataModel.ts'
import { relatedResources } from '../../src/credentials/relatedResources.ts'

const V1 = 'https://www.w3.org/2018/credentials/v1'
const V2 = 'https://www.w3.org/ns/credentials/v2'
const two = {
  '@context': [V2],
  type: ['VerifiableCredential'],
  issuer: 'did:example:i',
  credentialSubject: { id: 'did:example:s' },
}
const one = { ...two, '@context': [V1], issuanceDate: '2026-01-01T00:00:00Z' }
const T = 'https://example.org/#T'
const URL = 'https://example.org/1'
const found = (change: object, base: object = two): string[] =>
  credentialProblems({ ...base, ...change }).map(({ name, detail }) => `${name}: ${detail}`)

/** Each row: what stands in the credential, and the problems that it has. */
const rows: readonly (readonly [object, ...string[]])[] = [
  [{}],
  [{ '@context': undefined }, 'invalid-context: @context is no list'],
  [{ '@context': V2 }, 'invalid-context: @context is no list'],
  [{ '@context': [URL, V2] }, `invalid-context: @context does not begin with ${V2} or ${V1}`],
  [{ '@context': [V2, 17] }, 'invalid-context: @context has an item that is neither a URL nor an object'],
  [
    { '@context': [V2, 'https ://no'] },
    'invalid-context: @context has an item that is neither a URL nor an object',
  ],
  [{ '@context': [V2, { a: 'urn:a' }] }],
  [{ id: null }, 'invalid-id: id is no URL'],
  [{ id: ['urn:a', 'urn:b'] }, 'invalid-id: id is no URL'],
  [{ id: 'https ://not-a-url' }, 'invalid-id: id is no URL'],
  [{ id: 'urn:uuid:1' }],
  [{ type: undefined }, 'invalid-type: type is missing'],
  [{ type: [] }, 'invalid-type: type is neither a term or URL nor a list of these'],
  [{ type: ['VerifiableCredential', 2] }, 'invalid-type: type is neither a term or URL nor a list of these'],
  [{ type: ['RelationshipCredential'] }, 'invalid-type: type lacks VerifiableCredential'],
  [{ issuer: undefined }, 'invalid-issuer: issuer is missing'],
  [{ issuer: null }, 'invalid-issuer: issuer is neither a URL nor an object with one as its id'],
  [{ issuer: 'fake-issuer' }, 'invalid-issuer: issuer is neither a URL nor an object with one as its id'],
  [{ issuer: { id: null } }, 'invalid-issuer: issuer has no id that is a URL'],
  [{ issuer: { id: URL, name: 'x', description: [{ '@value': 'Chien', '@language': 'fr' }] } }],
  [
    { issuer: { id: URL, name: { '@value': 'x', url: URL } } },
    'invalid-issuer: issuer has a name that is neither a string nor @value with @language and @direction',
  ],
  [{ credentialSubject: undefined }, 'invalid-subject: credentialSubject is missing'],
  [{ credentialSubject: {} }, 'invalid-subject: credentialSubject claims nothing'],
  [{ credentialSubject: [{ id: 'did:example:s' }, {}] }, 'invalid-subject: credentialSubject claims nothing'],
  [{ credentialSubject: [] }, 'invalid-subject: credentialSubject is an empty list'],
  [
    { credentialSubject: 'did:example:s' },
    'invalid-subject: credentialSubject is neither an object nor a list of objects',
  ],
  [
    { credentialSubject: { id: ['did:a:b', 'did:a:c'] } },
    'invalid-subject: credentialSubject has an id that is no URL',
  ],
  [{ validFrom: 'Sat 25 Feb 2023 07:16:31 PM CST' }, 'invalid-date: validFrom is no dateTimeStamp'],
  [{ validFrom: '2026-01-01T00:00:00' }, 'invalid-date: validFrom is no dateTimeStamp'],
  [{ validFrom: '2026-02-30T00:00:00Z' }, 'invalid-date: validFrom is no dateTimeStamp'],
  [{ validFrom: '2023-02-25T19:10:39.123-06:00', validUntil: '2030-01-01T00:00:00Z' }],
  [
    { validFrom: '2026-01-02T00:00:00Z', validUntil: '2026-01-01T00:00:00Z' },
    'invalid-date: validUntil is before validFrom',
  ],
  [{ name: { '@value': 'x', '@language': 'en', '@direction': 'ltr' } }],
  [
    { name: { '@value': 'x', '@direction': 'up' } },
    'invalid-name: name is neither a string nor @value with @language and @direction',
  ],
  [
    { name: { '@value': 'x', '@language': 'not a language' } },
    'invalid-name: name is neither a string nor @value with @language and @direction',
  ],
  [
    { description: 1 },
    'invalid-description: description is neither a string nor @value with @language and @direction',
  ],
  [{ credentialStatus: { type: T } }],
  [{ credentialStatus: { id: 'urn:s' } }, 'invalid-status: credentialStatus has no type'],
  [{ credentialStatus: { id: 'urn:s', type: 2 } }, 'invalid-status: credentialStatus has no type'],
  [
    { credentialStatus: { type: T, id: ['urn:a'] } },
    'invalid-status: credentialStatus has an id that is no URL',
  ],
  [
    { credentialStatus: 'urn:s' },
    'invalid-status: credentialStatus is neither an object nor a list of objects',
  ],
  [
    {
      credentialSchema: [
        { type: T, id: URL },
        { type: T, id: URL },
      ],
    },
  ],
  [{ credentialSchema: { type: T } }, 'invalid-schema: credentialSchema has no id'],
  [{ credentialSchema: { id: URL } }, 'invalid-schema: credentialSchema has no type'],
  [
    { credentialSchema: { type: T, id: 'https ://no' } },
    'invalid-schema: credentialSchema has an id that is no URL',
  ],
  [{ refreshService: { id: URL } }, 'invalid-refresh-service: refreshService has no type'],
  [{ termsOfUse: {} }, 'invalid-terms-of-use: termsOfUse has no type'],
  [{ termsOfUse: [{ type: T }, { type: T }] }],
  [{ evidence: {} }, 'invalid-evidence: evidence has no type'],
  [{ evidence: [{ type: T }] }],
  [{ proof: { created: '2026-01-01T00:00:00Z' } }, 'invalid-proof: proof has no type'],
  [{ proof: 'x' }, 'invalid-proof: proof is neither an object nor a list of objects'],
]

describe('the data models of W3C', () => {
  for (const [change, ...problems] of rows)
    it(`version 2.0: ${JSON.stringify(change).slice(0, 90)}: ${problems.length === 0 ? 'good' : (problems[0] ?? '')}`, () => {
      expect(found(change)).to.deep.equal(problems)
    })

  it('version 1.1 wants issuanceDate, and ids of status and refresh services', () => {
    expect(found({}, one)).to.deep.equal([])
    expect(found({ issuanceDate: undefined }, one)).to.deep.equal(['invalid-date: issuanceDate is missing'])
    expect(found({ issuanceDate: '2026-01-01T00:00:00' }, one)).to.deep.equal([])
    expect(found({ expirationDate: 'soon' }, one)).to.deep.equal([
      'invalid-date: expirationDate is no dateTime',
    ])
    expect(found({ credentialStatus: { type: T } }, one)).to.deep.equal([
      'invalid-status: credentialStatus has no id',
    ])
    expect(found({ refreshService: { type: T } }, one)).to.deep.equal([
      'invalid-refresh-service: refreshService has no id',
    ])
  })

  it('a presentation: its own members, and each of what it presents', () => {
    const good = { '@context': [V2], type: ['VerifiablePresentation'] }
    const enveloped = {
      '@context': V2,
      id: 'data:application/vc+jwt,eyJ',
      type: 'EnvelopedVerifiableCredential',
    }
    const of = (change: object): string[] =>
      presentationProblems({ ...good, ...change }).map(({ name, detail }) => `${name}: ${detail}`)
    expect(of({})).to.deep.equal([])
    expect(of({ holder: { id: 'did:example:h' }, verifiableCredential: [two, enveloped] })).to.deep.equal([])
    expect(of({ type: ['Other'] })).to.deep.equal(['invalid-type: type lacks VerifiablePresentation'])
    expect(of({ holder: 'z6Mk' })).to.deep.equal([
      'invalid-holder: holder is neither a URL nor an object with one as its id',
    ])
    expect(of({ holder: { name: 'Acme' } })).to.deep.equal(['invalid-holder: holder has no id that is a URL'])
    expect(of({ verifiableCredential: ['eyJ'] })).to.deep.equal([
      'invalid-verifiable-credential: verifiableCredential has an item that is no object',
    ])
    expect(of({ verifiableCredential: [{ ...two, type: ['X'] }] })).to.deep.equal([
      'invalid-type: verifiableCredential: type lacks VerifiableCredential',
    ])
    expect(of({ verifiableCredential: [{ ...enveloped, id: 'eyJ' }] })).to.deep.equal([
      'invalid-id: verifiableCredential: id is no data: URL',
    ])
    expect(of({ verifiableCredential: Array.from({ length: 101 }, () => two) })).to.deep.equal([
      'invalid-verifiable-credential: verifiableCredential has more than 100',
    ])
    expect(envelopeProblems({ ...enveloped, '@context': [] }, 'EnvelopedVerifiableCredential')).to.deep.equal(
      [{ name: 'invalid-context', detail: `@context lacks ${V2}` }],
    )
    expect(envelopeProblems(enveloped, 'EnvelopedVerifiablePresentation')).to.deep.equal([
      { name: 'invalid-type', detail: 'type lacks EnvelopedVerifiablePresentation' },
    ])
  })

  it('times decide when it is good', () => {
    const names = (change: object): string[] =>
      validityProblems({ ...two, ...change }, new Date('2026-06-01T00:00:00Z')).map(({ name }) => name)
    expect(names({})).to.deep.equal([])
    expect(names({ validFrom: '2026-06-01T00:00:00Z', validUntil: '2026-06-01T00:00:00Z' })).to.deep.equal([])
    expect(names({ validFrom: '2026-06-01T00:01:00Z' })).to.deep.equal([])
    expect(names({ validFrom: '2026-06-01T00:01:01Z' })).to.deep.equal(['not-yet-valid'])
    expect(names({ validUntil: '2026-05-31T23:59:59Z' })).to.deep.equal(['expired'])
    expect(names({ issuanceDate: '2027-01-01T00:00:00Z' })).to.deep.equal(['not-yet-valid'])
    expect(names({ expirationDate: '2026-06-01T01:00:00+02:00' })).to.deep.equal(['expired'])
  })

  it('related resources: ids of their own, and digests, compared where the resource is known', () => {
    const sri = 'sha384-l/HrjlBCNWyAX91hr6LFV2Y3heB5Tcr6IeE4/TjvGMs2ATPCIaox1olqa/PmW2FA'
    const published = 'sha384-NSOcNpmdIVUxIJGvGUoe22FjTWrXiaXlsZ8q6912LdnR3KraQO2n75Ica4wK4Qeg'
    const bare = 'uJKGMkOmFbVJhEfKTduMC2XCyvRAYLjOVmZWwIH1wQ7k'
    const multihash = `u${Buffer.concat([Buffer.from('1220', 'hex'), Buffer.from(bare.slice(1), 'base64url')]).toString('base64url')}`
    const other = 'has a digest that is not the one of https://www.w3.org/ns/credentials/v2'
    expect(relatedResources({ id: V2, digestSRI: published })).to.equal(undefined)
    expect(
      relatedResources([{ id: V2, mediaType: 'application/ld+json', digestMultibase: [bare, multihash] }]),
    ).to.equal(undefined)
    expect(relatedResources({ id: URL, digestSRI: sri })).to.equal(undefined)
    expect(relatedResources({ id: V2, digestSRI: sri })).to.equal(other)
    expect(
      relatedResources({ id: V2, digestMultibase: 'uM4RgWQc3RUDtjJCSgTJtTfvpZ7SPEg_LNO0ESlovQC0' }),
    ).to.equal(other)
    expect(
      relatedResources({
        id: V2,
        digestSRI: 'sha384-_rCVIV7fSXXTNIvpiq26jRDyj8JG8TDjij-tD0ewLk4JpnXEz6a5AeeY_1qQ0d0P',
      }),
    ).to.equal('has a digestSRI that is none (Subresource Integrity, 3.5)')
    expect(relatedResources([URL])).to.equal('is neither an object nor a list of objects')
    expect(relatedResources({ digestSRI: published })).to.equal('has no id that is a URL')
    expect(relatedResources({ id: V2 })).to.equal('has neither digestSRI nor digestMultibase')
    expect(
      relatedResources([
        { id: V2, digestSRI: published },
        { id: V2, digestMultibase: bare },
      ]),
    ).to.equal('has an id twice')
    expect(relatedResources({ id: URL, digestMultibase: 'uAAA' })).to.equal(
      'has a digestMultibase that is no SHA-2',
    )
  })
})
