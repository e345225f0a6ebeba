import { expect } from 'chai'
import { Refusal } from '../../src/refusal.ts'
import { checkNewPin, combineSecrets, KDF, stretch } from '../../src/signing/secrets.ts'

describe('activation secrets', () => {
  it('stand for the same octets in any order', () => {
    expect(combineSecrets(['alpha', 'beta'])).to.deep.equal(combineSecrets(['beta', 'alpha']))
  })

  it('do not run together: ["ab","c"], ["a","bc"] and ["abc"] differ', () => {
    const sets = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', '']]
    expect(new Set(sets.map((set) => combineSecrets(set).toString('hex'))).size).to.equal(sets.length)
  })

  it('are compared after Unicode normalisation', () => {
    expect(combineSecrets(['caf\u00e9-1'])).to.deep.equal(combineSecrets(['cafe\u0301-1']))
  })

  it('are refused when one is given twice', () => {
    expect(() => combineSecrets(['a', 'a'])).to.throw(Refusal, 'The authentication data is invalid')
  })

  it('are stretched by Argon2id, to the octets that another implementation computes', async () => {
    const salt = Buffer.alloc(16, 7)
    const stretched = await stretch(['12345678'], { salt, ...KDF }, 'a')
    expect(stretched.toString('hex')).to.equal(EXPECTED)
  })

  it('leave the event loop free while many are stretched', async () => {
    let turns = 0
    const timer = setInterval(() => turns++, 2)
    await Promise.all(
      Array.from({ length: 20 }, () => stretch(['x'.repeat(9)], { salt: Buffer.alloc(16), ...KDF }, 'a')),
    )
    clearInterval(timer)
    expect(turns).to.be.greaterThan(10)
  })

  it('of one client wait for one of each other client, and are refused when too many wait, and no other client is', async () => {
    const quick = { salt: Buffer.alloc(16), memoryKiB: 64, passes: 1, lanes: 1 }
    const ended: string[] = []
    const ask = (flow: string): Promise<unknown> =>
      stretch(['secret'], quick, flow).then(
        () => ended.push(flow),
        (error: unknown) => error,
      )
    // Two run, and as many wait as one client may have.
    const greedy = Array.from({ length: 2 + 150 }, () => ask('greedy'))
    const refused = await ask('greedy')
    expect(refused).to.be.instanceOf(Refusal)
    expect(refused).to.include({ code: 'unavailable', message: 'Too many authorisations at once' })
    await Promise.all([ask('modest'), ask('modest')])
    expect(ended.filter((flow) => flow === 'greedy').length).to.be.lessThan(20)
    await Promise.all(greedy)
    expect(ended).to.have.length(2 + 150 + 2)
  })

  it('are handed on eight at a time while others wait, and all of them in the end, also beside one that fails', async () => {
    const quick = { salt: Buffer.alloc(16), memoryKiB: 64, passes: 1, lanes: 1 }
    /** How many ended in each turn of the event loop in which some did. */
    const together: number[] = []
    let now = 0
    const count = (): void => {
      if (now++ > 0) return
      setImmediate(() => {
        together.push(now)
        now = 0
      })
    }
    const ask = async (salt: Buffer): Promise<string> => {
      try {
        await stretch(['secret'], { ...quick, salt }, 'a')
        return 'made'
      } catch {
        return 'failed'
      } finally {
        count()
      }
    }
    const salts = Array.from({ length: 20 }, (_, n) => Buffer.alloc(n === 19 ? 1 : 16))
    expect(await Promise.all(salts.map(ask))).to.deep.equal([...Array<string>(19).fill('made'), 'failed'])
    await new Promise(setImmediate)
    expect(together.slice(0, 2)).to.deep.equal([8, 8])
  })

  for (const pin of ['12345', '000000', '123456', '987654', 'aaaaaaaa', 'x'.repeat(65), '']) {
    it(`refuse "${pin.slice(0, 12)}" as a new PIN`, () => {
      expect(() => checkNewPin(pin)).to.throw(Refusal)
    })
  }

  it('accept a PIN that is neither', () => {
    for (const pin of ['295716', 'correct horse', '1212121', 'Ωμέγα-9']) checkNewPin(pin)
  })
})

/** argon2-cffi 23: low_level.hash_secret_raw over combineSecrets(['12345678']), salt 07 × 16, t 2, m 19456, p 1. */
const EXPECTED = 'ed10419562bd93cc6903e2e9963763ff9c5490dade6eb9af82620eb80bfea5af'
