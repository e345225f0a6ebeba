import { expect } from 'chai'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { CscClient, OID, digest, refusal, type CscAnswer, type Mount } from './client.ts'
import { editions } from './editions.ts'

type Body = Record<string, unknown>
type Change = (credential: TestCredential) => Body

const MISSING = 'Missing (or invalid type)'
/** A digest that is written otherwise in the alphabet of the URL, with padding or without. */
const DIGEST = digest('text 1')
const URL_DIGEST = Buffer.from(DIGEST, 'base64').toString('base64url')

interface Alias {
  readonly name: string
  readonly mounts: readonly Mount[]
  readonly methods: readonly string[]
  /** Of a good request of that mount: `undefined` leaves a member out. */
  readonly change: Change
  /** What a strict service says. */
  readonly refused: string
}

const BOTH: readonly Mount[] = ['/csc/v1', '/csc/v2']
const V1: readonly Mount[] = ['/csc/v1']
const V2: readonly Mount[] = ['/csc/v2']
const METHODS = [
  'info',
  'credentials/list',
  'credentials/info',
  'credentials/authorize',
  'signatures/signHash',
]
/** What an answer has at least; signatures and SADs are as good as any. */
const ANSWERED: Readonly<Record<string, readonly string[]>> = {
  info: ['specs', 'methods'],
  'credentials/list': ['credentialIDs'],
  'credentials/info': ['key', 'cert'],
  'credentials/authorize': ['SAD', 'expiresIn'],
  'signatures/signHash': ['signatures'],
}
const JUNK = ['auth_info', 'only_valid', 'client_data', 'sign_algo_params']

const aliases: readonly Alias[] = [
  {
    name: 'null for an absent member',
    mounts: BOTH,
    methods: METHODS,
    change: () => ({ clientData: null }),
    refused: 'Invalid parameter clientData',
  },
  ...JUNK.map((member) => ({
    name: `${member} of the iOS library`,
    mounts: BOTH,
    methods: ['info', 'credentials/list', 'credentials/info'],
    change: () => ({ [member]: true }),
    refused: `Unknown parameter ${member}`,
  })),
  {
    name: 'a member written as null, which is in no table',
    mounts: BOTH,
    methods: ['credentials/list'],
    change: () => ({ user_id: null }),
    refused: 'Unknown parameter user_id',
  },
  {
    name: 'an OTP of null, as pyHanko has it',
    mounts: V1,
    methods: ['credentials/authorize'],
    change: () => ({ OTP: null }),
    refused: 'Invalid parameter OTP',
  },
  {
    name: 'an OTP of null, as pyHanko has it',
    mounts: V2,
    methods: ['credentials/authorize'],
    change: () => ({ OTP: null }),
    refused: 'Unknown parameter OTP',
  },
  {
    name: 'hash for hashes, which implies the hash algorithm',
    mounts: V2,
    methods: ['credentials/authorize'],
    change: () => ({ hash: [DIGEST], hashes: undefined, hashAlgorithmOID: undefined }),
    refused: 'Unknown parameter hash',
  },
  {
    name: 'hash beside hashes that are the same',
    mounts: V2,
    methods: ['credentials/authorize'],
    change: () => ({ hash: [DIGEST], hashes: [URL_DIGEST] }),
    refused: 'Invalid Base64 hash string parameter',
  },
  {
    name: 'hashAlgo for hashAlgorithmOID',
    mounts: V2,
    methods: ['credentials/authorize'],
    change: () => ({ hashAlgo: OID.sha256, hashAlgorithmOID: undefined }),
    refused: 'Unknown parameter hashAlgo',
  },
  {
    name: 'PIN for authData',
    mounts: V2,
    methods: ['credentials/authorize'],
    change: ({ pin }) => ({ PIN: pin, authData: undefined }),
    refused: 'Unknown parameter PIN',
  },
  {
    name: 'PIN beside authData that says the same',
    mounts: V2,
    methods: ['credentials/authorize'],
    change: ({ pin }) => ({ PIN: pin }),
    refused: 'Unknown parameter PIN',
  },
  {
    name: 'hashes in the alphabet of the URL to authorise',
    mounts: V2,
    methods: ['credentials/authorize'],
    change: () => ({ hashes: [URL_DIGEST] }),
    refused: 'Invalid Base64 hash string parameter',
  },
  {
    name: 'hash in the alphabet of the URL to authorise',
    mounts: V1,
    methods: ['credentials/authorize'],
    change: () => ({ hash: [URL_DIGEST] }),
    refused: 'Invalid Base64 hash string parameter',
  },
  {
    name: 'hash and hashAlgo to sign',
    mounts: V2,
    methods: ['signatures/signHash'],
    change: () => ({ hash: [DIGEST], hashes: undefined, hashAlgo: OID.sha256 }),
    refused: `${MISSING} array parameter hash`,
  },
  {
    name: 'hashAlgo for hashAlgorithmOID to sign',
    mounts: V2,
    methods: ['signatures/signHash'],
    change: () => ({ hashAlgo: OID.sha256 }),
    refused: 'Unknown parameter hashAlgo',
  },
  {
    name: 'hashes in the alphabet of the URL to sign',
    mounts: V2,
    methods: ['signatures/signHash'],
    change: () => ({ hashes: [`${URL_DIGEST}=`] }),
    refused: 'Invalid Base64 hash string parameter',
  },
  {
    name: 'hash in the alphabet of the URL to sign',
    mounts: V1,
    methods: ['signatures/signHash'],
    change: () => ({ hash: [URL_DIGEST] }),
    refused: 'Invalid Base64 hash string parameter',
  },
  ...['ECDSA', OID.ecPublicKey].flatMap((signAlgo): Alias[] => [
    {
      name: `${signAlgo} with a hash`,
      mounts: V1,
      methods: ['signatures/signHash'],
      change: () => ({ signAlgo, hashAlgo: OID.sha256 }),
      refused: 'Invalid parameter signAlgo',
    },
    {
      name: `${signAlgo} with a hash`,
      mounts: V2,
      methods: ['signatures/signHash'],
      change: () => ({ signAlgo, hashAlgorithmOID: OID.sha256 }),
      refused: 'Invalid parameter signAlgo',
    },
  ]),
]

