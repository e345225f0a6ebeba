import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { compactVerify, decodeProtectedHeader, importJWK, type JWK } from 'jose'
import { LocalVerifier } from '../../hsm/localVerifier.ts'
import type { SignerProcess } from '../../hsm/signerProcess.ts'
import { publicJwk } from '../../src/api/admin/publicJwk.ts'
import { PROOF_ALGORITHMS } from '../../src/api/http/dpop.ts'
import { isCompactJws } from '../../src/compactJws.ts'
import { onEachMake } from '../hsm/makes.ts'
import { startSigner } from '../hsm/rawSigner.ts'
import { openToken, type OpenToken } from '../hsm/support.ts'
import { MemoryLog } from '../softhsm-test-helpers/memoryLog.ts'
import { inProcess, judged, vectorFiles, verifiers, type Verifier } from '../support/wycheproof.ts'

/** Told what was judged: how many vectors, by which verifier. */
type Count = (verifier: string, vectors: number) => void

/** Every vector of a folder through every verifier of ours that is for it, with no other verdict than the published one. */
export function wycheproof(folder: string, count: Count): void {
  const files = vectorFiles(folder)

  const agrees = (verifier: Verifier): void => {
    for (const file of files.filter(verifier.takes)) {
      it(`${verifier.name}: agrees on ${file.name.replace('_test.json', '')}`, async () => {
        const said = await judged(folder, { file, verifier })
        expect(said.mismatches).to.deep.equal([])
        expect(said.count).to.be.greaterThan(0)
        // A verifier that says no to everything agrees on nothing.
        if (!file.isOtherSalt) expect(said.valid).to.be.greaterThan(0)
        count(verifier.name, said.count)
      }).timeout(60_000)
    }
  }

  for (const verifier of verifiers) agrees(verifier)

  describe('in a second signer', () => {
    let open: OpenToken
    let signer: SignerProcess
    before(async () => {
      open = await openToken()
      signer = await startSigner(open.soft)
    })
    after(async () => {
      await signer.close(2000)
      await open.close()
    })
    agrees(inProcess('C_Verify of the token', () => signer))
  })

  onEachMake('in a verifier beside the token', (make) => {
    let local: LocalVerifier
    let remove: () => void
    before(async () => {
      const soft = make.make({})
      ;({ remove } = soft)
      const { config } = soft
      local = new LocalVerifier({ name: 'judged', config, log: new MemoryLog(), onChange: () => undefined })
      await local.open()
    })
    after(async () => {
      await local.close()
      remove()
    })
    const process = (): SignerProcess => {
      if (local.process === undefined) throw new Error('the verifier is gone')
      return local.process
    }
    agrees(inProcess(`C_Verify of a local verifier, ${make.name}`, process))
  })

  it('JWS of clients: agrees on json_web_signature, but for what no client can use here', async () => {
    const [mismatches, stricter]: [number[], string[]] = [[], []]
    let vectors = 0
    for (const { key, tests } of jwsGroups(folder)) {
      for (const { tcId, jws } of tests) {
        // Two of them lost the padding that made them wrong, and are the same text as one that is right.
        const isValid = tests.some((one) => one.jws === jws && one.result === 'valid')
        const why = isValid ? notForUs(jws, key) : undefined
        if (why !== undefined) stricter.push(why)
        if ((await takesJws(jws, key)) !== (isValid && why === undefined)) mismatches.push(tcId)
        vectors++
      }
    }
    expect(mismatches).to.deep.equal([])
    expect(new Set(stricter)).to.deep.equal(new Set(['characters', 'algorithm']))
    count('jose, after src/compactJws.ts', vectors)
    count('it, valid and refused', stricter.length)
  })
}

interface JwsTest {
  readonly tcId: number
  readonly jws: string
  readonly result: 'valid' | 'invalid'
}

interface JwsGroup {
  readonly key: JWK
  readonly tests: readonly JwsTest[]
}

function jwsGroups(folder: string): JwsGroup[] {
  const octets = readFileSync(join(folder, 'json_web_signature_test.json'), 'utf8')
  const { testGroups } = JSON.parse(octets) as {
    testGroups: { public?: JWK; private: JWK; tests: JwsTest[] }[]
  }
  return testGroups.map(({ public: key, private: secret, tests }) => ({ key: key ?? secret, tests }))
}

/** As a client's signature is verified: form, registered key (or its secret), allowed algorithms, and the key's own. */
async function takesJws(jws: string, key: JWK): Promise<boolean> {
  if (!isCompactJws(jws)) return false
  try {
    if (key.kty === 'oct') {
      const secret = Buffer.from(key.k ?? '', 'base64url')
      await compactVerify(jws, secret, { algorithms: ['HS256'] })
      return true
    }
    const { jwk } = await publicJwk(key)
    const algorithms = jwk['alg'] === undefined ? [...PROOF_ALGORITHMS] : [jwk['alg']]
    const { alg } = decodeProtectedHeader(jws)
    await compactVerify(jws, await importJWK({ ...jwk }, alg), { algorithms })
    return true
  } catch {
    return false
  }
}

/** TABLE of why what is valid is refused all the same, as it is meant to be. */
function notForUs(jws: string, key: JWK): 'characters' | 'algorithm' | undefined {
  // Header or payload with a question mark in them: Wycheproof has it that decoders may skip it.
  if (!isCompactJws(jws)) return 'characters'
  const { alg = '' } = decodeProtectedHeader(jws)
  const algorithms: readonly string[] = key.kty === 'oct' ? ['HS256'] : PROOF_ALGORITHMS
  return algorithms.includes(alg) ? undefined : 'algorithm'
}
