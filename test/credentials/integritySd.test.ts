import { createPrivateKey, createPublicKey } from 'node:crypto'
import { expect } from 'chai'
import { dataIntegrity } from '../../src/credentials/formats/dataIntegrity.ts'
import type { JsonObject } from '../../src/credentials/formats/format.ts'
import { fromBase58btc, fromMultibase } from '../../src/credentials/multibase.ts'
import { without } from '../../src/credentials/integrity/proof.ts'
import { baseData, labelling, makeBaseProof } from '../../src/credentials/integrity/sd/ecdsaSd.ts'
import { derive } from '../../src/credentials/integrity/sd/derive.ts'
import {
  derivedProofValue,
  readBaseProof,
  readDerivedProof,
} from '../../src/credentials/integrity/sd/proofValue.ts'
import { group, linesOf, relabelled } from '../../src/credentials/integrity/sd/statements.ts'
import { canonicalise } from '../../src/credentials/jsonld/canonicalise.ts'
import { refused } from './credentials.ts'
import { judge } from './integrityJudge.ts'
import { didKey, hasVectors, madeKey, resolveDidKey, vector, vectorKey } from './integritySupport.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const folder = 'vc-di-ecdsa/ecdsa-sd-2023'

interface Material {
  readonly baseKeyPair: { publicKeyMultibase: string; secretKeyMultibase: string }
  readonly proofKeyPair: { publicKeyMultibase: string; secretKeyMultibase: string }
  readonly hmacKeyString: string
}
type Entries = { readonly value: readonly (readonly [number, string])[] }

const rows = [
  { name: 'employ', unsigned: 'employmentAuth', mandatory: 'employMandatory', selective: 'employSelective' },
  { name: 'prc', unsigned: 'prCredUnsigned', mandatory: 'prCredMandatory', selective: 'prCredSelective' },
] as const

describe('ecdsa-sd-2023, by the vectors of vc-di-ecdsa 1.0', () => {
  before(function () {
    if (!hasVectors) {
      console.log('      ../shared/vectors is not there')
      this.skip()
    }
  })

  for (const row of rows) {
    const json = (name: string): JsonObject => vector(`${folder}/${row.name}/${name}.json`)
    const list = (name: string): string[] => vector(`vc-di-ecdsa/${name}.json`) as unknown as string[]
    const material = (): Material => vector(`${folder}/SDKeyMaterial.json`) as unknown as Material
    const hmacKey = (): Buffer => Buffer.from(material().hmacKeyString, 'hex')

    it(`${row.name}: the statements, which of them are mandatory, and the hashes`, async () => {
      const document = without(json('addSignedSDBase'), 'proof')
      const pointers = list(row.mandatory)
      const { groups } = await group(document, labelling(hmacKey()), [pointers])
      const expected = json('addBaseTransform') as unknown as { mandatory: Entries; nonMandatory: Entries }
      expect([...(groups[0]?.matching ?? [])]).to.deep.equal(expected.mandatory.value)
      const proof = json('addProofConfig')
      const data = await baseData({ document, proof, mandatoryPointers: pointers }, hmacKey())
      expect(data.optional).to.deep.equal(expected.nonMandatory.value.map(([, statement]) => statement))
      expect({
        proofHash: data.proofHash.toString('hex'),
        mandatoryHash: data.mandatoryHash.toString('hex'),
      }).to.deep.equal(json('addHashData'))
    })

    it(`${row.name}: what the vector's base proof discloses, to the octet`, async () => {
      const derived = await derive(json('addSignedSDBase'), list(row.selective))
      const { proof, ...shown } = derived
      expect(shown).to.deep.equal(json('derivedUnsignedReveal'))
      expect(derived).to.deep.equal(json('derivedRevealDocument'))
      const { mandatoryIndexes } = readDerivedProof(String((proof as JsonObject)['proofValue']))
      expect({ adjMandatoryIndexes: mandatoryIndexes }).to.deep.equal(json('derivedAdjMandatoryIndexes'))
      const asked = {
        secured: derived,
        now: new Date('2025-06-01T00:00:00Z'),
        profile: 'proof',
        resolve: resolveDidKey,
      } as const
      expect((await dataIntegrity.verify(asked)).problems).to.deep.equal([])
    })

    it(`${row.name}: a base proof by the vector's keys, and what is derived from it`, async () => {
      const { baseKeyPair, proofKeyPair } = material()
      const { publicKeyMultibase, secretKeyMultibase } = baseKeyPair
      const proof = json('addProofConfig')
      const id = String(proof['verificationMethod'])
      const key = vectorKey({ publicKeyMultibase, secret: secretKeyMultibase }, id)
      const ephemeral = didKey(
        `did:key:${proofKeyPair.publicKeyMultibase}#${proofKeyPair.publicKeyMultibase}`,
      )
      const publicKey = createPublicKey({ key: ephemeral.spki, format: 'der', type: 'spki' })
      const d = (fromBase58btc(proofKeyPair.secretKeyMultibase.slice(1)) ?? Buffer.alloc(0)).subarray(2)
      const jwk = { ...publicKey.export({ format: 'jwk' }), d: d.toString('base64url') }
      const privateKey = createPrivateKey({ key: jwk, format: 'jwk' })
      const document = vector(`vc-di-ecdsa/${row.unsigned}.json`)
      const { '@context': left, ...configured } = proof
      expect(left).to.deep.equal(document['@context'])
      const making = { document, proof: configured, key, mandatoryPointers: list(row.mandatory) }
      const proofValue = await makeBaseProof(making, { hmacKey: hmacKey(), privateKey, publicKey })
      const theirs = readBaseProof(String((json('addSignedSDBase')['proof'] as JsonObject)['proofValue']))
      const ours = readBaseProof(proofValue)
      expect({ ...ours, baseSignature: 0, signatures: ours.signatures.length }).to.deep.equal({
        ...theirs,
        baseSignature: 0,
        signatures: theirs.signatures.length,
      })
      const derived = await derive({ ...document, proof: { ...configured, proofValue } }, list(row.selective))
      expect(await judge(derived, 'ecdsa-sd-2023')).to.equal(true)
    })
  }
})

