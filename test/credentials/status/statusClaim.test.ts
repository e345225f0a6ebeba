import { expect } from 'chai'
import { cose } from '../../../src/credentials/formats/cose.ts'
import { jwt } from '../../../src/credentials/formats/jwt.ts'
import { claimsOfCredential } from '../../../src/credentials/formats/jwtVc.ts'
import type { Cbor } from '../../../src/signing/cbor.ts'
import { LABEL, signSign1 } from '../../../src/signing/cose.ts'
import { NOW, V1, V2 } from '../credentials.ts'
import { forged, knowing, localKey } from '../keys.ts'

const key = localKey()
const reference = { status_list: { idx: 7, uri: 'https://lists.example/1' } }
const request = { now: NOW, profile: 'strict', resolve: knowing(key) } as const

describe('the claim that names a token status list', () => {
  it('is read beside a credential of version 1.1 as JWT', async () => {
    const of = (status: unknown) =>
      jwt.verify({
        ...request,
        secured: forged(key, { alg: 'ES256', kid: key.id }, { ...claimsOfCredential(V1, key), status }),
      })
    const { problems, content } = await of(reference)
    expect({ problems, status: content?.['status'] }).to.deep.equal({ problems: [], status: reference })
    expect((await of('valid')).problems).to.deep.equal([
      { name: 'malformed', detail: 'status: not an object' },
    ])
  })

  it('is read beside one of version 2.0 in COSE, from the header, if it is signed', async () => {
    const of = async (status: Cbor) => {
      const header = new Map<number, Cbor>([
        [LABEL.kid, Buffer.from(key.id)],
        [LABEL.claims, new Map([[65535, status]])],
      ])
      const secured = await signSign1(key, header, Buffer.from(JSON.stringify(V2)))
      return (await cose.verify({ ...request, secured })).content?.['status']
    }
    const list = new Map<string, Cbor>(Object.entries(reference.status_list))
    expect(await of(new Map([['status_list', list]]))).to.deep.equal(reference)
    expect(await of(new Map([['other', list]]))).to.deep.equal({ status_list: undefined })
    expect(await of('valid')).to.deep.equal({ status_list: null })
  })
})
