import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { addProof } from '../../src/credentials/integrity/addProof.ts'
import { checkProofs } from '../../src/credentials/integrity/checkProofs.ts'
import { jcs } from '../../src/credentials/integrity/jcs.ts'
import { canonicalise } from '../../src/credentials/jsonld/canonicalise.ts'
import type { JsonObject } from '../../src/credentials/formats/format.ts'
import { hasVectors, resolveDidKey, vector, vectorKey, vectorText } from './integritySupport.ts'

interface Row {
  readonly suite: string
  readonly folder: string
  /** What the names of the folder's files end with. */
  readonly end: string
  readonly unsigned: string
  readonly pair: string
  readonly hash: 'sha256' | 'sha384'
}

const EDDSA = 'vc-di-eddsa'
const ECDSA = 'vc-di-ecdsa'
const eddsa = (suite: string, end: string, unsigned = 'unsigned'): Row => ({
  suite,
  folder: `${EDDSA}/${suite}${unsigned === 'unsigned' ? '' : '/employ'}`,
  end,
  unsigned: `${EDDSA}/${unsigned}.json`,
  pair: `${EDDSA}/keyPair.json`,
  hash: 'sha256',
})
const ecdsa = (suite: string, curve: '256' | '384', unsigned = 'unsigned'): Row => ({
  suite,
  folder: `${ECDSA}/${suite}-p${curve}${unsigned === 'unsigned' ? '' : '/employ'}`,
  end: `${suite.includes('jcs') ? 'JCS' : ''}ECDSAP${curve}`,
  unsigned: `${ECDSA}/${unsigned}.json`,
  pair: `${ECDSA}/p${curve}KeyPair.json`,
  hash: curve === '256' ? 'sha256' : 'sha384',
})

const rows: readonly Row[] = [
  eddsa('Ed25519Signature2020', 'EdSig'),
  eddsa('eddsa-rdfc-2022', 'DataInt'),
  eddsa('eddsa-rdfc-2022', 'DataInt', 'employmentAuth'),
  eddsa('eddsa-jcs-2022', 'JCS'),
  ecdsa('ecdsa-rdfc-2019', '256'),
  ecdsa('ecdsa-rdfc-2019', '256', 'employmentAuth'),
  ecdsa('ecdsa-rdfc-2019', '384'),
  ecdsa('ecdsa-rdfc-2019', '384', 'employmentAuth'),
  ecdsa('ecdsa-jcs-2019', '256'),
  ecdsa('ecdsa-jcs-2019', '384'),
]

const NOW = new Date('2026-01-01T00:00:00Z')
const asked = { profile: 'proof', now: NOW, resolve: resolveDidKey, secured: {} } as const

