import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { JsonObject } from '../../src/credentials/formats/format.ts'
import { judge, know } from '../credentials/integrityJudge.ts'
import { problemsOf, VcClient } from '../vc/client.ts'
import { badRequest, CONTEXT_2, credential, type Answer, type MadeKey } from './client.ts'
import { Holders } from './holders.ts'

const GOOD = { verified: true, problemDetails: [] }

/** TABLE of what each type of key makes; without a cryptosuite being named, the first. */
const rows = [
  ['Ed25519', ['eddsa-rdfc-2022', 'eddsa-jcs-2022', 'Ed25519Signature2020']],
  ['ES256', ['ecdsa-rdfc-2019', 'ecdsa-jcs-2019']],
  ['ES384', ['ecdsa-rdfc-2019', 'ecdsa-jcs-2019']],
] as const

/** TABLE of what does not fit. */
const misfits = [
  [
    'Ed25519',
    'ecdsa-rdfc-2019',
    'cryptosuite: ecdsa-rdfc-2019 does not fit a key of type Ed25519; eddsa-rdfc-2022, eddsa-jcs-2022, Ed25519Signature2020 would',
  ],
  [
    'ES256',
    'eddsa-jcs-2022',
    'cryptosuite: eddsa-jcs-2022 does not fit a key of type P-256; ecdsa-rdfc-2019, ecdsa-jcs-2019, ecdsa-sd-2023 would',
  ],
  [
    'ES384',
    'ecdsa-sd-2023',
    'cryptosuite: ecdsa-sd-2023 does not fit a key of type P-384; ecdsa-rdfc-2019, ecdsa-jcs-2019 would',
  ],
  [
    'ES256',
    'bbs-2023',
    'cryptosuite: bbs-2023 is none of eddsa-rdfc-2022, eddsa-jcs-2022, ecdsa-rdfc-2019, ecdsa-jcs-2019, ecdsa-sd-2023, Ed25519Signature2020',
  ],
  ['ES512', undefined, 'Data Integrity proofs are not made with keys of type P-521'],
  ['PS256', undefined, 'Data Integrity proofs are not made with keys of type RSA-3072'],
  ['RS256', 'ecdsa-rdfc-2019', 'Data Integrity proofs are not made with keys of type RSA-3072'],
] as const

