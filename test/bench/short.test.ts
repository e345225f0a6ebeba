import { expect } from 'chai'
import { arrange, type Bench } from './arrange.ts'
import { certificates } from './certificates.ts'
import { revocationLists } from './crl.ts'
import { growth } from './growth.ts'
import { statusLists } from './status.ts'

describe('what npm run bench measures, in short', function () {
  // Some twenty processes are started, one after another.
  this.timeout(300_000)
  let bench: Bench
  let said: string[]
  before(async () => {
    bench = await arrange()
  })
  beforeEach(() => {
    said = []
  })
  after(() => bench.close())

  const say = (text: string): void => void said.push(text)

  it('issues certificates over HTTP, and verifies each', async () => {
    await certificates(bench, 6, say)
    expect(said).to.have.length(1)
    expect(said[0]).to.match(
      /^\d+ certificates\/s, .* 6 certificates, each linted and audited by the service, and verified; service \d+ MB/,
    )
    await bench.service.checkState()
  })

  it('compares few certificates with many, which lie in the database as if they had been issued', async () => {
    await growth(bench, { certificates: 60, few: 30, issued: 4, seconds: 0.2, warmUp: 0.1 }, say)
    expect(said.filter((line) => line.includes('made in'))).to.have.length(2)
    const compared = /: the rate is \d+ % of what it was, processor time of one \d+ %$/
    const lines = said.slice(said.indexOf('From 30 to 60 certificates') + 1)
    expect(lines.map((line) => line.replace(compared, ''))).to.deep.equal([
      'issuing',
      'from memory, by GET',
      'with a nonce, by POST',
    ])
    await bench.service.checkState()
  })

  it('has two replicas take entries of status lists, and publishes a list of a million', async () => {
    await statusLists(bench, 200, say)
    expect(said).to.have.length(3)
    expect(said[0]).to.match(/^200 entries by two replicas: .*, 0 doubles$/)
    expect(said[1]).to.match(/ms of processor in the service, .*; 3\.0 signatures$/)
    expect(said[2]).to.match(/; 2\.0 signatures$/)
    await bench.service.checkState()
  })

  it('publishes lists of what is revoked, and says what that takes', async () => {
    await revocationLists(bench, 300, say)
    expect(said).to.have.length(5)
    expect(said[2]).to.match(
      /^the whole list, 300 entries, 0\.0 MB: .* nobody else waited longer than \d+ ms$/,
    )
  })
})
