import { fileURLToPath } from 'node:url'
import type { JudgedService } from './w3cService.ts'
import type { Manifest, SuiteRun } from './w3cSuite.ts'

const NAME = 'Intaglio'
/** The vectors of the specification, which the suite has as a submodule. */
const VECTORS = new URL('../../../shared/vectors/vc-di-ecdsa', import.meta.url).pathname
const SECRET = 'INTAGLIO_CLIENT_SECRET'

type Run = Omit<SuiteRun, 'folder'>

export interface SuiteRow {
  /** Of its repository, and of its folder. */
  readonly name: string
  /** How many of its tests pass. */
  readonly passed: number
  /** How many it skips itself, and why. */
  readonly skipped?: readonly [count: number, why: string]
  /** Tests that fail, by the end of their titles, each with the reason. */
  readonly failed?: Readonly<Record<string, string>>
  readonly run: (judged: JudgedService) => Run
}

/** The suite maps an iterator, which Node can from 22 on. */
const ITERATORS = `data:text/javascript,${encodeURIComponent(
  'Object.getPrototypeOf(Object.getPrototypeOf([].values())).map ??= function* (of) { for (const one of this) yield of(one) }',
)}`

const both = { supports: { vc: ['1.1', '2.0'] } }

/** What a suite calls, and as whom: a client, by its credentials. */
function running(judged: JudgedService, members: Record<string, unknown>, more: Partial<Run> = {}): Run {
  const { id, secret } = judged.service.client
  const oauth2 = { clientId: id, clientSecret: SECRET, tokenEndpoint: `${judged.url}/oauth2/token` }
  const own: Manifest = { name: NAME, implementation: NAME, oauth2, ...members }
  return {
    ...more,
    manifests: [own, ...(more.manifests ?? [])],
    environment: { [SECRET]: secret, ...more.environment },
  }
}

