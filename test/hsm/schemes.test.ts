import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { keyTypes, schemes, type KeyType } from '../../hsm/algorithms.ts'
import type { KeyRecord, Sealed } from '../../hsm/records.ts'
import { onEachMake } from './makes.ts'
import {
  authorise,
  digest,
  judge,
  personKey,
  refusal,
  serviceKey,
  type OpenToken,
  type PersonKey,
} from './support.ts'

const TYPES = Object.keys(keyTypes) as KeyType[]

/** Ecdsa-Sig-Value (RFC 3279, 2.2.3) from r‖s, for signatures of 128 octets and more. */
function ecdsaDer(raw: Buffer): Buffer {
  const integers = [raw.subarray(0, raw.length / 2), raw.subarray(raw.length / 2)].map((half) => {
    const digits = BigInt(`0x${half.toString('hex')}`).toString(16)
    const even = digits.length % 2 === 0 ? digits : `0${digits}`
    const value = Buffer.from(even >= '8' ? `00${even}` : even, 'hex')
    return Buffer.concat([Buffer.from([2, value.length]), value])
  })
  const body = Buffer.concat(integers)
  return Buffer.concat([Buffer.from([0x30, 0x81, body.length]), body])
}

onEachMake('every key type and scheme', (make) => {
  let open: OpenToken
  const persons = new Map<KeyType, PersonKey>()
  const services = new Map<KeyType, Sealed<KeyRecord>>()

  before(async () => {
    open = await make.open()
  })
  after(() => open.close())

  const person = async (keyType: KeyType): Promise<PersonKey> => {
    const key = persons.get(keyType) ?? (await personKey(open.token, { keyType }))
    persons.set(keyType, key)
    return key
  }
  const service = async (keyType: KeyType): Promise<Sealed<KeyRecord>> => {
    const key = services.get(keyType) ?? (await serviceKey(open.token, { keyType }))
    services.set(keyType, key)
    return key
  }

  for (const keyType of make.keyTypes) {
    for (const name of keyTypes[keyType].schemes) {
      const { hash, family } = schemes[name]
      const isSlow = make.name === 'nss' && family === 'RSA'

      it(`${keyType} signs digests with ${name}, and Node verifies it`, async () => {
        const messages = [randomBytes(100), randomBytes(1), randomBytes(100)].slice(0, isSlow ? 1 : 3)
        const inputs = messages.map((message) => (hash === undefined ? message : digest(hash.name, message)))
        const holder = await person(keyType)
        const sealed = await authorise(open.token, holder, { digests: inputs, hash: hash?.name })
        const signatures = await open.token.sign({
          flow: 'test',
          key: holder.key,
          scheme: name,
          inputs,
          authorisation: sealed,
        })
        expect(signatures).to.have.length(messages.length)
        for (const [i, message] of messages.entries()) {
          const signature = signatures[i] ?? Buffer.alloc(0)
          expect(signature).to.have.length(keyTypes[keyType].signatureLength)
          expect(judge(holder.key.spki, name, { message, signature })).to.equal(true)
        }
      })
    }

    it(`${keyType} hashes whole messages itself for a service's purpose`, async () => {
      const key = await service(keyType)
      const message = randomBytes(5_000)
      for (const name of keyTypes[keyType].schemes) {
        const inputs = [message]
        const [signature = Buffer.alloc(0)] = await open.token.sign({
          flow: 'test',
          key,
          scheme: name,
          inputs,
        })
        expect(judge(key.spki, name, { message, signature }), name).to.equal(true)
      }
    })
  }

  it('openssl, where it is installed, verifies RSA, PSS and ECDSA signatures over messages', async function () {
    if (spawnSync('openssl', ['version']).status !== 0) this.skip()
    const folder = mkdtempSync(join(tmpdir(), 'intaglio-openssl-'))
    const file = (name: string): string => join(folder, name)
    const message = Buffer.from('judged by another program')
    writeFileSync(file('message'), message)
    for (const [keyType, name, options] of [
      ['RSA-2048', 'rsa-sha512', []],
      ['RSA-2048', 'pss-sha384', ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest']],
      ['P-521', 'ecdsa-sha384', []],
    ] as const) {
      const key = await service(keyType)
      const [signature = Buffer.alloc(0)] = await open.token.sign({
        flow: 'test',
        key,
        scheme: name,
        inputs: [message],
      })
      writeFileSync(file('key'), key.spki)
      writeFileSync(file('signature'), keyType === 'P-521' ? ecdsaDer(signature) : signature)
      const hash = `-${schemes[name].hash?.node ?? ''}`
      const said = execFileSync('openssl', [
        ...['dgst', hash, '-verify', file('key'), '-keyform', 'DER', ...options],
        ...['-signature', file('signature'), file('message')],
      ])
      expect(said.toString()).to.equal('Verified OK\n')
    }
    rmSync(folder, { recursive: true })
  })

  it('refuses a scheme of another key type', async () => {
    const key = await service('P-256')
    const answer = await refusal(
      open.token.sign({ flow: 'test', key, scheme: 'rsa-sha256', inputs: [randomBytes(8)] }),
    )
    expect(answer).to.deep.equal(['refused', 'rule', 'A P-256 key does not sign with rsa-sha256.'])
  })

  it('refuses digests of another length, which tokens take without complaint', async () => {
    const holder = await person('P-256')
    for (const length of [31, 33, 64]) {
      const inputs = [randomBytes(length)]
      const sealed = await authorise(open.token, holder, { digests: undefined })
      const answer = await refusal(
        open.token.sign({
          flow: 'test',
          key: holder.key,
          scheme: 'ecdsa-sha256',
          inputs,
          authorisation: sealed,
        }),
      )
      expect(answer).to.deep.equal(['refused', 'rule', `A digest of ${length} octets is none of SHA-256.`])
    }
  })

  it('signs a thousand digests in one request, each where it belongs', async () => {
    const holder = await person('P-256')
    const messages = Array.from({ length: 1000 }, (_, i) => Buffer.from(`document ${i}`))
    const inputs = messages.map((message) => digest('SHA-256', message))
    const sealed = await authorise(open.token, holder, { digests: inputs })
    const signatures = await open.token.sign({
      flow: 'test',
      key: holder.key,
      scheme: 'ecdsa-sha256',
      inputs,
      authorisation: sealed,
    })
    for (const [i, message] of messages.entries()) {
      const signature = signatures[i] ?? Buffer.alloc(0)
      expect(judge(holder.key.spki, 'ecdsa-sha256', { message, signature })).to.equal(true)
    }
  })

  it('signs a message of five million octets, and refuses one that no frame holds', async () => {
    const key = await service('P-256')
    const message = Buffer.alloc(5_000_000, 1)
    const [signature = Buffer.alloc(0)] = await open.token.sign({
      flow: 'test',
      key,
      scheme: 'ecdsa-sha256',
      inputs: [message],
    })
    expect(judge(key.spki, 'ecdsa-sha256', { message, signature })).to.equal(true)
    const tooLong = [Buffer.alloc(9_000_000)]
    expect(
      await refusal(open.token.sign({ flow: 'test', key, scheme: 'ecdsa-sha256', inputs: tooLong })),
    ).to.deep.equal(['refused', 'rule', 'A message is longer than 7340032 octets.'])
  })

  if (make.name === 'nss') return

  it('finds by probing that SoftHSM does all of the table', async () => {
    const probe = await open.token.probe()
    expect(probe.schemes.filter(({ works }) => !works)).to.deep.equal([])
    expect(probe.schemes).to.have.length(TYPES.reduce((sum, name) => sum + keyTypes[name].schemes.length, 0))
    expect(probe.info.label).to.equal('intaglio-test')
    expect(probe.info.moduleSha256).to.match(/^[0-9a-f]{64}$/)
    expect(probe.mechanisms.map(({ mechanism }) => mechanism)).to.include(0x1041)
  })
})
