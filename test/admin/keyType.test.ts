import { expect } from 'chai'
import { keyTypes, type KeyType } from '../../hsm/algorithms.ts'
import { keyTypeSchema } from '../../src/api/admin/keyType.ts'

const all = Object.keys(keyTypes) as KeyType[]

describe('key types that may be made', () => {
  const allowed = (profile: 'dev' | 'production') =>
    all.filter((name) => keyTypeSchema(profile, all).safeParse(name).success)

  it('are all of the table on a laptop', () => {
    expect(allowed('dev')).to.deep.equal(all)
  })

  it('are no RSA keys below 3072 bits in production', () => {
    expect(all.filter((name) => !allowed('production').includes(name))).to.deep.equal(['RSA-2048'])
    expect(keyTypeSchema('production', all).safeParse('RSA-2048').error?.issues[0]?.message).to.equal(
      'production makes RSA keys of 3072 bits or more',
    )
  })
})
