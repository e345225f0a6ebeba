import { expect } from 'chai'
import jsonld from 'jsonld'
import type { JsonObject } from '../../src/credentials/formats/format.ts'
import { canonicalise, JSON_LD } from '../../src/credentials/jsonld/canonicalise.ts'
import { contextOf, registerContexts } from '../../src/credentials/jsonld/contexts.ts'
import { checkShape } from '../../src/credentials/jsonld/shape.ts'
import { jcs } from '../../src/credentials/integrity/jcs.ts'
import { Refusal } from '../../src/refusal.ts'

const V2 = 'https://www.w3.org/ns/credentials/v2'
const EXAMPLES = 'https://www.w3.org/ns/credentials/examples/v2'
const BADGES = 'https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json'
const base = {
  '@context': [V2],
  type: ['VerifiableCredential'],
  issuer: 'did:example:i',
  credentialSubject: { id: 'did:example:s' },
}

const refusal = async (work: () => unknown): Promise<string> => {
  try {
    await work()
  } catch (error) {
    if (error instanceof Refusal) return `${error.code}: ${error.message}`
    throw error
  }
  throw new Error('it was not refused')
}
const refused = (document: object): Promise<string> =>
  refusal(() => canonicalise({ ...base, ...document }, { hash: 'sha256' }))