describe('data-integrity of the key service', function () {
  this.timeout(120_000)
  let holders: Holders
  let verifier: VcClient
  const keys = new Map<string, MadeKey>()
  before(async () => {
    holders = await Holders.start()
    verifier = await VcClient.of(holders.service)
    for (const type of ['Ed25519', 'ES256', 'ES384', 'ES512', 'PS256', 'RS256']) {
      const { document, ...key } = await holders.key(type)
      know(document)
      keys.set(type, key)
    }
  })
  afterEach(() => holders.service.checkState())
  after(() => holders.close())

  const keyOf = (type: string): MadeKey => {
    const key = keys.get(type)
    if (key === undefined) throw new Error(`no key of ${type}`)
    return key
  }
  const sign = ({ id, secrets }: MadeKey, what: 'vc' | 'vp', more: object): Promise<Answer> =>
    holders.client.call(`/sign/${what}/data-integrity`, { identifier: id, secrets, ...more })
  /** @throws Error unless it is signed */
  const signed = async (key: MadeKey, what: 'vc' | 'vp', more: object): Promise<JsonObject> => {
    const { status, text, headers, body } = await sign(key, what, more)
    const made = [status, headers.get('content-type')]
    expect(made, text).to.deep.equal([201, `application/${what}`])
    return body ?? {}
  }
  const proofOf = ({ proof }: JsonObject): JsonObject => proof as JsonObject
  const verified = async (verifiableCredential: unknown) => {
    const { status, body } = await verifier.verify(verifiableCredential)
    return { status, body }
  }
  const found = async (document: unknown): Promise<string[]> => problemsOf(await verifier.verify(document))
  const presentationOf = (holder: string, ...verifiableCredential: unknown[]) => ({
    '@context': [CONTEXT_2],
    type: ['VerifiablePresentation'],
    holder,
    verifiableCredential,
  })

  for (const [type, suites] of rows) {
    it(`${type}: without a cryptosuite, the proof is by ${suites[0]}`, async () => {
      const key = keyOf(type)
      const verifiable = credential(key.controller)
      const { proof, ...document } = await signed(key, 'vc', { verifiable })
      expect(document).to.deep.equal(verifiable)
      const { created, proofValue, ...rest } = proof as JsonObject
      expect(created).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
      expect(proofValue).to.match(/^z[1-9A-HJ-NP-Za-km-z]+$/)
      expect(rest).to.deep.equal({
        type: 'DataIntegrityProof',
        cryptosuite: suites[0],
        verificationMethod: key.id,
        proofPurpose: 'assertionMethod',
      })
    })

    for (const cryptosuite of suites) {
      it(`${type}, ${cryptosuite}: a credential is good to others and to us, and not when it was changed`, async () => {
        const key = keyOf(type)
        const made = await signed(key, 'vc', { verifiable: credential(key.controller), cryptosuite })
        const { type: proofType, cryptosuite: named } = proofOf(made)
        expect(named ?? proofType).to.equal(cryptosuite)
        expect(await judge(made, cryptosuite)).to.equal(true)
        expect(await verified(made)).to.deep.equal({ status: 200, body: GOOD })
        const altered = { ...made, credentialSubject: { id: 'did:example:456', name: 'Jane Doe' } }
        expect(await judge(altered, cryptosuite)).to.equal(false)
        expect(await found(altered)).to.deep.equal(['signature-invalid'])
      })

      it(`${type}, ${cryptosuite}: so is a presentation, for one challenge and domain`, async () => {
        const key = keyOf(type)
        const inside = await signed(key, 'vc', { verifiable: credential(key.controller), cryptosuite })
        const about = { challenge: randomUUID(), domain: 'https://verifier.example' }
        const verifiable = presentationOf(key.controller, inside)
        const made = await signed(key, 'vp', { verifiable, cryptosuite, ...about })
        expect(proofOf(made)).to.include({ proofPurpose: 'authentication', ...about })
        expect(await judge(made, cryptosuite, about.challenge)).to.equal(true)
        expect(await judge(made, cryptosuite, 'another')).to.equal(false)
        const asked = (options: object) =>
          verifier.post('/presentations/verify', { verifiablePresentation: made, options })
        const { status, body } = await asked(about)
        expect({ status, body }).to.deep.equal({ status: 200, body: GOOD })
        for (const [member, problem] of [
          ['challenge', 'challenge-mismatch'],
          ['domain', 'domain-mismatch'],
        ] as const)
          expect(problemsOf(await asked({ ...about, [member]: 'another' }))).to.deep.equal([problem])
      })
    }
  }

  it('ES256, ecdsa-sd-2023: what its holder derives is good, and what is not derived is not shown', async () => {
    const key = keyOf('ES256')
    const made = await signed(key, 'vc', {
      verifiable: credential(key.controller),
      cryptosuite: 'ecdsa-sd-2023',
      mandatoryPointers: ['/issuer'],
    })
    expect(proofOf(made)['proofValue']).to.match(/^u2V0A/)
    const base = await verifier.verify(made)
    expect([base.status, problemsOf(base)]).to.deep.equal([400, ['base-proof']])
    const { status, body } = await verifier.post('/credentials/derive', {
      verifiableCredential: made,
      options: { selectivePointers: ['/credentialSubject/id'] },
    })
    expect(status).to.equal(201)
    const derived = body['verifiableCredential'] as JsonObject
    expect(derived['credentialSubject']).to.deep.equal({ id: 'did:example:456' })
    expect(await judge(derived, 'ecdsa-sd-2023')).to.equal(true)
    expect(await verified(derived)).to.deep.equal({ status: 200, body: GOOD })
    const altered = { ...derived, credentialSubject: { id: 'did:example:457' } }
    expect(await judge(altered, 'ecdsa-sd-2023')).to.equal(false)
    expect(await found(altered)).to.deep.equal(['signature-invalid'])
  })

  for (const [type, cryptosuite, detail] of misfits) {
    it(`${type}: ${cryptosuite ?? 'any cryptosuite'} is refused`, async () => {
      const key = keyOf(type)
      const { id: identifier, secrets, controller } = key
      for (const [what, verifiable] of [
        ['vc', credential(controller)],
        ['vp', presentationOf(controller)],
      ] as const) {
        const { status, body } = await sign(key, what, { identifier, secrets, verifiable, cryptosuite })
        expect({ status, body }).to.deep.equal({ status: 400, body: badRequest(detail) })
      }
    })
  }

  it('ES256: no presentation or proof of possession by ecdsa-sd-2023, of which nobody could judge anything', async () => {
    const { id: identifier, secrets, controller } = keyOf('ES256')
    const asked = { identifier, secrets, cryptosuite: 'ecdsa-sd-2023', domain: 'https://issuer.example' }
    const detail = 'cryptosuite: ecdsa-sd-2023 is for credentials alone'
    for (const [what, more] of [
      ['vp', { verifiable: presentationOf(controller) }],
      ['pop', {}],
    ] as const) {
      const { status, body } = await holders.client.call(`/sign/${what}/data-integrity`, {
        ...asked,
        ...more,
      })
      expect({ status, body }).to.deep.equal({ status: 400, body: badRequest(detail) })
    }
  })

  it('a set: two keys of one issuer each have a proof of their own', async () => {
    const {
      keys: [first, second],
      document,
    } = await holders.keys('Ed25519', 'ES256')
    if (first === undefined || second === undefined) throw new Error('two keys')
    know(document)
    const one = await signed(first, 'vc', { verifiable: credential(first.controller) })
    const both = await signed(second, 'vc', { verifiable: one })
    const proofs = both['proof'] as JsonObject[]
    expect(proofs.map(({ cryptosuite }) => cryptosuite)).to.deep.equal(['eddsa-rdfc-2022', 'ecdsa-rdfc-2019'])
    expect(proofs[0]).to.deep.equal(one['proof'])
    for (const suite of ['eddsa-rdfc-2022', 'ecdsa-rdfc-2019'])
      expect(await judge(both, suite)).to.equal(true)
    expect(await verified(both)).to.deep.equal({ status: 200, body: GOOD })
    // Neither says anything of the other: one may go.
    expect(await verified({ ...both, proof: proofs[1] })).to.deep.equal({ status: 200, body: GOOD })
    const [, other] = proofs
    const spoilt = { ...both, proof: [{ ...proofs[0], created: '2020-01-01T00:00:00Z' }, other] }
    expect(await found(spoilt)).to.deep.equal(['signature-invalid'])
  })

  it('a chain: the second proof is over the first, which cannot be taken away', async () => {
    const {
      keys: [first, second],
    } = await holders.keys('Ed25519', 'ES256')
    if (first === undefined || second === undefined) throw new Error('two keys')
    const proofId = `urn:uuid:${randomUUID()}`
    const one = await signed(first, 'vc', { verifiable: credential(first.controller), proofId })
    expect(proofOf(one)['id']).to.equal(proofId)
    const both = await signed(second, 'vc', { verifiable: one, previousProof: proofId })
    const proofs = both['proof'] as JsonObject[]
    expect(proofs[1]).to.include({ previousProof: proofId })
    expect(await verified(both)).to.deep.equal({ status: 200, body: GOOD })
    expect(await found({ ...both, proof: proofs[1] })).to.deep.equal(['previous-proof-unknown'])
    // Good by itself, and not the one that the second came after.
    const again = { verifiable: credential(first.controller), proofId, cryptosuite: 'eddsa-jcs-2022' }
    const other = await signed(first, 'vc', again)
    expect(await verified(other)).to.deep.equal({ status: 200, body: GOOD })
    expect(await found({ ...both, proof: [other['proof'], proofs[1]] })).to.deep.equal(['signature-invalid'])

    for (const [more, detail] of [
      [{ previousProof: 'urn:uuid:none' }, 'previousProof: no proof is urn:uuid:none'],
      [{ previousProof: [] }, 'previousProof: names none'],
      [{ proofId }, 'proofId: another proof has it'],
      [{ proofId: 'first' }, 'proofId: is no URL'],
    ] as const) {
      const { status, body } = await sign(second, 'vc', { verifiable: one, ...more })
      expect({ status, body }).to.deep.equal({ status: 400, body: badRequest(detail) })
    }
  })

  it('a proof of somebody else is not the issuer’s, whoever asks', async () => {
    const [key, other] = [keyOf('ES256'), keyOf('Ed25519')]
    const { status, body } = await sign(key, 'vc', { verifiable: credential(other.controller) })
    const detail = `issuer: the key is ${key.controller}'s, and signs for no other`
    expect({ status, body }).to.deep.equal({ status: 400, body: badRequest(detail) })
  })
})
