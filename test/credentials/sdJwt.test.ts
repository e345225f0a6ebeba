import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import type { PresentRequest } from '../../src/credentials/formats/format.ts'
import { jwkOf } from '../../src/credentials/jwk.ts'
import { CLAIMS, later, names, NOW, row, SECONDS, spoiled, text, V1, V2, verifying } from './credentials.ts'
import { algorithms, CONTROLLER, tokenKeys, type TokenKeys } from './keys.ts'
import { judge } from './sdJwtJudge.ts'

const sdJwt = row('sd-jwt')
const SELECTIVE = ['/given_name', '/address', '/address/locality', '/address/lines/1', '/nationalities/0']
describe('credentials as SD-JWT, by keys in a token', () => {
  let keys: TokenKeys
  before(async () => {
    keys = await tokenKeys()
  })
  after(() => keys.open.close())

  for (const algorithm of algorithms) {
    const kid = `${CONTROLLER}#${algorithm}`

    it(`${algorithm}: claims with vct are dc+sd-jwt, for a holder who shows what he likes`, async () => {
      const key = keys.key(algorithm)
      const before = structuredClone(CLAIMS)
      const holder = jwkOf(key)
      const { body, mediaType } = await sdJwt.issue({
        credential: CLAIMS,
        key,
        now: NOW,
        selective: SELECTIVE,
        holder,
      })
      expect(CLAIMS).to.deep.equal(before)
      expect(mediaType).to.equal('application/dc+sd-jwt')
      const [jwt = '', ...disclosures] = text(body).split('~')
      expect(disclosures).to.have.length(SELECTIVE.length + 1)
      expect(decodeProtectedHeader(jwt)).to.deep.equal({ alg: algorithm, typ: 'dc+sd-jwt', kid })
      const open = decodeJwt(jwt)
      expect(Object.keys(open).toSorted()).to.deep.equal([
        '_sd',
        '_sd_alg',
        'cnf',
        'exp',
        'iss',
        'nationalities',
        'vct',
      ])
      expect([open['_sd_alg'], open['cnf'], JSON.stringify(open).includes('Oslo')]).to.deep.equal([
        'sha-256',
        { jwk: holder },
        false,
      ])

      const whole = { ...CLAIMS, cnf: { jwk: holder } }
      const verify = verifying(keys, 'sd-jwt')
      expect(await verify(body)).to.deep.equal({ problems: [], content: whole })
      const judged = await judge(keys, algorithm).vc.verify(text(body), { currentDate: SECONDS })
      expect(judged.payload).to.deep.equal(whole)

      const chosen = [jwt, disclosures[1], disclosures[3], ''].join('~')
      const asked: PresentRequest = {
        presentation: chosen,
        key,
        now: NOW,
        challenge: 'n-1',
        domain: 'https://verifier.example',
      }
      const shown = await sdJwt.present(asked)
      const binding = text(shown.body).slice(chosen.length)
      expect(decodeProtectedHeader(binding)).to.deep.equal({ alg: algorithm, typ: 'kb+jwt' })
      const sdHash = createHash('sha256').update(chosen).digest('base64url')
      expect(decodeJwt(binding)).to.deep.equal({
        nonce: 'n-1',
        aud: 'https://verifier.example',
        iat: SECONDS,
        sd_hash: sdHash,
      })
      const purpose = { challenge: 'n-1', domain: 'https://verifier.example' }
      const good = await verify(shown.body, purpose)
      expect(good.problems).to.deep.equal([])
      expect(good.content).to.deep.include({
        address: { country: 'NO', lines: ['a', 'b', 'c'] },
        nationalities: ['GB'],
      })
      expect(good.content).not.to.have.property('given_name')
      const kb = await judge(keys, algorithm).vc.verify(text(shown.body), {
        keyBindingNonce: 'n-1',
        currentDate: SECONDS,
      })
      expect(kb.kb?.payload.aud).to.equal('https://verifier.example')

      for (const altered of [spoiled(jwt, 0), spoiled(jwt, 1), spoiled(jwt, 2)].map((part) => `${part}~`)) {
        expect(names(await verify(altered))).to.have.length(1)
        expect(
          await judge(keys, algorithm)
            .vc.verify(altered, { currentDate: SECONDS })
            .catch(() => 'refused'),
        ).to.equal('refused')
      }
      for (const part of [1, 2] as const) {
        const altered = chosen + spoiled(binding, part)
        expect(names(await verify(altered, purpose))).to.have.length(1)
        expect(
          await judge(keys, algorithm)
            .vc.verify(altered, { keyBindingNonce: 'n-1', currentDate: SECONDS })
            .catch(() => 'refused'),
        ).to.equal('refused')
      }
    })

    it(`${algorithm}: credentials of both data models are vc+sd-jwt`, async () => {
      const key = keys.key(algorithm)
      for (const credential of [V2, V1]) {
        const { body, mediaType } = await sdJwt.issue({
          credential,
          key,
          now: NOW,
          selective: ['/credentialSubject/id', '/id'],
        })
        expect(mediaType).to.equal('application/vc+sd-jwt')
        expect(decodeProtectedHeader(text(body))).to.deep.equal({
          alg: algorithm,
          typ: 'vc+sd-jwt',
          cty: 'vc',
          kid,
        })
        expect(await verifying(keys, 'sd-jwt')(body)).to.deep.equal({ problems: [], content: credential })
        const { payload } = await judge(keys, algorithm).any.verify(text(body), { currentDate: SECONDS })
        expect(payload).to.deep.equal(credential)
        expect(names(await verifying(keys, 'sd-jwt')(body, { now: later(366 * 86_400) }))).to.deep.equal([
          'expired',
        ])
      }
    })
  }

  it('nothing is said of digests where nothing is selective', async () => {
    const { body } = await sdJwt.issue({ credential: CLAIMS, key: keys.key('ES256'), now: NOW })
    expect(decodeJwt(text(body))).to.deep.equal(CLAIMS)
    expect(text(body).split('~')).to.have.length(2)
  })
})
