import { expect } from 'chai'
import { dataIntegrity } from '../../src/credentials/formats/dataIntegrity.ts'
import type { IssueRequest, JsonObject, VerifyRequest } from '../../src/credentials/formats/format.ts'
import { Refusal } from '../../src/refusal.ts'
import { judge } from './integrityJudge.ts'
import { madeKey, resolveDidKey } from './integritySupport.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const V2 = 'https://www.w3.org/ns/credentials/v2'
const ed = madeKey('Ed25519')
const p256 = madeKey('P-256')

const credential = {
  '@context': [V2],
  type: ['VerifiableCredential'],
  issuer: ed.controller,
  credentialSubject: { id: 'did:example:s', name: 'Ada' },
}

async function refusal(request: Partial<IssueRequest>): Promise<string> {
  const key = request.key ?? ed
  try {
    await dataIntegrity.issue({ credential, now: NOW, ...request, key })
  } catch (error) {
    if (error instanceof Refusal) return `${error.code}: ${error.message}`
    throw error
  }
  throw new Error('it was not refused')
}
const issue = async (request: Partial<IssueRequest> = {}): Promise<JsonObject> =>
  (await dataIntegrity.issue({ credential, key: ed, now: NOW, ...request })).body as JsonObject
const problems = async (
  secured: VerifyRequest['secured'],
  more: Partial<VerifyRequest> = {},
): Promise<string[]> => {
  const asked = { secured, now: NOW, profile: 'strict', resolve: resolveDidKey, ...more } as const
  return (await dataIntegrity.verify(asked)).problems.map(({ name }) => name)
}
const changed = async (change: object, secured?: JsonObject): Promise<JsonObject> => {
  const document = secured ?? (await issue())
  return { ...document, proof: { ...(document['proof'] as object), ...change } }
}

