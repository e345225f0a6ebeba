import { createHash } from 'node:crypto'
import { Agent, request } from 'node:http'
import { expect } from 'chai'
import { extension, smallInteger } from '../../src/der/write.ts'
import { startService, type TestService } from '../support/startService.ts'
import { queryOf, replyOf } from './tsaClient.ts'

const ROUNDS = 2_000
const AT_ONCE = 16
/** Longer than any answer takes, and short enough that nobody can make the service think. */
const SLOW_MS = 5_000

const seeds = [
  queryOf({}),
  queryOf({ certReq: true, nonce: Buffer.from('0102030405060708', 'hex') }),
  queryOf({ hash: 'sha512', policy: '2.999.3161' }),
  queryOf({ extensions: [extension('1.2.3', smallInteger(1))] }),
]

/** The same octets for the same number: what fails can be asked again. */
function mutated(round: number): Buffer {
  const random = createHash('sha512')
    .update(`mutation ${String(round)}`)
    .digest()
  let query = Buffer.from(seeds[round % seeds.length] ?? Buffer.alloc(0))
  const changes = 1 + ((random[0] ?? 0) % 4)
  for (let change = 0; change < changes; change++) {
    const [kind = 0, place = 0, value = 0] = random.subarray(1 + change * 3)
    const at = place % (query.length + 1)
    const [head, tail] = [query.subarray(0, at), query.subarray(at)]
    if (kind % 6 === 0) query = Buffer.concat([head, Buffer.from([value]), tail])
    else if (kind % 6 === 1) query = Buffer.concat([head, tail.subarray(1)])
    else if (kind % 6 === 2) query = Buffer.from(head)
    else if (kind % 6 === 3) query = Buffer.concat([head, tail, tail])
    else if (at < query.length) query[at] = kind % 6 === 4 ? value : (query[at] ?? 0) ^ (1 << (value & 7))
  }
  return query
}

describe('mutated timestamp requests', function () {
  this.timeout(120_000)
  let service: TestService
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
  before(async () => {
    service = await startService()
  })
  afterEach(() => service.checkState())
  after(async () => {
    agent.destroy()
    await service.close()
  })

  const ask = (query: Buffer): Promise<{ status: number; body: Buffer; ms: number }> =>
    new Promise((resolve, reject) => {
      const began = performance.now()
      const asking = request(`${service.url}/pki/tsa`, {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/timestamp-query', 'content-length': query.length },
      })
      asking.on('error', reject)
      asking.on('response', (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(parts),
            ms: performance.now() - began,
          }),
        )
      })
      asking.end(query)
    })

  it('are each answered in the protocol, most of them with a refusal and none with a failure of ours', async () => {
    const seen = new Map<string, number>()
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < ROUNDS) {
        const round = next++
        const { status, body, ms } = await ask(mutated(round))
        const what = `round ${String(round)}: ${body.toString('hex')}`
        expect(status, what).to.equal(200)
        const { failure = 'granted' } = replyOf(body)
        expect(ms, what).to.be.lessThan(SLOW_MS)
        seen.set(failure, (seen.get(failure) ?? 0) + 1)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    expect([...seen.keys()].sort()).to.include.members(['badAlg', 'badDataFormat', 'granted'])
    expect([...seen.keys()]).to.not.include('systemFailure')
    expect(seen.get('badDataFormat')).to.be.greaterThan(ROUNDS / 2)
    expect(service.log()).to.not.include('"level":"error"')
  })
})