export const suites: readonly SuiteRow[] = [
  {
    name: 'vc-data-model-2.0-test-suite',
    passed: 65,
    run: (judged) => {
      const { url, issuers } = judged
      const id = issuers.Ed25519
      return running(judged, {
        issuers: [
          { id, endpoint: `${url}/credentials/issue`, tags: ['vc2.0'] },
          {
            id,
            endpoint: `${url}/credentials/issue`,
            tags: ['EnvelopingProof'],
            options: { format: 'jwt', enveloped: true },
          },
        ],
        verifiers: [{ id, endpoint: `${url}/credentials/verify`, tags: ['vc2.0', 'EnvelopingProof'] }],
        vpVerifiers: [{ id, endpoint: `${url}/presentations/verify`, tags: ['vc2.0', 'EnvelopingProof'] }],
      })
    },
  },
  {
    name: 'vc-di-eddsa-test-suite',
    passed: 57,
    run: (judged) => {
      const { url, issuers } = judged
      const id = issuers.Ed25519
      const endpoint = `${url}/credentials/issue`
      const names = ['eddsa-rdfc-2022', 'eddsa-jcs-2022']
      return running(
        judged,
        {
          issuers: names.map((cryptosuite) => ({
            id,
            endpoint,
            ...both,
            tags: [cryptosuite],
            options: { cryptosuite },
          })),
          verifiers: names.map((name) => ({
            id,
            endpoint: `${url}/credentials/verify/proof`,
            ...both,
            tags: [name],
          })),
        },
        { environment: { ISSUER_NAME_JCS: NAME } },
      )
    },
  },
  {
    name: 'vc-di-ecdsa-test-suite',
    passed: 132,
    failed: {
      'CBOR-encode components per [RFC8949] where CBOR tagging MUST NOT be used on any of the components.':
        'the suite sends the pointer to nothing again that its test before had put into the options',
    },
    run: (judged) => {
      const { url, issuers } = judged
      const endpoint = `${url}/credentials/issue`
      const rows = [
        ['ecdsa-rdfc-2019', 'P-256'],
        ['ecdsa-rdfc-2019', 'P-384'],
        ['ecdsa-jcs-2019', 'P-256'],
        ['ecdsa-jcs-2019', 'P-384'],
        ['ecdsa-sd-2023', 'P-256'],
      ] as const
      const names = ['ecdsa-rdfc-2019', 'ecdsa-jcs-2019', 'ecdsa-sd-2023']
      const derive = { id: issuers['P-256'], endpoint: `${url}/credentials/derive`, tags: ['vcHolder'] }
      const { id: clientId } = judged.service.client
      const oauth2 = { clientId, clientSecret: SECRET, tokenEndpoint: `${url}/oauth2/token` }
      return running(
        judged,
        {
          issuers: rows.map(([cryptosuite, type]) => ({
            id: issuers[type],
            endpoint,
            ...both,
            supportedEcdsaKeyTypes: [type],
            tags: [cryptosuite],
            options: { cryptosuite },
          })),
          verifiers: names.map((name) => ({
            id: issuers['P-256'],
            endpoint: `${url}/credentials/verify/proof`,
            ...both,
            supportedEcdsaKeyTypes: name === 'ecdsa-sd-2023' ? ['P-256'] : ['P-256', 'P-384'],
            tags: [name],
          })),
        },
        // The suite has the name of whose holder it asks written into it.
        {
          manifests: [{ name: 'Digital Bazaar', implementation: NAME, oauth2, vcHolders: [derive] }],
          beside: { 'tests/input/vc-di-ecdsa/TestVectors': VECTORS },
        },
      )
    },
  },
  {
    name: 'vc-di-ed25519signature2020-test-suite',
    passed: 30,
    run: (judged) => {
      const { url, issuers } = judged
      const id = issuers.Ed25519
      const tags = ['Ed25519Signature2020']
      return running(judged, {
        issuers: [
          {
            id,
            endpoint: `${url}/credentials/issue`,
            tags,
            options: { cryptosuite: 'Ed25519Signature2020' },
          },
        ],
        verifiers: [{ id, endpoint: `${url}/credentials/verify/proof`, tags }],
      })
    },
  },
  {
    name: 'vc-api-issuer-test-suite',
    passed: 26,
    skipped: [1, 'left out by the suite itself'],
    failed: {
      'Issue Credential - JWT Intaglio MUST successfully issue a credential.':
        'the suite wants an object with a proof, which a JWT is not',
    },
    run: (judged) => {
      const { url, issuers } = judged
      const id = issuers.Ed25519
      return running(judged, {
        issuers: [
          { id, endpoint: `${url}/credentials/issue`, tags: ['vc-api'] },
          { id, endpoint: `${url}/credentials/issue`, tags: ['vc-api', 'JWT'], options: { format: 'jwt' } },
        ],
      })
    },
  },
  {
    name: 'vc-api-verifier-test-suite',
    passed: 18,
    run: (judged) => {
      const { url, issuers } = judged
      const id = issuers.Ed25519
      return running(judged, {
        verifiers: [{ id, endpoint: `${url}/credentials/verify/proof`, tags: ['vc-api'] }],
      })
    },
  },
  {
    name: 'vc-bitstring-status-list-test-suite',
    passed: 19,
    skipped: [
      8,
      'about members that are optional, and not in our entries; one is left out by the suite itself',
    ],
    run: (judged) => {
      const { url, issuers } = judged
      const id = issuers.Ed25519
      const tags = ['BitstringStatusList']
      return running(judged, {
        issuers: [{ id, endpoint: `${url}/credentials/issue`, tags, options: { status: ['revocation'] } }],
        verifiers: [{ id, endpoint: `${url}/credentials/verify`, tags }],
      })
    },
  },
  {
    name: 'vc-jose-cose-test-suite',
    passed: 31,
    failed: {
      '5. JWT Issuance with Unknown Extensions':
        'its context defines every term, and what is not understood is to be ignored (VC-JOSE-COSE, 3.1.3)',
      '7. JWT Presentation Verification':
        'the URL of the third credential in it ends with a line break, which no URL has (RFC 2397; RFC 3986, 2)',
      '27. COSE Basic Credential Issuance':
        'the key is of a DID that is not the issuer, in whose name it signs nothing here',
      '31. COSE Basic Presentation Verification':
        'the key is of another controller than the holder, and what stands for the credential in it is no JWT: it has four dots at its end',
    },
    run: () => {
      const kinds = ['credential', 'presentation']
      const features = kinds.flatMap((kind) => ['jose', 'sdjwt', 'cose'].map((format) => `${kind}_${format}`))
      const own = {
        name: NAME,
        implementation: NAME,
        'jose-cose': { features: Object.fromEntries(features.map((feature) => [feature, true])) },
      }
      const [loader, script] = ['tsx', './joseCose.ts'].map((name) => import.meta.resolve(name))
      const command = (place: string): string =>
        `exec '${process.execPath}' --import '${loader ?? ''}' '${fileURLToPath(script ?? '')}' '${place}' "$@"`
      return {
        manifests: [own],
        commands: { docker: command },
        environment: { NODE_OPTIONS: `--import=${ITERATORS}` },
      }
    },
  },
  {
    name: 'did-key-test-suite',
    passed: 14,
    skipped: [1, 'left out by the suite itself'],
    failed: {
      'If "didDocument.id" is not a valid DID, an `invalidDid` error MUST be raised':
        'the suite wants a document with the error; DID Resolution wants none',
    },
    run: ({ url }) => {
      const resolver = { id: 'did:key:any', endpoint: `${url}/1.0/identifiers`, tags: ['did-key'] }
      return { manifests: [{ name: NAME, implementation: NAME, didResolvers: [resolver] }] }
    },
  },
]
