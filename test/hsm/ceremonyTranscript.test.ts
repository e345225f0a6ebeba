import { expect } from 'chai'
import { judge, openToken, refusal, serviceKey, type OpenToken } from './support.ts'

describe('keys of ceremonies', () => {
  let open: OpenToken
  before(async () => {
    open = await openToken()
  })
  after(() => open.close())

  it('sign their transcripts, and nothing else', async () => {
    const { token } = open
    const key = await serviceKey(token, { keyType: 'P-256', purpose: 'ceremony' })
    const use = { flow: 'test', key, scheme: 'ecdsa-sha256' } as const
    const kid = 'k'.repeat(43)
    const header = (text: string): string => Buffer.from(text).toString('base64url')
    const good = header(`{"alg":"ES256","kid":"${kid}","typ":"intaglio-ceremony+json"}`)
    const transcript = Buffer.from(`${good}.e30`)
    const [signature = Buffer.alloc(0)] = await token.sign({ ...use, inputs: [transcript] })
    expect(judge(key.spki, 'ecdsa-sha256', { message: transcript, signature })).to.equal(true)
    for (const other of [
      `${header(`{"alg":"ES256","kid":"${kid}","typ":"intaglio-operator+jwt"}`)}.e30`,
      `${header(`{"alg":"ES256","kid":"${kid}","typ":"intaglio-ceremony+json","x":1}`)}.e30`,
      `${header(`{"alg":"none","kid":"${kid}","typ":"intaglio-ceremony+json"}`)}.e30`,
      `${header(` {"alg":"ES256","kid":"${kid}","typ":"intaglio-ceremony+json"}`)}.e30`,
      `${good}.`,
      good,
      `${good}.e30.e30`,
      `${good}.e30\n`,
      `${good}=.e30`,
      '0\u0003\u0002\u0001\u0005',
    ]) {
      const refused = await refusal(token.sign({ ...use, inputs: [Buffer.from(other)] }))
      expect(refused, other).to.deep.equal([
        'refused',
        'rule',
        "A key for 'ceremony' signs transcripts of ceremonies only.",
      ])
    }
  })
})