describe('ecdsa-sd-2023', () => {
  const key = madeKey('P-256')
  const credential = {
    '@context': ['https://www.w3.org/ns/credentials/v2', 'https://www.w3.org/ns/credentials/examples/v2'],
    type: ['VerifiableCredential', 'ExampleCredential'],
    issuer: key.controller,
    validFrom: '2026-01-01T00:00:00Z',
    credentialSubject: {
      id: 'did:example:s',
      sails: [
        { size: 5.5, name: 'Kihei' },
        { size: 6.1, name: 'Lahaina' },
      ],
      boards: [{ name: 'one' }, { name: 'two' }],
      'a/b': { 'm~n': 'escaped' },
    },
  }
  const issue = async (mandatoryPointers: string[] = ['/issuer', '/validFrom']): Promise<JsonObject> =>
    (
      await dataIntegrity.issue({
        credential,
        key,
        now: NOW,
        cryptosuite: 'ecdsa-sd-2023',
        mandatoryPointers,
      })
    ).body as JsonObject
  const problems = async (secured: JsonObject): Promise<string[]> => {
    const asked = { secured, now: NOW, profile: 'strict', resolve: resolveDidKey } as const
    return (await dataIntegrity.verify(asked)).problems.map(({ name }) => name)
  }

  it('asks the key for one signature, and judges find each selection good', async () => {
    const before = key.signatures
    const base = await issue()
    expect(key.signatures).to.equal(before + 1)
    for (const selective of [
      ['/credentialSubject/sails/0'],
      ['/credentialSubject/sails/1/size', '/credentialSubject/boards/1/name'],
      ['/credentialSubject/a~1b/m~0n'],
      ['/credentialSubject'],
    ]) {
      const derived = await derive(base, selective)
      expect(await problems(derived), selective.join(' ')).to.deep.equal([])
      expect(await judge(derived, 'ecdsa-sd-2023'), selective.join(' ')).to.equal(true)
    }
    expect(await problems(await derive(base, []))).to.deep.equal(['invalid-subject'])
    const { credentialSubject } = await derive(base, ['/credentialSubject/boards/1'])
    expect(credentialSubject).to.deep.equal({ id: 'did:example:s', boards: [{ name: 'two' }] })
  })

  it('what was changed, added or left out of what is mandatory is not good', async () => {
    const derived = await derive(await issue(), ['/credentialSubject/boards'])
    const subject = derived['credentialSubject'] as JsonObject
    const { validFrom, ...lacking } = derived
    expect(validFrom).to.equal('2026-01-01T00:00:00Z')
    for (const document of [
      { ...derived, validFrom: '2026-01-02T00:00:00Z' },
      { ...derived, credentialSubject: { ...subject, boards: [{ name: 'one' }, { name: 'three' }] } },
      { ...derived, credentialSubject: { ...subject, boards: [{ name: 'three' }] } },
      { ...derived, credentialSubject: { ...subject, more: 'claims' } },
      lacking,
    ]) {
      expect(await problems(document)).to.deep.equal(['signature-invalid'])
      expect(await judge(document, 'ecdsa-sd-2023')).to.equal(false)
    }
  })

  /** What was signed of one blank node, shown as if there were two of them: each statement comes with the signature it had. */
  async function doubled(base: JsonObject): Promise<JsonObject> {
    const derived = await derive(base, ['/credentialSubject/boards/0'])
    const proof = derived['proof'] as JsonObject
    const shown = readDerivedProof(String(proof['proofValue']))
    const statementsOf = async (
      document: JsonObject,
      labels: ReadonlyMap<number, Buffer>,
    ): Promise<string[]> => {
      const names = [...labels].map(([n, label]) => [`c14n${n}`, `u${label.toString('base64url')}`] as const)
      const lines = linesOf(await canonicalise(without(document, 'proof'), { hash: 'sha256' }))
      return relabelled(lines, new Map(names)).sort()
    }
    const honest = await statementsOf(derived, shown.labels)
    const indexes = new Set(shown.mandatoryIndexes)
    const optional = honest.filter((_, at) => !indexes.has(at))
    const signatures = new Map(optional.map((statement, at) => [statement, shown.signatures[at]]))
    const subject = derived['credentialSubject'] as JsonObject
    const [board] = subject['boards'] as JsonObject[]
    const document = { ...derived, credentialSubject: { ...subject, boards: [board, board] } }
    // Three blank nodes, two labels: whichever way all statements are ones that were signed.
    const [one, other] = [...shown.labels.values()]
    for (const way of [0, 1, 2, 3, 4, 5, 6, 7]) {
      const labels = new Map(
        [0, 1, 2].map((n) => [n, ((way >> n) & 1 ? one : other) ?? Buffer.alloc(0)] as const),
      )
      const forged = await statementsOf(document, labels)
      if (!forged.every((statement) => honest.includes(statement))) continue
      const proofValue = derivedProofValue({
        ...shown,
        labels,
        signatures: forged.flatMap((statement) => signatures.get(statement) ?? []),
        mandatoryIndexes: [...forged.keys()].filter((at) => !signatures.has(forged[at] ?? '')),
      })
      return { ...document, proof: { ...proof, proofValue } }
    }
    throw new Error('no such way')
  }

  it('what was signed once is not shown twice: no two blank nodes have one label', async () => {
    const base = await issue()
    expect(await problems(await doubled(base))).to.deep.equal(['proof-malformed'])
  })

  it('text that looks like a label of a blank node is text', async () => {
    const claims = {
      id: 'did:example:s',
      boards: [{ name: '_:c14n0 and _:c14n1 .' }, { name: '" _:c14n2 .' }],
    }
    const asked = { key, now: NOW, cryptosuite: 'ecdsa-sd-2023', mandatoryPointers: ['/issuer'] }
    const { body } = await dataIntegrity.issue({
      ...asked,
      credential: { ...credential, credentialSubject: claims },
    })
    const derived = await derive(body as JsonObject, ['/credentialSubject'])
    expect(await problems(derived)).to.deep.equal([])
    expect(derived['credentialSubject']).to.deep.equal(claims)
  })

  it('a base proof is for the holder, and no verifier takes it', async () => {
    expect(await problems(await issue())).to.deep.equal(['base-proof'])
  })

  it('pointers that are none, lead nowhere, or into what objects inherit, are refused', async () => {
    const nowhere = (pointer: string): string =>
      `invalid_request: the JSON pointer ${JSON.stringify(pointer)} leads nowhere`
    for (const pointer of [
      '/issuer/name',
      '/credentialSubject/boards/2',
      '/credentialSubject/boards/01',
      '/__proto__',
      '/constructor/prototype',
      '/credentialSubject/boards/length',
    ])
      expect(await refused(issue([pointer])), pointer).to.equal(nowhere(pointer))
    for (const pointer of ['issuer', '/a~2b', '/~'])
      expect(await refused(issue([pointer])), pointer).to.equal(
        'invalid_request: a JSON pointer is none (RFC 6901)',
      )
    const base = await issue([])
    expect(await refused(derive(base, []))).to.equal('invalid_request: nothing would be disclosed')
    expect(await refused(derive(credential, ['/issuer']))).to.equal(
      'invalid_request: proof: not exactly one of ecdsa-sd-2023 to derive from',
    )
  })

  it('proof values that are none are told so, whatever they are', async () => {
    const derived = await derive(await issue(), ['/credentialSubject'])
    const proof = derived['proof'] as JsonObject
    const octets = fromMultibase(String(proof['proofValue'])) ?? Buffer.alloc(0)
    const withValue = (proofValue: string): JsonObject => ({ ...derived, proof: { ...proof, proofValue } })
    for (const proofValue of [
      'u',
      'z3',
      `u${octets.subarray(0, -1).toString('base64url')}`,
      `u${Buffer.concat([octets, Buffer.alloc(1)]).toString('base64url')}`,
      `u${Buffer.from('d95d0180', 'hex').toString('base64url')}`,
      `u${Buffer.from('d95d029f', 'hex').toString('base64url')}`,
      `u${octets.toString('base64')}`,
    ])
      expect((await problems(withValue(proofValue)))[0], proofValue).to.be.oneOf([
        'proof-malformed',
        'malformed',
      ])
  })
})
