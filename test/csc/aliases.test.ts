import { expect } from 'chai'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { ANSWERED, DIGEST, METHODS, aliases, type Change } from './aliasRows.ts'
import { CscClient, OID, digest, refusal, type CscAnswer } from './client.ts'
import { editions } from './editions.ts'

type Body = Record<string, unknown>

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
