import { createECDH, randomBytes, randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { keyTypes } from '../../hsm/algorithms.ts'
import { providers } from '../../hsm/providers.ts'
import { canaryLabel, serviceSecrets } from '../../hsm/purposes.ts'
import type { KeyRecord } from '../../hsm/records.ts'
import type { Token } from '../../hsm/token.ts'
import { onEachMake } from './makes.ts'
import { forgeSeal, judge, publicKey, refusal, serviceKey, type OpenToken } from './support.ts'

const SAFE = {
  token: true,
  private: true,
  sensitive: true,
  extractable: false,
  alwaysSensitive: true,
  neverExtractable: true,
  local: true,
  modifiable: false,
  sign: true,
  signRecover: false,
  decrypt: false,
  unwrap: false,
  derive: false,
  alwaysAuthenticate: false,
}
const MECHANISMS: Record<string, number[]> = { EC: [0x1041], RSA: [0x1, 0xd], Ed25519: [0x1057] }

onEachMake('keys of the token', (make) => {
  const row = providers[make.name]
  let open: OpenToken
  let token: Token

  before(async () => {
    open = await make.open()
    token = open.token
  })
  after(() => open.close())

  for (const keyType of make.keyTypes.filter((name) => keyTypes[name].bits <= 2048)) {
    it(`of type ${keyType} sign and do nothing else, as read back from the token`, async () => {
      const ckaId = randomBytes(16)
      const keyId = randomUUID()
      const made = await token.generate({ keyId, ckaId, keyType, purpose: 'log' })
      expect(made.attributes).to.deep.equal({
        class: 'private',
        ckaId,
        label: `log ${keyId}`,
        keyType,
        spki: made.key.spki,
        // NSS does not tell of ALWAYS_AUTHENTICATE.
        flags: { ...SAFE, local: row.local, alwaysAuthenticate: make.name === 'nss' ? undefined : false },
        allowedMechanisms: row.allowedMechanisms ? MECHANISMS[keyTypes[keyType].family] : undefined,
      })
      expect(await token.describe(ckaId)).to.deep.equal(made.attributes)
      expect(publicKey(made.key.spki).export({ format: 'der', type: 'spki' })).to.deep.equal(made.key.spki)
    })
  }

  it('are not made under an id that the token has', async () => {
    const { ckaId } = await serviceKey(token, { keyType: 'P-256' })
    const again = token.generate({ keyId: randomUUID(), ckaId, keyType: 'P-256', purpose: 'log' })
    expect(await refusal(again)).to.deep.equal([
      'refused',
      'key',
      'The token has an object under this id already.',
    ])
  })

  it('are made with an activation exactly if their purpose wants one', async () => {
    const plain = { keyId: randomUUID(), ckaId: randomBytes(16), keyType: 'P-256' } as const
    expect(await refusal(token.generate({ ...plain, purpose: 'signing' }))).to.deep.equal([
      'refused',
      'rule',
      "A key for 'signing' is made with activation.",
    ])
    const cost = { memoryKiB: 1, passes: 1, lanes: 1, secrets: 1 }
    const activation = { salt: randomBytes(16), ...cost, stretched: randomBytes(32) }
    expect(await refusal(token.generate({ ...plain, purpose: 'ca', activation }))).to.deep.equal([
      'refused',
      'rule',
      "A key for 'ca' is made without activation.",
    ])
    for (const length of [0, 7, 33]) {
      const odd = { ...plain, ckaId: randomBytes(length), purpose: 'log' } as const
      expect(await refusal(token.generate(odd))).to.deep.equal([
        'refused',
        'rule',
        `A CKA_ID of ${length} octets.`,
      ])
    }
  })

  it('are destroyed with both halves, and then not there', async () => {
    const key = await serviceKey(token, { keyType: 'P-256' })
    const use = { flow: 'test', key, scheme: 'ecdsa-sha256', inputs: [Buffer.from('x')] } as const
    // Every signer has its handle.
    await Promise.all(Array.from({ length: 8 }, () => token.sign(use)))
    expect(await token.destroy(key.ckaId)).to.equal(true)
    expect(await token.destroy(key.ckaId)).to.equal(false)
    expect(await token.describe(key.ckaId)).to.equal(undefined)
    for (let i = 0; i < 4; i++) {
      expect(await refusal(token.sign(use))).to.deep.equal(['refused', 'key', 'The token has no such key.'])
    }
    expect(token.health().signers).to.equal(2)
  })

  it('are used by every signer right after they were made', async () => {
    for (let i = 0; i < 5; i++) {
      const key = await serviceKey(token, { keyType: 'P-256' })
      const message = Buffer.from(`fresh ${i}`)
      const use = { flow: 'test', key, scheme: 'ecdsa-sha256', inputs: [message] } as const
      const all = await Promise.all(Array.from({ length: 40 }, () => token.sign(use)))
      for (const [signature = Buffer.alloc(0)] of all) {
        expect(judge(key.spki, 'ecdsa-sha256', { message, signature })).to.equal(true)
      }
    }
  })

  it('do not include the service secrets and the canary when it comes to destroying', async () => {
    const kept = (await token.list()).filter(({ label }) =>
      [canaryLabel, ...Object.values(serviceSecrets)].includes(label),
    )
    expect(kept.map(({ label }) => label).toSorted()).to.deep.equal([
      'intaglio canary v1',
      'intaglio mac v1',
      'intaglio pepper v1',
      'intaglio seal v1',
    ])
    for (const { ckaId, flags } of kept) {
      expect(flags).to.include({
        sensitive: true,
        extractable: false,
        neverExtractable: true,
        local: row.local,
      })
      expect(await refusal(token.destroy(ckaId))).to.deep.equal([
        'refused',
        'rule',
        'The service secrets and the canary key are not destroyed.',
      ])
    }
    expect(await refusal(token.destroy(Buffer.alloc(0)))).to.deep.equal([
      'refused',
      'rule',
      'The service secrets and the canary key are not destroyed.',
    ])
  })

  it('are listed page by page, also while others are made', async () => {
    const before = (await token.list()).length
    const made: KeyRecord[] = []
    for (let batch = 0; batch < 4; batch++) {
      const ten = Array.from({ length: 10 }, () => serviceKey(token, { keyType: 'P-256' }))
      made.push(...(await Promise.all(ten)))
    }
    const [first, second] = await Promise.all([token.list(), token.list()])
    expect(first).to.have.length(before + 40)
    expect(second).to.deep.equal(first)
    const ids = first.map(({ ckaId }) => ckaId.toString('hex'))
    expect(ids).to.include.members(made.map(({ ckaId }) => ckaId.toString('hex')))
  })

  it('under the id of another key do not sign', async () => {
    const [one, other] = [
      await serviceKey(token, { keyType: 'P-256' }),
      await serviceKey(token, { keyType: 'P-256' }),
    ]
    // Whoever only writes rows cannot even say so: the seal covers the id.
    const swapped = { ...one, ckaId: other.ckaId }
    const use = { flow: 'test', scheme: 'ecdsa-sha256', inputs: [Buffer.from('x')] } as const
    expect(await refusal(token.sign({ ...use, key: swapped }))).to.deep.equal([
      'refused',
      'seal',
      'The seal of the key is broken.',
    ])
    // Whoever knows the PIN can seal it, and still finds the public key compared.
    const sealed = { ...swapped, seal: forgeSeal(open.soft, swapped) }
    expect(await refusal(token.sign({ ...use, key: sealed }))).to.deep.equal([
      'refused',
      'key',
      'The token holds another key under this id.',
    ])
  })

  it('that were imported do not sign, even with a seal', async () => {
    const ecdh = createECDH('prime256v1')
    const point = ecdh.generateKeys()
    const ckaId = randomBytes(16)
    open.soft.tool({
      do: 'import',
      pin: open.soft.pin,
      ckaId: ckaId.toString('hex'),
      label: 'log imported',
      scalar: ecdh.getPrivateKey('hex').padStart(64, '0'),
      point: point.toString('hex'),
    })
    const spki = Buffer.concat([
      Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'),
      point,
    ])
    const described = await token.describe(ckaId)
    expect(described?.flags).to.include({ local: false, alwaysSensitive: false, neverExtractable: false })
    expect(described?.spki).to.deep.equal(spki)
    const record = {
      ckaId,
      spki,
      keyId: randomUUID(),
      keyType: 'P-256',
      purpose: 'log',
      tokenSerial: token.serial,
    } as const
    const key = { ...record, seal: forgeSeal(open.soft, record) }
    const use = { flow: 'test', scheme: 'ecdsa-sha256', inputs: [Buffer.from('x')], key } as const
    expect(await refusal(token.sign(use))).to.deep.equal([
      'refused',
      'key',
      'The key is not one that this service made: alwaysSensitive.',
    ])
  })

  for (const [purpose, structure, good, bad] of [
    ['ca', 'SEQUENCE', '30', '31'],
    ['tsu', 'SET', '31', '30'],
  ] as const) {
    it(`for '${purpose}' sign DER ${structure}s and nothing else`, async () => {
      const key = await serviceKey(token, { keyType: 'P-256', purpose })
      const use = { flow: 'test', key, scheme: 'ecdsa-sha256', inputs: [Buffer.alloc(0)] } as const
      const message = Buffer.from(`${good}03020105`, 'hex')
      const [signature = Buffer.alloc(0)] = await token.sign({ ...use, inputs: [message] })
      expect(judge(key.spki, 'ecdsa-sha256', { message, signature })).to.equal(true)
      const others = ['80020100', '030201', '0302010500', '8103020105'].map((rest) => `${good}${rest}`)
      for (const other of [...others, `${bad}03020105`, 'a003020105', '7b7d', '30']) {
        expect(
          await refusal(token.sign({ ...use, inputs: [Buffer.from(other, 'hex')] })),
          other,
        ).to.deep.equal(['refused', 'rule', `A key for '${purpose}' signs DER ${structure}s only.`])
      }
      expect(await refusal(token.sign(use))).to.include('An input is empty.')
    })
  }

  it('for notifications sign what an HTTP message is signed by, and nothing else', async () => {
    const key = await serviceKey(token, { keyType: 'P-256', purpose: 'notification' })
    const use = { flow: 'test', key, scheme: 'ecdsa-sha256' } as const
    const parameters = '"@signature-params": ("@method");created=1618884473;keyid="x"'
    const base = Buffer.from(`"@method": POST\n${parameters}`)
    const [signature = Buffer.alloc(0)] = await token.sign({ ...use, inputs: [base] })
    expect(judge(key.spki, 'ecdsa-sha256', { message: base, signature })).to.equal(true)
    for (const other of [
      'eyJhbGciOiJFUzI1NiJ9.e30',
      '{"a": ("@method")}',
      '"@method": POST',
      `${parameters}\n"@method": POST`,
      `${parameters}\n${parameters}`,
      `"@method": POST\n\n${parameters}`,
      `"@method": POST\r\n${parameters}`,
      `POST\n${parameters}`,
      `${parameters}\n`,
      '0\u0003\u0002\u0001\u0005',
    ]) {
      const refused = await refusal(token.sign({ ...use, inputs: [Buffer.from(other)] }))
      expect(refused, other).to.deep.equal([
        'refused',
        'rule',
        "A key for 'notification' signs HTTP signature bases only.",
      ])
    }
  })

  it('of another token are refused by name', async () => {
    const record = await serviceKey(token, { keyType: 'P-256' })
    const foreign = { ...record, tokenSerial: 'another' }
    const key = { ...foreign, seal: forgeSeal(open.soft, foreign) }
    const use = { flow: 'test', scheme: 'ecdsa-sha256', inputs: [Buffer.from('x')], key } as const
    expect(await refusal(token.sign(use))).to.deep.equal(['refused', 'key', 'The key is in another token.'])
  })

  it('make MACs that differ by domain and repeat otherwise, and random octets that do not', async () => {
    const data = Buffer.from('client-1')
    const mac = await token.mac('client-secret', data)
    expect(mac).to.have.length(32)
    expect(await token.mac('client-secret', data)).to.deep.equal(mac)
    expect(await token.mac('totp-seed', data)).not.to.deep.equal(mac)
    expect(await token.mac('client-secret', Buffer.from('client-2'))).not.to.deep.equal(mac)
    const [one, two] = [await token.random(4096), await token.random(4096)]
    expect(one).to.have.length(4096)
    expect(one.equals(two)).to.equal(false)
    expect(await refusal(token.random(4097))).to.deep.equal([
      'refused',
      'rule',
      'Random octets come by 1 to 4096.',
    ])
    expect(await refusal(token.random(0))).to.deep.equal([
      'refused',
      'rule',
      'Random octets come by 1 to 4096.',
    ])
  })
})