describe('the format data-integrity', () => {
  it('takes the suite by the key, if none is named', async () => {
    const suiteOf = (secured: JsonObject): unknown => (secured['proof'] as JsonObject)['cryptosuite']
    expect(suiteOf(await issue())).to.equal('eddsa-rdfc-2022')
    expect(
      suiteOf(await issue({ key: p256, credential: { ...credential, issuer: p256.controller } })),
    ).to.equal('ecdsa-rdfc-2019')
  })

  it('refuses what does not fit by name, before the key is asked', async () => {
    const before = ed.signatures
    expect(await refusal({ cryptosuite: 'ecdsa-jcs-2019' })).to.equal(
      'invalid_request: cryptosuite: ecdsa-jcs-2019 does not fit a key of type Ed25519; eddsa-rdfc-2022, eddsa-jcs-2022, Ed25519Signature2020 would',
    )
    expect(await refusal({ cryptosuite: 'rsa-rdfc-2025' })).to.match(
      /^invalid_request: cryptosuite: rsa-rdfc-2025 is none of eddsa-rdfc-2022, /,
    )
    expect(await refusal({ key: madeKey('P-521') })).to.match(/^invalid_request: issuer: the key is did:key:/)
    const p521 = madeKey('P-521')
    expect(await refusal({ key: p521, credential: { ...credential, issuer: p521.controller } })).to.equal(
      'invalid_request: Data Integrity proofs are not made with keys of type P-521',
    )
    expect(
      await refusal({
        key: { ...p256, scheme: 'ecdsa-sha384' },
        credential: { ...credential, issuer: p256.controller },
      }),
    ).to.equal('invalid_request: keys of type P-256 sign Data Integrity proofs by ecdsa-sha256')
    expect(await refusal({ mandatoryPointers: ['/issuer'] })).to.equal(
      'invalid_request: mandatoryPointers: eddsa-rdfc-2022 discloses everything',
    )
    expect(await refusal({ selective: ['/x'] })).to.equal('invalid_request: selective: not in this format')
    expect(await refusal({ credential: { ...credential, issuer: 'did:example:other' } })).to.match(
      /^invalid_request: issuer: the key is did:key:.*, and signs for no other$/,
    )
    expect(await refusal({ credential: { ...credential, nickname: 'x' } })).to.equal(
      'invalid_request: "nickname" is a term that its @context does not define',
    )
    expect(
      await refusal({
        credential: {
          ...credential,
          relatedResource: { id: V2, digestMultibase: 'uM4RgWQc3RUDtjJCSgTJtTfvpZ7SPEg_LNO0ESlovQC0' },
        },
      }),
    ).to.equal(`invalid_request: relatedResource has a digest that is not the one of ${V2}`)
    expect(await refusal({ previousProof: 'urn:uuid:1' })).to.equal(
      'invalid_request: previousProof: no proof is urn:uuid:1',
    )
    expect(
      await refusal({ credential: { ...credential, name: '\ud800' }, cryptosuite: 'eddsa-jcs-2022' }),
    ).to.equal('invalid_request: it has no canonical form: half a surrogate pair is no character')
    expect(ed.signatures).to.equal(before)
  })

  it('what is secured is not altered', async () => {
    const frozen = JSON.stringify(credential)
    await issue({ cryptosuite: 'Ed25519Signature2020' })
    expect(JSON.stringify(credential)).to.equal(frozen)
  })

  it('adds a proof to a set, and a chain on it, in every suite', async () => {
    for (const cryptosuite of ['eddsa-rdfc-2022', 'eddsa-jcs-2022']) {
      const first = await issue({ proofId: 'urn:uuid:1', cryptosuite })
      const second = await issue({ credential: first, proofId: 'urn:uuid:2', cryptosuite })
      const third = await issue({
        credential: second,
        previousProof: ['urn:uuid:1', 'urn:uuid:2'],
        cryptosuite,
      })
      expect(third['proof']).to.have.length(3)
      expect(await problems(third)).to.deep.equal([])
      expect(await judge({ ...second, proof: (second['proof'] as JsonObject[])[1] }, cryptosuite)).to.equal(
        true,
      )
      const [, , last] = third['proof'] as JsonObject[]
      expect(await problems({ ...third, proof: last })).to.deep.equal(['previous-proof-unknown'])
    }
    const once = await issue({ proofId: 'urn:uuid:1' })
    expect(await refusal({ credential: once, proofId: 'urn:uuid:1' })).to.equal(
      'invalid_request: proofId: another proof has it',
    )
    const full = { ...once, proof: Array.from({ length: 10 }, () => once['proof']) }
    expect(await refusal({ credential: full })).to.equal('invalid_request: proof: there are 10 already')
    expect(await problems({ ...full, proof: Array.from({ length: 11 }, () => once['proof']) })).to.deep.equal(
      ['too-many'],
    )
  })

  it('says by name what is wrong with a proof', async () => {
    const good = await issue()
    const { proofValue } = good['proof'] as { proofValue: string }
    const rows: readonly (readonly [object, string])[] = [
      [{ type: 'Other' }, 'cryptosuite-unknown'],
      [{ cryptosuite: 'eddsa-2022' }, 'cryptosuite-unknown'],
      [{ cryptosuite: 'ecdsa-rdfc-2019' }, 'algorithm-not-allowed'],
      [{ cryptosuite: 'eddsa-jcs-2022' }, 'signature-invalid'],
      [{ proofPurpose: 'authentication' }, 'purpose-mismatch'],
      [{ proofPurpose: undefined }, 'purpose-mismatch'],
      [{ verificationMethod: 'did:example:nobody#1' }, 'key-unknown'],
      [{ verificationMethod: p256.id }, 'algorithm-not-allowed'],
      [{ verificationMethod: madeKey('Ed25519').id }, 'signature-invalid'],
      [{ verificationMethod: 7 }, 'proof-malformed'],
      [{ proofValue: undefined }, 'proof-malformed'],
      [{ proofValue: proofValue.slice(1) }, 'proof-malformed'],
      [{ proofValue: `${proofValue}0` }, 'proof-malformed'],
      [{ proofValue: `z1${proofValue.slice(1)}` }, 'signature-invalid'],
      [{ proofValue: `u${Buffer.alloc(64).toString('base64url')}` }, 'proof-malformed'],
      [{ created: 'yesterday' }, 'proof-malformed'],
      [{ created: '2026-03-01T12:00:00' }, 'proof-malformed'],
      [{ created: '2026-03-01T13:00:00Z' }, 'proof-not-yet-valid'],
      [{ expires: '2026-03-01T12:00:00Z' }, 'proof-expired'],
      [{ expires: '2027-03-01T12:00:00Z' }, 'signature-invalid'],
      [{ nonsense: 'x' }, 'not-canonicalizable'],
      [{ previousProof: [] }, 'previous-proof-unknown'],
      [{ previousProof: 7 }, 'proof-malformed'],
    ]
    for (const [change, name] of rows)
      expect(await problems(await changed(change, good)), JSON.stringify(change)).to.deep.equal([name])
    expect(await problems(credential)).to.deep.equal(['proof-missing'])
    expect(await problems({ ...good, proof: [good['proof'], 'x'] })).to.deep.equal(['invalid-proof'])
    expect(await problems('{"a":1,"a":2}')).to.deep.equal(['malformed'])
    expect(await problems(JSON.stringify(good))).to.deep.equal([])
    expect(await problems(good, { kind: 'presentation' })).to.deep.equal(['malformed'])
    expect(await problems({ ...good, validUntil: '2026-01-01T00:00:00Z' })).to.deep.equal([
      'signature-invalid',
      'expired',
    ])
  })

  it("a proof of JCS holds for the contexts that it names, which must be the document's first", async () => {
    const good = await issue({ cryptosuite: 'eddsa-jcs-2022' })
    const more = { ...good, '@context': [V2, 'https://www.w3.org/ns/credentials/examples/v2'] }
    expect(await problems(more)).to.deep.equal([])
    expect(await problems(await changed({ '@context': [V2, 'urn:x'] }, good))).to.deep.equal([
      'context-mismatch',
    ])
  })

  it('strict: the issuer must have made a proof; proof: anybody may have', async () => {
    const secured = await issue({
      key: { ...ed, controller: 'somebody' },
      credential: { ...credential, issuer: 'did:example:other' },
    })
    expect(await problems(secured)).to.deep.equal(['issuer-mismatch'])
    expect(await problems(secured, { profile: 'proof' })).to.deep.equal([])
  })

  it('a presentation is as good as what it presents', async () => {
    const good = await issue()
    const present = async (verifiableCredential: unknown, more: object = {}): Promise<JsonObject> => {
      const presentation = {
        '@context': [V2],
        type: ['VerifiablePresentation'],
        holder: ed.controller,
        verifiableCredential,
        ...more,
      }
      return (await dataIntegrity.present?.({ presentation, key: ed, now: NOW }))?.body as JsonObject
    }
    expect(await problems(await present([good]))).to.deep.equal([])
    const bad = { ...good, credentialSubject: { id: 'did:example:s', name: 'Bob' } }
    expect(await problems(await present([good, bad]))).to.deep.equal(['signature-invalid'])
    expect(await problems(await present([credential]))).to.deep.equal([])
    expect(await problems(await present([{ ...credential, issuer: 'did:example:other' }]))).to.deep.equal([
      'proof-missing',
    ])
    const envelope = {
      '@context': V2,
      type: 'EnvelopedVerifiableCredential',
      id: 'data:application/vc+jwt,x',
    }
    const enveloped = await present([envelope])
    expect(await problems(enveloped)).to.deep.equal(['not-verified'])
    const nested = (secured: unknown): Promise<{ problems: [] }> => {
      expect(secured).to.deep.equal(envelope)
      return Promise.resolve({ problems: [] })
    }
    expect(await problems(enveloped, { nested })).to.deep.equal([])
  })
})