describe('what clients in the field write otherwise than the standard', () => {
  let tolerant: TestService
  let strict: TestService

  let used: TestService

  before(async () => {
    tolerant = await startService()
    strict = await startService({ csc: { strict: true } })
  })
  afterEach(() => used.checkState())
  after(async () => {
    await tolerant.close()
    await strict.close()
  })

  for (const edition of editions) {
    const { mount } = edition
    describe(mount, () => {
      let client: CscClient
      let strictClient: CscClient
      /** For more signatures than are asked for here. */
      let SAD: string

      before(async () => {
        client = await CscClient.of(tolerant, tolerant.client, mount)
        strictClient = await CscClient.of(strict, strict.client, mount)
        const digests = Array.from({ length: 20 }, () => DIGEST)
        const body = await client.get(
          'credentials/authorize',
          edition.authorize(tolerant.credential, digests),
        )
        SAD = String(body['SAD'])
      })

      const good = (method: string, mine: TestCredential): Body => {
        if (method === 'credentials/info') return { credentialID: mine.id }
        if (method === 'credentials/authorize') return edition.authorize(mine, [DIGEST])
        return method === 'signatures/signHash' ? edition.sign(mine, [DIGEST], SAD) : {}
      }
      const ask = (asking: CscClient, method: string, change: Change): Promise<CscAnswer> => {
        used = asking.service
        const { credential } = used
        return asking.call(method, { ...good(method, credential), ...change(credential) })
      }

      for (const { name, mounts, methods, change, refused } of aliases) {
        if (!mounts.includes(mount)) continue
        it(`takes ${name} of ${methods.join(', ')}, and answers in the standard's own words`, async () => {
          for (const method of methods) {
            const { status, body } = await ask(client, method, change)
            expect(status, method).to.equal(200)
            expect(Object.keys(body), method).to.include.members(ANSWERED[method] ?? [])
          }
        })
        it(`refuses ${name} of ${methods.join(', ')} where the service is strict`, async () => {
          for (const method of methods) {
            const { status, body } = await ask(strictClient, method, change)
            expect(body, method).to.deep.equal(refusal(refused))
            expect(status, method).to.equal(400)
          }
        })
      }

      it("takes the standard's own words where the service is strict", async () => {
        for (const method of METHODS.slice(0, 4)) {
          const { status, body } = await ask(strictClient, method, () => ({}))
          expect(status, method).to.equal(200)
          if (method !== 'credentials/authorize') continue
          const signed = edition.sign(strict.credential, [DIGEST], String(body['SAD']))
          expect((await strictClient.call('signatures/signHash', signed)).status).to.equal(200)
        }
      })
    })
  }

  describe('contradictions', () => {
    const contradictions: readonly [name: string, method: string, change: Body, description: string][] = [
      [
        'hash and hashes',
        'credentials/authorize',
        { hash: [digest('other')] },
        'Parameter hashes is given twice',
      ],
      [
        'hashAlgo and hashAlgorithmOID',
        'credentials/authorize',
        { hashAlgo: OID.sha384 },
        'Parameter hashAlgorithmOID is given twice',
      ],
      ['PIN and authData', 'credentials/authorize', { PIN: 'x' }, 'Parameter authData is given twice'],
      [
        'hash and hashes to sign',
        'signatures/signHash',
        { hash: [digest('other')] },
        'Parameter hashes is given twice',
      ],
      [
        'hashAlgorithmOID and signAlgo',
        'signatures/signHash',
        { hashAlgorithmOID: OID.sha512 },
        'String parameter hashAlgorithmOID contradicts with signAlgo parameter',
      ],
      [
        'hashAlgo and signAlgo',
        'signatures/signHash',
        { hashAlgo: OID.sha512 },
        'String parameter hashAlgorithmOID contradicts with signAlgo parameter',
      ],
    ]
    for (const [name, method, change, description] of contradictions) {
      it(`of ${name} are refused`, async () => {
        used = tolerant
        const client = await CscClient.of(tolerant)
        const { id, pin } = tolerant.credential
        const good = {
          'credentials/authorize': {
            credentialID: id,
            numSignatures: 1,
            hashes: [DIGEST],
            hashAlgorithmOID: OID.sha256,
            authData: [{ id: 'PIN', value: pin }],
          },
          'signatures/signHash': {
            credentialID: id,
            SAD: 'A'.repeat(43),
            hashes: [DIGEST],
            signAlgo: OID.ecdsa256,
          },
        }[method]
        const { status, body } = await client.call(method, { ...good, ...change })
        expect(body).to.deep.equal(refusal(description))
        expect(status).to.equal(400)
      })
    }
  })
})
