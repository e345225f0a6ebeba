import { expect } from 'chai'
import type { Format, JsonObject } from '../../src/credentials/formats/format.ts'
import { formats } from '../../src/credentials/formats/index.ts'
import { signJws } from '../../src/signing/jws.ts'
import { refused } from './credentials.ts'
import { CONTROLLER, knowing, localKey } from './keys.ts'

const V2 = 'https://www.w3.org/ns/credentials/v2'
const NOW = new Date('2026-03-01T12:00:00Z')
const key = localKey()
const credential = {
  '@context': [V2],
  type: ['VerifiableCredential'],
  issuer: CONTROLLER,
  credentialSubject: { id: 'did:example:s' },
}
const presentation = { '@context': [V2], type: ['VerifiablePresentation'], holder: CONTROLLER }

const format = (name: Format['name']): Format => {
  const row = formats[name]
  if (row === undefined) throw new Error(`no format ${name}`)
  return row
}
const problems = async (typ: string, document: JsonObject): Promise<string[]> => {
  const secured = await signJws(key, { typ, kid: key.id }, document)
  const asked = { secured, now: NOW, profile: 'strict', resolve: knowing(key) } as const
  return (await format('jwt').verify(asked)).problems.map(({ name }) => name)
}

describe('the data model holds in every format', () => {
  for (const name of ['jwt', 'cose'] as const) {
    it(`${name}: for a credential with a member vct, which is a member like others`, async () => {
      const bad = { ...credential, vct: 'https://types.example/degree', credentialSubject: {} }
      expect(await refused(format(name).issue({ credential: bad, key, now: NOW }))).to.equal(
        'invalid_request: credentialSubject claims nothing',
      )
    })

    it(`${name}: for a presentation that is made`, async () => {
      const make = (more: object): Promise<unknown> | undefined =>
        format(name).present?.({ presentation: { ...presentation, ...more }, key, now: NOW })
      const rows: readonly (readonly [object, string])[] = [
        [{ type: ['VerifiableCredential'] }, 'type lacks VerifiablePresentation'],
        [{ type: undefined }, 'type is missing'],
        [{ id: 'no URL' }, 'id is no URL'],
        [{ holder: { name: 'nobody' } }, 'holder has no id that is a URL'],
      ]
      for (const [more, detail] of rows)
        expect(await refused(make(more)), detail).to.equal(`invalid_request: ${detail}`)
      expect(await make({})).to.have.property('mediaType')
    })
  }

  it('jwt: for a credential and a presentation of others', async () => {
    expect(await problems('vc+jwt', { ...credential, vct: 'x' })).to.deep.equal([])
    expect(await problems('vc+jwt', { ...credential, vct: 'x', credentialSubject: {} })).to.deep.equal([
      'invalid-subject',
    ])
    expect(await problems('vp+jwt', presentation)).to.deep.equal([])
    expect(await problems('vp+jwt', { ...presentation, holder: { name: 'nobody' } })).to.deep.equal([
      'invalid-holder',
    ])
    expect(await problems('vp+jwt', { ...presentation, id: 'no URL' })).to.deep.equal(['invalid-id'])
  })
})