describe('JSON-LD without a network', () => {
  it('an unknown context is refused by its URL, wherever it stands', async () => {
    const url = 'https://contexts.example/v1'
    const sentence = `invalid_request: @context: ${url} is no context that is known here`
    expect(await refused({ '@context': [V2, url] })).to.equal(sentence)
    expect(await refused({ credentialSubject: { '@context': url, id: 'did:example:s' } })).to.equal(sentence)
    expect(await refused({ '@context': [V2, { '@import': url }] })).to.equal(
      'invalid_request: @context: @import is not taken',
    )
    expect(await refused({ '@context': [V2, '__proto__'] })).to.equal(
      'invalid_request: @context: __proto__ is no context that is known here',
    )
  })

  it('what its contexts do not define is refused by its name', async () => {
    const term = 'is a term that its @context does not define'
    expect(await refused({ nickname: 'x' })).to.equal(`invalid_request: "nickname" ${term}`)
    expect(await refused({ credentialSubject: { id: 'did:example:s', age: 1 } })).to.equal(
      `invalid_request: "age" ${term}`,
    )
    expect(await refused({ type: ['VerifiableCredential', 'Nope'] })).to.equal(
      'invalid_request: "Nope" is a type that its @context does not define',
    )
    expect(await refused({ id: 'not a URL' })).to.equal(
      'invalid_request: "not a URL" is no absolute URL, and an identifier has to be one',
    )
    expect(await refused({ issuer: 'somebody' })).to.equal(
      'invalid_request: "somebody" is no absolute URL, where one has to be',
    )
    expect(
      await refused({ '@context': [V2, { VerifiableCredential: 'https://example.org/#Other' }] }),
    ).to.equal('invalid_request: JSON-LD: protected term redefinition ("VerifiableCredential")')
    expect(await refused({ '@context': [V2, 17] })).to.equal(
      'invalid_request: @context: an item is neither a URL nor an object',
    )
  })

  it('a clique of ten blank nodes ends soon', async () => {
    const ten = [...Array(10).keys()]
    const credentialSubject = ten.map((at) => ({
      '@id': `_:b${at}`,
      'urn:knows': ten.filter((other) => other !== at).map((other) => ({ '@id': `_:b${other}` })),
    }))
    const start = process.cpuUsage()
    expect(await refused({ credentialSubject })).to.equal(
      'invalid_request: its blank nodes are too many and too alike to be canonicalised',
    )
    expect(process.cpuUsage(start).user).to.be.below(1_000_000)
  })

  it('megabytes of nesting, and of width, are refused before anything walks them', async () => {
    let nested: unknown = 1
    for (let i = 0; i < 1_000_000; i++) nested = [nested]
    const shape = (document: JsonObject): Promise<string> => refusal(() => checkShape(document, 'credential'))
    expect(await shape({ ...base, evidence: nested })).to.equal(
      'invalid_request: credential is nested more than 100 levels deep',
    )
    expect(await shape({ ...base, evidence: Array.from({ length: 1_000_000 }, () => ({})) })).to.equal(
      'invalid_request: credential has more than 10000 members and items',
    )
    expect(await shape({ ...base, name: 'x'.repeat(1_000_001) })).to.equal(
      'invalid_request: credential has more than 1000000 characters',
    )
  })

  /** Our resolver shares what the library copies. The library's own is the judge of that. */
  it('sharing contexts changes nothing: the same statements as by the library alone', async () => {
    const { contextResolver, ...alone } = JSON_LD
    expect(contextResolver).to.be.an('object')
    const achievement = (at: number): object => ({
      type: ['AchievementSubject'],
      id: `did:example:s${at}`,
      achievement: {
        id: `urn:a:${at}`,
        type: ['Achievement'],
        name: `Teamwork ${at}`,
        description: 'd',
        criteria: { narrative: 'n' },
        creator: {
          id: 'urn:c',
          type: ['Profile'],
          name: 'C',
          address: { type: ['Address'], postalCode: '1' },
        },
      },
    })
    const badge = {
      ...base,
      '@context': [V2, BADGES],
      type: ['VerifiableCredential', 'OpenBadgeCredential'],
      issuer: { id: 'did:example:i', type: ['Profile'], name: 'U' },
      name: 'B',
      credentialSubject: [achievement(1), achievement(2)],
    }
    const documents: JsonObject[] = [
      base,
      badge,
      { ...badge, '@context': [V2, BADGES, EXAMPLES], alumniOf: { type: 'Unknown', level: 3 } },
      {
        ...base,
        '@context': [V2, { level: 'urn:level', Person: { '@id': 'urn:P', '@context': { level: 'urn:p' } } }],
        credentialSubject: [
          { type: 'Person', level: '1', 'urn:in': { level: '2' } },
          { level: '3', 'urn:x': '4' },
        ],
      },
      { '@context': [V2], type: 'VerifiablePresentation', verifiableCredential: [badge, base] },
      {
        ...base,
        '@context': [V2, EXAMPLES, { '@language': 'de' }],
        name: 'Zeugnis',
        description: { '@value': 'x', '@direction': 'rtl' },
      },
    ]
    for (const round of [1, 2])
      for (const [at, document] of documents.entries()) {
        const canonizeOptions = {
          algorithm: 'RDFC-1.0',
          messageDigestAlgorithm: 'sha256',
          maxWorkFactor: 1,
        } as const
        const expected = await jsonld.canonize(document, { ...alone, canonizeOptions })
        expect(await canonicalise(document, { hash: 'sha256' }), `${round}/${at}`).to.equal(expected)
      }
  })

  it('what is in the document and in no statement is refused: nobody could tell that it was changed', async () => {
    const sentence = 'is an index (@index), which no proof covers'
    const subject = { id: 'did:example:s' }
    expect(await refused({ credentialSubject: { ...subject, '@index': 'x' } })).to.equal(
      `invalid_request: "x" ${sentence}`,
    )
    const indexed = { by: { '@id': 'urn:by', '@container': '@index' }, at: '@index' }
    for (const claim of [{ by: { y: 'value' } }, { name: { '@value': 'value', at: 'y' } }])
      expect(
        await refused({ '@context': [V2, indexed], credentialSubject: { ...subject, ...claim } }),
      ).to.equal(`invalid_request: "y" ${sentence}`)
    for (const half of ['\ud800', '\udc00'])
      expect(await refused({ credentialSubject: { ...subject, name: half } })).to.equal(
        'invalid_request: half a surrogate pair is no character',
      )
    const json = { value: { '@id': 'urn:value', '@type': '@json' } }
    const literal = { ...subject, value: { '@index': 'is text like any other here' } }
    const document = { ...base, '@context': [V2, json], credentialSubject: literal }
    expect(await canonicalise(document, { hash: 'sha256' })).to.contain('is text like any other here')
  })

  it('a member that the library does not see is refused, and contexts that take long to process', async () => {
    const shape = (document: JsonObject): Promise<string> => refusal(() => checkShape(document, 'credential'))
    const hidden = JSON.parse('{"id":"did:example:s","__proto__":{"degree":"Master"}}') as JsonObject
    expect(await shape({ ...base, credentialSubject: hidden })).to.equal(
      'invalid_request: credential has a member "__proto__"',
    )
    expect(await shape({ ...base, '@context': Array.from({ length: 11 }, () => V2) })).to.equal(
      'invalid_request: credential has a list of more than 10 contexts',
    )
    const many = Array.from({ length: 51 }, () => ({ '@context': Array.from({ length: 10 }, () => V2) }))
    expect(await shape({ ...base, evidence: many })).to.equal(
      'invalid_request: credential has more than 500 contexts',
    )
  })

  it('an operator can register a context, and no other content of a URL', async () => {
    const url = 'https://contexts.example/registered'
    const octets = Buffer.from('{"@context":{"nickname":"urn:nickname"}}')
    const sha256 = 'bad'
    expect(() => registerContexts([{ url, octets, sha256 }])).to.throw(
      `the context ${url} is not the one that was pinned`,
    )
    const { createHash } = await import('node:crypto')
    const digest = createHash('sha256').update(octets).digest('hex')
    registerContexts([{ url, octets, sha256: digest }])
    registerContexts([{ url, octets, sha256: digest }])
    expect(
      await canonicalise({ ...base, '@context': [V2, url], nickname: 'x' }, { hash: 'sha256' }),
    ).to.contain('<urn:nickname> "x"')
    expect(() => registerContexts([{ url: V2, octets, sha256: digest }])).to.throw(
      `the context ${V2} is there already`,
    )
    expect(contextOf(V2)).to.have.property('@context')
  })
})

/** The numbers and strings that RFC 8785 publishes (3.2.2, 3.2.3 and appendix B). */
describe('JCS', () => {
  const numbers: readonly (readonly [string, string])[] = [
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ]

  it('writes numbers as the RFC does', () => {
    for (const [bits, text] of numbers) expect(jcs(Buffer.from(bits, 'hex').readDoubleBE())).to.equal(text)
    for (const bits of ['7fffffffffffffff', '7ff0000000000000'])
      expect(() => jcs(Buffer.from(bits, 'hex').readDoubleBE())).to.throw('a number that JSON has not')
  })

  it('sorts members by UTF-16 units, and writes strings as the RFC does', () => {
    const members = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\u{1f600}': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    }
    expect(Object.values(JSON.parse(jcs(members)) as object)).to.have.length(7)
    expect(jcs(members)).to.equal(
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis","\u20ac":"Euro Sign","\u{1f600}":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    )
    expect(jcs('\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/')).to.equal(
      '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"',
    )
    expect(jcs({ b: [null, true, false, {}], a: [] })).to.equal('{"a":[],"b":[null,true,false,{}]}')
    for (const half of ['\ud800', 'x\udc00y'])
      expect(() => jcs({ half })).to.throw('half a surrogate pair is no character')
  })
})
