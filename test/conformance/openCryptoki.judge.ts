import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { keyTypes, schemes } from '../../hsm/algorithms.ts'
import { Token } from '../../hsm/token.ts'
import { Database } from '../../src/db/database.ts'
import { TokenLogins } from '../../src/db/tokenLogin.ts'
import { authorise, digest, judge as isGood, openToken, personKey, serviceKey } from '../hsm/support.ts'
import { MemoryLog } from '../softhsm-test-helpers/memoryLog.ts'
import type { SoftToken } from '../softhsm-test-helpers/softhsm.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { judge } from './judge.ts'
import { makeOckToken, probeOck } from './ockToken.ts'

const COUNT_LOW = 0x10000
const FINAL_TRY = 0x20000
const LOCKED = 0x40000

judge('openCryptoki’s soft token', probeOck, (tally) => {
  let soft: SoftToken
  let database: TestDatabase
  let db: Database

  before(async () => {
    soft = await makeOckToken()
    database = await createTestDatabase()
    db = new Database({ url: database.url, connections: 4, onError: () => undefined })
  })
  after(async () => {
    await db.close()
    await database.drop()
    soft.remove()
  })

  it('makes RSA keys that sign by every scheme, and has no elliptic curves', async () => {
    const { token } = await openToken({ soft })
    const person = await personKey(token, { keyType: 'RSA-2048' })
    const message = Buffer.from('judged by another token')
    for (const scheme of keyTypes['RSA-2048'].schemes) {
      const hash = schemes[scheme].hash?.name ?? 'SHA-256'
      const inputs = [digest(hash, message)]
      const authorisation = await authorise(token, person, { digests: inputs, hash })
      const use = { flow: 'test', key: person.key, scheme, inputs, authorisation } as const
      const [signature = Buffer.alloc(0)] = await token.sign(use)
      expect(isGood(person.key.spki, scheme, { message, signature }), scheme).to.equal(true)
      tally.add('signatures')
    }
    const curve = await serviceKey(token, { keyType: 'P-256' }).catch((error: unknown) => error)
    expect(String(curve)).to.match(/^TokenError: /)
    const listed = await token.list()
    expect(listed.map(({ label }) => label)).to.include(`signing ${person.key.keyId}`)
    await token.close()
  })

  it('sees one login with a wrong PIN, from two replicas of two signers and three restarts, and never locks', async () => {
    const flags = (): number => Number(soft.tool({ do: 'flags' })['flags'])
    expect(flags() & (COUNT_LOW | FINAL_TRY | LOCKED)).to.equal(0)
    const { file } = soft.config.pin
    writeFileSync(file, '00000000')
    const attempt = (version: number): Promise<Token> =>
      Token.open({
        config: { ...soft.config, pin: { ...soft.config.pin, version } },
        loginGate: new TokenLogins(db, randomUUID()),
        log: new MemoryLog(),
        prepare: false,
      })
    for (let start = 1; start <= 4; start++) {
      for (const { status } of await Promise.allSettled([attempt(2), attempt(2)])) {
        expect(status).to.equal('rejected')
        tally.add('openings with a wrong PIN')
      }
      expect(flags() & (COUNT_LOW | FINAL_TRY | LOCKED), `start ${start}`).to.equal(COUNT_LOW)
    }
    // The right PIN under a new version opens it, although the count is low.
    writeFileSync(file, soft.pin)
    await (await attempt(3)).close()
    expect(flags() & (COUNT_LOW | FINAL_TRY | LOCKED)).to.equal(0)
  }).timeout(120_000)
})
