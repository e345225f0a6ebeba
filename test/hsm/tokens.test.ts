import { randomBytes, randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { purposeNames } from '../../config/tokens.ts'
import { purposes } from '../../hsm/purposes.ts'
import type { Sealed, KeyRecord } from '../../hsm/records.ts'
import { Tokens, type TokenConfigShape } from '../../hsm/tokens.ts'
import { MemoryLoginGate } from '../softhsm-test-helpers/loginGate.ts'
import { MemoryLog } from '../softhsm-test-helpers/memoryLog.ts'
import { makeSoftToken, type SoftToken } from '../softhsm-test-helpers/softhsm.ts'
import { authorise, digest, forgeSeal, judge, personKey, refusal, until } from './support.ts'

const DIGEST = digest('SHA-256', 'a')

interface Opened {
  readonly tokens: Tokens
  readonly log: MemoryLog
  readonly gate: MemoryLoginGate
  readonly close: () => Promise<void>
}

async function open(configs: readonly TokenConfigShape[]): Promise<Opened> {
  const [log, gate] = [new MemoryLog(), new MemoryLoginGate()]
  const tokens = await Tokens.open({ configs, loginGate: gate, log, prepare: true })
  return { tokens, log, gate, close: () => tokens.close() }
}

const made = async (tokens: Tokens, purpose: 'ca' | 'log', serial?: string): Promise<Sealed<KeyRecord>> =>
  (await tokens.generate({ keyId: randomUUID(), ckaId: randomBytes(16), keyType: 'P-256', purpose }, serial))
    .key

describe('several tokens', () => {
  let [one, two]: SoftToken[] = []
  let opened: Opened
  let tokens: Tokens
  const soft = (it: SoftToken | undefined): SoftToken => {
    if (it === undefined) throw new Error('not made yet')
    return it
  }

  before(async () => {
    one = makeSoftToken({ label: 'one' })
    two = makeSoftToken({ label: 'two' })
    opened = await open([
      { ...one.config, name: 'one', purposes: ['ca', 'ocsp'] },
      { ...two.config, name: 'two' },
    ])
    tokens = opened.tokens
  })
  after(async () => {
    await opened.close()
    one?.remove()
    two?.remove()
  })

  const sign = (key: Sealed<KeyRecord>, message: Buffer): Promise<Buffer[]> =>
    tokens.sign({ flow: 'test', key, scheme: 'ecdsa-sha256', inputs: [message] })

  it('make keys in the first that has the purpose, and use them where they are', async () => {
    const [ca, log] = [await made(tokens, 'ca'), await made(tokens, 'log')]
    expect([ca.tokenSerial, log.tokenSerial]).to.deep.equal([one?.serial, two?.serial])
    const message = Buffer.from('3003020105', 'hex')
    for (const key of [ca, log]) {
      const [signature = Buffer.alloc(0)] = await sign(key, message)
      expect(judge(key.spki, 'ecdsa-sha256', { message, signature })).to.equal(true)
    }
    expect(await tokens.describe(log.ckaId, one?.serial)).to.equal(undefined)
    expect((await tokens.describe(log.ckaId, two?.serial))?.label).to.equal(`log ${log.keyId}`)
    expect(await tokens.destroy(log.ckaId, one?.serial)).to.equal(false)
    expect(await tokens.destroy(log.ckaId, two?.serial)).to.equal(true)
    expect((await tokens.list(one?.serial)).length + (await tokens.list(two?.serial)).length).to.equal(
      (await tokens.list()).length,
    )
  })

  it('seal and link keys each by its own secrets', async () => {
    const data = Buffer.from('x')
    const home = await tokens.mac('credential', data)
    expect(await tokens.mac('credential', data, one?.serial)).to.deep.equal(home)
    expect(await tokens.mac('credential', data, two?.serial)).not.to.deep.equal(home)
    // A record that names a token which does not hold its seal's secret is an altered one.
    const key = await made(tokens, 'log')
    const moved = { ...key, tokenSerial: one?.serial ?? '' }
    const elsewhere = { ...key, tokenSerial: 'none' }
    for (const record of [moved, elsewhere]) {
      expect(await refusal(sign(record, data))).to.deep.equal([
        'refused',
        'seal',
        'The seal of the key is broken.',
      ])
    }
    const forged = { ...elsewhere, seal: forgeSeal(soft(one), elsewhere) }
    expect(await refusal(sign(forged, data))).to.deep.equal([
      'refused',
      'key',
      'The key is in another token.',
    ])
    expect(await refusal(tokens.describe(key.ckaId, 'none'))).to.deep.equal([
      'refused',
      'key',
      'The token none is not configured.',
    ])
  })

  it('tell their health each, and together', () => {
    const { up, signers, tokens: each } = tokens.health()
    expect({ up, signers }).to.deep.equal({ up: true, signers: 4 })
    expect(each.map(({ name, up: isUp }) => [name, isUp])).to.deep.equal([
      ['one', true],
      ['two', true],
    ])
    expect(tokens.metrics().map(({ name, ready }) => [name, ready])).to.deep.equal([
      ['one', 2],
      ['two', 2],
    ])
  })

  it('of one serial number are refused: they are one', async () => {
    const config = soft(one).config
    const error = await open([config, { ...config, name: 'again' }]).catch((reason: unknown) => reason)
    expect(String(error)).to.equal(
      `Error: Two tokens have the serial number ${soft(one).serial}: it must tell them apart.`,
    )
  })

  it('are configured with the purposes of the table', () => {
    expect(purposeNames).to.have.members(Object.keys(purposes))
  })
})

describe('a token that another one seals for', () => {
  let [sealing, plain]: SoftToken[] = []
  let opened: Opened
  let tokens: Tokens

  before(async () => {
    sealing = makeSoftToken({ label: 'sealing' })
    plain = makeSoftToken({ label: 'plain', beside: sealing })
    opened = await open([
      { ...plain.config, name: 'plain', seals: 'sealing', signers: 2 },
      { ...sealing.config, name: 'sealing' },
    ])
    tokens = opened.tokens
  })
  after(async () => {
    await opened.close()
    sealing?.remove()
  })

  it('holds no secret, and signs what was sealed in the other one', async () => {
    const labels = (await tokens.list(plain?.serial)).map(({ label }) => label)
    expect(labels).to.deep.equal(['intaglio canary v1'])
    expect(tokens.serial).to.equal(sealing?.serial)
    const { token } = tokens.withSerial(plain?.serial ?? '')
    const person = await personKey(token, { keyType: 'P-256' })
    expect(person.key.tokenSerial).to.equal(plain?.serial)
    if (sealing !== undefined) expect(forgeSeal(sealing, person.key)).to.deep.equal(person.key.seal)
    const sealed = await authorise(token, person, { digests: [DIGEST] })
    const use = { flow: 'test', key: person.key, scheme: 'ecdsa-sha256', inputs: [DIGEST] } as const
    const [signature = Buffer.alloc(0)] = await tokens.sign({ ...use, authorisation: sealed })
    expect(judge(person.key.spki, 'ecdsa-sha256', { message: Buffer.from('a'), signature })).to.equal(true)
    const broken = { ...sealed, count: 2, digests: [DIGEST, DIGEST] }
    expect((await refusal(tokens.sign({ ...use, authorisation: broken })))[1]).to.equal('seal')
    // The same secrets seal for both tokens; a key is still in one of them.
    const moved = { ...person.key, tokenSerial: sealing?.serial ?? '' }
    expect((await refusal(tokens.sign({ ...use, key: moved, authorisation: sealed })))[1]).to.equal('seal')
    expect(await tokens.mac('credential', DIGEST, plain?.serial)).to.deep.equal(
      await tokens.mac('credential', DIGEST),
    )
  })

  it('logs in to both, each with permission, and comes back when a signer ends', async () => {
    const logins = opened.gate.ended.filter(({ accepted }) => accepted).map(({ serial }) => serial)
    expect(logins.filter((serial) => serial === sealing?.serial)).to.have.length(4)
    expect(logins.filter((serial) => serial === plain?.serial)).to.have.length(2)
    const victim = opened.log.lines.find(({ fields }) => fields['signer'] === 'plain-0')?.fields['pid']
    process.kill(Number(victim), 'SIGKILL')
    await until(() => tokens.health().tokens[0]?.signers === 1)
    await until(() => tokens.health().tokens[0]?.signers === 2)
    expect(tokens.health().up).to.equal(true)
  })
})

describe('a token with a verifier beside it', () => {
  it('needs one signer only, and lets nothing out while the verifier is away', async () => {
    const token = makeSoftToken()
    const judging = makeSoftToken({ label: 'judging' })
    const { module, provider, environment } = judging.config
    const config = { ...token.config, signers: 1, verifier: { module, provider, environment } }
    const { tokens, log, close } = await open([config])
    const person = await personKey(tokens.named('test')?.token ?? fail(), { keyType: 'P-384' })
    const inputs = [digest('SHA-384', 'a')]
    const sealed = await authorise(tokens.named('test')?.token ?? fail(), person, {
      digests: [...inputs, ...inputs],
      hash: 'SHA-384',
    })
    const use = { flow: 'test', key: person.key, scheme: 'ecdsa-sha384', authorisation: sealed } as const
    expect(await tokens.sign({ ...use, inputs })).to.have.length(1)
    const pid = (): number =>
      Number(log.lines.findLast(({ message }) => message === 'a verifier is ready')?.fields['pid'])
    const before = pid()
    process.kill(before, 'SIGKILL')
    // Signed at once, and let out when there is something to verify with again.
    expect(await tokens.sign({ ...use, inputs })).to.have.length(1)
    expect(pid()).not.to.equal(before)
    await close()
    token.remove()
    judging.remove()
  })

  it('is not opened with a module that verifies nothing', async () => {
    const token = makeSoftToken()
    const { module, provider } = token.config
    const verifier = { module, provider, environment: { SOFTHSM2_CONF: '/nonexistent' } }
    const error = await open([{ ...token.config, verifier }]).catch((reason: unknown) => reason)
    expect(String(error)).to.match(new RegExp(`^TokenError: The verifier '${module}' verifies nothing`))
    token.remove()
  })
})

describe('a token that shows new keys only to new processes', () => {
  it('has its other signers started again for each, one by one, and signs meanwhile', async () => {
    const token = makeSoftToken({ signers: 2 })
    // SoftHSM does not need it, and goes through it all the same.
    const { tokens, log, close } = await open([{ ...token.config, provider: 'nshield' }])
    const ready = (): number => log.lines.filter(({ message }) => message === 'a signer is ready').length
    const key = await made(tokens, 'log')
    const use = { flow: 'test', key, scheme: 'ecdsa-sha256', inputs: [DIGEST] } as const
    while (ready() < 3) expect(await tokens.sign(use)).to.have.length(1)
    expect(tokens.health().signers).to.equal(2)
    expect(await Promise.all(Array.from({ length: 20 }, () => tokens.sign(use)))).to.have.length(20)
    await close()
    token.remove()
  })
})

function fail(): never {
  throw new Error('no such token')
}
