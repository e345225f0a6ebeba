import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Duplex } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'
import {
  encodeActivation,
  encodeAuthorisation,
  encodeCredential,
  encodeKey,
  encodeSealedAuthorisation,
} from '../../hsm/codec.ts'
import { macDomains, purposes, type Purpose } from '../../hsm/purposes.ts'
import {
  canonicalAuthorisation,
  canonicalKey,
  type AuthorisationRecord,
  type Sealed,
} from '../../hsm/records.ts'
import type { SignerProcess } from '../../hsm/signerProcess.ts'
import { Writer } from '../../hsm/payload.ts'
import { MAX_FRAME, OP, type Operation } from '../../hsm/wire.ts'
import { spawnSigner, startPayload, startSigner } from './rawSigner.ts'
import {
  authorisation,
  credential,
  digest,
  openToken,
  personKey,
  refusal,
  type OpenToken,
  type PersonKey,
} from './support.ts'

const A = digest('SHA-256', 'a')
const EMPTY = Buffer.alloc(0)

describe('whoever holds the wire of a signer', () => {
  let open: OpenToken
  let signer: SignerProcess
  let person: PersonKey

  before(async () => {
    open = await openToken()
    person = await personKey(open.token, { keyType: 'P-256' })
    signer = await startSigner(open.soft)
  })
  after(async () => {
    await signer.close(2000)
    await open.close()
  })

  const sign = (
    it: PersonKey,
    sealed?: Sealed<AuthorisationRecord>,
    inputs: readonly Buffer[] = [A],
  ): Promise<Buffer> => {
    const w = new Writer().bytes(encodeKey(it.key)).text('ecdsa-sha256')
    w.optional(sealed, (record) => w.bytes(encodeSealedAuthorisation(record))).u8(0)
    return signer.request('sign', w.list(inputs).end())
  }
  const activate = (stretched: Buffer, record: AuthorisationRecord, it = person): Promise<Buffer> =>
    signer.request(
      'activate',
      new Writer()
        .bytes(encodeKey(it.key))
        .bytes(encodeActivation(it.activation))
        .u8(0)
        .bytes(stretched)
        .bytes(encodeAuthorisation(record))
        .end(),
    )
  const mac = async (domain: number, data: Buffer): Promise<Buffer> =>
    (await signer.request('mac', new Writer().u8(domain).bytes(data).end())).subarray(4)

  it('gets no signature without an activation, for any purpose that has one', async () => {
    for (const purpose of (Object.keys(purposes) as Purpose[]).filter((name) => purposes[name].activated)) {
      const other = await personKey(open.token, { keyType: 'P-256', purpose })
      expect(await refusal(sign(other))).to.deep.equal([
        'refused',
        'rule',
        `A key for '${purpose}' signs only what its holder activated.`,
      ])
    }
  })

  it('cannot make a seal of its own, by no MAC and by no guess', async () => {
    const record = authorisation(person.key, { digests: [A] })
    const contents = [
      canonicalAuthorisation(record, person.key.spki),
      Buffer.concat([Buffer.from('intaglio seal v1'), canonicalAuthorisation(record, person.key.spki)]),
    ]
    const seals = [Buffer.alloc(32), randomBytes(32), person.key.seal, person.activation.seal]
    for (const content of contents) {
      for (const domain of macDomains.keys()) seals.push(await mac(domain, content))
    }
    for (const seal of seals) {
      expect(await refusal(sign(person, { ...record, seal }))).to.deep.equal([
        'refused',
        'seal',
        'The seal of the authorisation is broken.',
      ])
    }
    // Nor may a person's key be passed off as a service's own.
    const service = { ...person.key, purpose: 'log' } as const
    for (const domain of macDomains.keys()) {
      const key = { ...service, seal: await mac(domain, canonicalKey(service)) }
      expect(await refusal(sign({ ...person, key }))).to.deep.equal([
        'refused',
        'seal',
        'The seal of the key is broken.',
      ])
    }
    const beyond = signer.request('mac', new Writer().u8(macDomains.length).bytes(A).end())
    expect(await refusal(beyond)).to.deep.equal(['refused', 'rule', 'There is no such MAC domain.'])
  })

  it('can link a credential, but not sign with it', async () => {
    const linked = await credential(open.token, person.key)
    const w = new Writer().bytes(encodeKey(person.key)).text('ecdsa-sha256').u8(0).u8(1)
    const answer = signer.request('sign', w.bytes(encodeCredential(linked)).list([A]).end())
    expect(await refusal(answer)).to.deep.equal([
      'refused',
      'rule',
      "A key for 'signing' signs only what its holder activated.",
    ])
  })

  it('may guess a secret twenty times an hour', async () => {
    const victim = await personKey(open.token, { keyType: 'P-256' })
    const record = authorisation(victim.key, { digests: [A] })
    for (let i = 0; i < 20; i++)
      expect(await activate(randomBytes(32), record, victim)).to.deep.equal(Buffer.from([0]))
    for (const stretched of [randomBytes(32), victim.stretched]) {
      expect(await refusal(activate(stretched, record, victim))).to.deep.equal([
        'refused',
        'activation',
        'Too many failed activations of this key within the hour.',
      ])
    }
    // Others are not kept out by it.
    const other = authorisation(person.key, { digests: [A] })
    expect((await activate(person.stretched, other))[0]).to.equal(1)
  })

  it('sends malformed payloads in vain', async () => {
    const operations = (Object.keys(OP) as Operation[]).filter(
      (name) => !['start', 'login', 'open'].includes(name),
    )
    for (const operation of operations) {
      for (const payload of [EMPTY, Buffer.alloc(3), Buffer.alloc(64, 0xff), randomBytes(500)]) {
        const [kind, , message] = await refusal(signer.request(operation, payload))
        expect(kind, operation).to.equal('refused')
        expect(message, operation).to.match(/^A malformed frame: /)
      }
    }
    for (const operation of ['start', 'login', 'open'] as const) {
      expect(await refusal(signer.request(operation, EMPTY))).to.deep.equal([
        'refused',
        undefined,
        'A malformed frame: no such operation now.',
      ])
    }
    const many = Array.from({ length: 17 }, () => A)
    expect(await refusal(sign(person, undefined, many))).to.deep.equal([
      'refused',
      undefined,
      'A malformed frame: a list of 17 where 16 are the most.',
    ])
    expect(signer.isDead).to.equal(false)
  })

  it('gets nothing before the login, and one login', async () => {
    const fresh = spawnSigner(open.soft)
    const early = 'A malformed frame: no such operation now.'
    expect((await refusal(fresh.request('random', new Writer().u32(1).end())))[2]).to.equal(early)
    expect((await refusal(fresh.request('login', EMPTY)))[2]).to.equal(early)
    await fresh.request('start', startPayload(open.soft))
    expect((await refusal(fresh.request('random', new Writer().u32(1).end())))[2]).to.equal(early)
    expect((await refusal(fresh.request('open', EMPTY)))[2]).to.equal(early)
    await fresh.request('login', EMPTY)
    expect((await refusal(fresh.request('login', EMPTY)))[2]).to.equal(early)
    await fresh.close(2000)
  })

  it('ends the signer with a frame of an impossible length, or by hanging up', async () => {
    for (const last of [
      Buffer.from('ffffffff0000000001', 'hex'),
      Buffer.from('000000000000000001', 'hex'),
      EMPTY,
    ]) {
      const { child, wire } = rawChild(open.soft.config.environment)
      if (last.length > 0) wire.write(last)
      else wire.end()
      const [code] = (await once(child, 'exit')) as [number | null]
      expect(code).to.equal(last.length > 0 ? 1 : 0)
    }
    expect(MAX_FRAME).to.be.lessThan(0xffffffff)
  })

  it('sees signals to the group pass, and no inspector open', async function () {
    if (process.platform === 'win32') this.skip()
    const { child, wire, errors } = rawChild(open.soft.config.environment)
    wire.write(Buffer.from('00000005000000070c', 'hex'))
    // It answers: the handlers are in place.
    await once(wire, 'data')
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) child.kill(signal)
    wire.write(Buffer.from('00000005000000080c', 'hex'))
    const [answer] = (await once(wire, 'data')) as [Buffer]
    expect(answer.readUInt32BE(4)).to.equal(8)
    expect(errors.join('')).not.to.include('Debugger')
    wire.end()
    await once(child, 'exit')
  })

  it('finds no secret in the arguments and nothing unasked in the environment', function () {
    const folder = `/proc/${String(signer.pid)}`
    if (!existsSync(folder)) this.skip()
    const words = (name: string): string[] =>
      readFileSync(`${folder}/${name}`, 'utf8').split('\0').filter(Boolean)
    expect(words('environ')).to.deep.equal([
      `SOFTHSM2_CONF=${open.soft.config.environment['SOFTHSM2_CONF'] ?? ''}`,
    ])
    expect(words('cmdline').join(' ')).not.to.include(open.soft.pin)
    expect(words('cmdline').join(' ')).not.to.include('inspect')
  })
})

function rawChild(environment: Readonly<Record<string, string>>): {
  child: ReturnType<typeof spawn>
  wire: Duplex
  errors: string[]
} {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const main = fileURLToPath(new URL('../../hsm/signer/main.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', loader, main], {
    env: { ...environment },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  const errors: string[] = []
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk.toString()))
  return { child, wire: child.stdio[3] as Duplex, errors }
}