/** W3C's of vc-di-eddsa 1.0 and vc-di-ecdsa 1.0. */
describe('Data Integrity vectors that W3C published', () => {
  before(function () {
    if (!hasVectors) {
      console.log('      ../shared/vectors is not there')
      this.skip()
    }
  })

  for (const row of rows) {
    const name = row.folder.slice(6)
    const text = (what: string): string => vectorText(`${row.folder}/${what}${row.end}.txt`)
    const json = (what: string): JsonObject => vector(`${row.folder}/${what}${row.end}.json`)
    const signedDocument = (): JsonObject => json('signed')
    const proof = (): JsonObject => signedDocument()['proof'] as JsonObject

    it(`${name}: canonical forms and hashes`, async () => {
      const { proof: left, ...document } = signedDocument()
      const config = json('proofConfig')
      const canonical = row.suite.includes('jcs')
        ? [jcs(config), jcs(document)]
        : [await canonicalise(config, { hash: row.hash }), await canonicalise(document, { hash: row.hash })]
      const hashes = canonical.map((form) => createHash(row.hash).update(form).digest('hex'))
      expect(left).to.be.an('object')
      expect(canonical).to.deep.equal([text('proofCanon'), text('canonDoc')])
      expect(hashes).to.deep.equal([text('proofHash'), text('docHash')])
      expect(hashes.join('')).to.equal(text('combinedHash'))
    })

    it(`${name}: ${row.folder.startsWith(EDDSA) ? 'the same document' : 'a document that is as good'}`, async () => {
      const pair = vector(row.pair) as Record<string, string>
      const secret = pair['privateKeyMultibase'] ?? pair['secretKeyMultibase'] ?? ''
      const id = String(proof()['verificationMethod'])
      const key = vectorKey({ publicKeyMultibase: String(pair['publicKeyMultibase']), secret }, id)
      const document = vector(row.unsigned)
      const now = new Date(String(proof()['created']))
      const made = await addProof({ document, key, now, purpose: 'assertionMethod', cryptosuite: row.suite })
      const expected = signedDocument()
      if (row.folder.startsWith(EDDSA)) expect(made).to.deep.equal(expected)
      else
        expect({ ...made, proof: { ...(made['proof'] as object), proofValue: '' } }).to.deep.equal({
          ...expected,
          proof: { ...proof(), proofValue: '' },
        })
      for (const document of [made, expected])
        expect(await checkProofs(document, 'assertionMethod', asked)).to.deep.equal({
          problems: [],
          controllers: [id.slice(0, id.indexOf('#'))],
        })
    })
  }

  describe('of sets and chains', () => {
    const named = (name: string): JsonObject => vector(`${EDDSA}/proof-set-chain/${name}.json`)
    const pairs = (): Record<string, Record<string, string>> =>
      named('multiKeyPairs') as Record<string, Record<string, string>>
    const add = async (document: JsonObject, config: JsonObject, pair: string): Promise<JsonObject> => {
      const { publicKeyMultibase = '', privateKeyMultibase = '' } = pairs()[pair] ?? {}
      const id = String(config['verificationMethod'])
      return addProof({
        document,
        key: vectorKey({ publicKeyMultibase, secret: privateKeyMultibase }, id),
        now: new Date(String(config['created'])),
        purpose: 'assertionMethod',
        proofId: config['id'] as string | undefined,
        previousProof: config['previousProof'] as string | string[] | undefined,
      })
    }

    it('a set of two, and a chain of two on it, are the same', async () => {
      let document = named('unsigned')
      const steps = [
        ['proofSetConfig1', 'keyPair1', 'signedProofSet1'],
        ['proofSetConfig2', 'keyPair2', 'signedProofSet2'],
        ['proofChainConfig1', 'keyPair3', 'signedProofChain1'],
        ['proofChainConfig2', 'keyPair4', 'signedProofChain2'],
      ] as const
      for (const [config, pair, signed] of steps) {
        document = await add(document, named(config), pair)
        expect(document, signed).to.deep.equal(named(signed))
        expect((await checkProofs(document, 'assertionMethod', asked)).problems, signed).to.deep.equal([])
      }
    })

    it('a chain whose first proofs are exchanged, changed or gone is no chain', async () => {
      const document = named('signedProofChain2')
      const proofs = document['proof'] as JsonObject[]
      const [first = {}, second = {}, ...others] = proofs
      const problems = async (changed: JsonObject[]): Promise<string[]> => {
        const found = await checkProofs({ ...document, proof: changed }, 'assertionMethod', asked)
        return found.problems.map(({ name }) => name)
      }
      expect(await problems(others)).to.deep.equal(['previous-proof-unknown'])
      expect(await problems([second, ...others])).to.deep.equal(['previous-proof-unknown'])
      expect(await problems([first, first, second, ...others])).to.deep.equal(['previous-proof-unknown'])
      const later = { ...first, created: '2023-02-24T23:36:39Z' }
      expect(await problems([later, second, ...others])).to.deep.equal([
        'signature-invalid',
        'signature-invalid',
      ])
      expect(await problems([second, first, ...others])).to.deep.equal([])
    })
  })
})
