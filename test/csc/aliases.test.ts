import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import { ANSWERED, DIGEST, aliases, type Change } from './aliasRows.ts'
import { CscClient, OID, digest, refusal, type CscAnswer } from './client.ts'
import { editions, METHODS } from './editions.ts'

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

      const authorise = async (asking: CscClient, digests: readonly string[]): Promise<string> => {
        const request = edition.authorize(asking.service.credential, digests)
        return String((await asking.get('credentials/authorize', request))['SAD'])
      }

      before(async () => {
        client = await CscClient.of(tolerant, tolerant.client, mount)
        strictClient = await CscClient.of(strict, strict.client, mount)
        SAD = await authorise(
          client,
          Array.from({ length: 20 }, () => DIGEST),
        )
      })

      const good = async (asking: CscClient, method: string): Promise<Body> => {
        const { credential } = asking.service
        if (method === 'credentials/info') return { credentialID: credential.id }
        if (method === 'credentials/authorize') return edition.authorize(credential, [DIGEST])
        if (method === 'signatures/signHash') return edition.sign(credential, [DIGEST], SAD)
        if (method !== 'credentials/extendTransaction') return {}
        return edition.extend(credential, [DIGEST], await authorise(asking, [DIGEST]))
      }
      const ask = async (asking: CscClient, method: string, change: Change): Promise<CscAnswer> => {
        used = asking.service
        return asking.call(method, { ...(await good(asking, method)), ...change(used.credential) })
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
        for (const method of METHODS.filter((one) => one !== 'signatures/signHash')) {
          const { status, body } = await ask(strictClient, method, () => ({}))
          expect(status, method).to.equal(200)
          if (method !== 'credentials/extendTransaction') continue
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
