import { randomBytes, randomUUID } from 'node:crypto'
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
  MAX_CHAIN_MS,
  originOf,
  type AuthorisationRecord,
  type Sealed,
} from '../../hsm/records.ts'
import { Forgotten } from '../../hsm/errors.ts'
import { nameOf, writeWhole } from '../../hsm/sealedOctets.ts'
import type { SignerProcess } from '../../hsm/signerProcess.ts'
import { Writer } from '../../hsm/payload.ts'
import { OP, type Operation } from '../../hsm/wire.ts'
import { spawnSigner, startPayload, startSigner } from './rawSigner.ts'
import {
  authorisation,
  credential,
  digest,
  failure,
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
    const w = writeWhole(new Writer(), encodeKey(it.key)).text('ecdsa-sha256')
    w.optional(sealed, (record) => writeWhole(w, encodeSealedAuthorisation(record))).u8(0)
    return signer.request('sign', w.list(inputs).end())
  }
  const signNamed = (key: Buffer, sealed: Buffer): Promise<Buffer> => {
    const w = new Writer()
    for (const [i, octets] of [key, sealed].entries()) {
      w.u8(1).bytes(Buffer.from(nameOf(octets), 'latin1'))
      if (i === 0) w.text('ecdsa-sha256').u8(1)
    }
    return signer.request('sign', w.u8(0).list([A]).end())
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
    const w = writeWhole(new Writer(), encodeKey(person.key)).text('ecdsa-sha256').u8(0).u8(1)
    const answer = signer.request('sign', writeWhole(w, encodeCredential(linked)).list([A]).end())
    expect(await refusal(answer)).to.deep.equal([
      'refused',
      'rule',
      "A key for 'signing' signs only what its holder activated.",
    ])
  })

  it('can name a record that the signer found good, for what it was found good for', async () => {
    const other = await personKey(open.token, { keyType: 'P-256' })
    // For two: one that is used up by the first request is not remembered.
    const record = authorisation(person.key, { digests: [A, A] })
    const seal = (await activate(person.stretched, record)).subarray(5)
    const sealed = encodeSealedAuthorisation({ ...record, seal })
    const key = encodeKey(person.key)
    const forgotten = async (...named: [Buffer, Buffer]): Promise<void> => {
      const error = await failure(signNamed(...named))
      expect(error, error.message).to.be.instanceOf(Forgotten)
    }
    await forgotten(key, sealed)
    expect(await sign(person, { ...record, seal })).to.have.length(72)
    expect(await signNamed(key, sealed)).to.have.length(72)
    // Another key's authorisation, a key as an authorisation and the other way round, an altered record.
    await refusal(sign(other, { ...record, seal }))
    await forgotten(encodeKey(other.key), sealed)
    await forgotten(key, key)
    await forgotten(sealed, sealed)
    await forgotten(key, encodeSealedAuthorisation({ ...record, seal, count: 3 }))
    // Others came, and it had to go.
    for (let i = 0; i < 50; i++) {
      const many = authorisation(person.key, { digests: Array.from({ length: 10_000 }, () => A) })
      const large = { ...many, seal: (await activate(person.stretched, many)).subarray(5) }
      await sign(person, large)
    }
    await forgotten(key, sealed)
    expect(await sign(person, { ...record, seal })).to.have.length(72)
    expect(await signNamed(key, sealed)).to.have.length(72)
  })

  it('can extend what was activated, and by that sign nothing else and no more', async () => {
    const extended = (old: AuthorisationRecord, more: Partial<AuthorisationRecord>): AuthorisationRecord => ({
      ...old,
      authorisationId: randomUUID(),
      origin: originOf(old),
      ...more,
    })
    const extend = (sealed: Sealed<AuthorisationRecord>, record: AuthorisationRecord): Promise<Buffer> => {
      const w = new Writer().bytes(encodeKey(person.key)).bytes(encodeSealedAuthorisation(sealed)).u8(0)
      return signer.request('extend', w.bytes(encodeAuthorisation(record)).end())
    }
    const activated = async (record: AuthorisationRecord): Promise<Sealed<AuthorisationRecord>> => ({
      ...record,
      seal: (await activate(person.stretched, record)).subarray(5),
    })
    const B = digest('SHA-256', 'b')
    const named = await activated(authorisation(person.key, { digests: [A] }))
    const number = await activated(authorisation(person.key, { digests: undefined, count: 2 }))
    const wider = [
      [named, { digests: [B] }],
      [named, { digests: [A, A], count: 2 }],
      [named, { expiresAt: named.expiresAt + MAX_CHAIN_MS + 1 }],
      [named, { clientId: 'client-2' }],
      [named, { digests: undefined }],
      [number, { count: 3 }],
      [number, { count: 3, origin: { ...originOf(number), count: 3 } }],
      [number, { origin: { ...originOf(number), authorisationId: randomUUID() } }],
      [number, { digests: [B], count: 1 }],
    ] as const
    for (const [old, more] of wider) {
      const [kind, reason] = await refusal(extend(old, extended(old, more)))
      expect([kind, reason], JSON.stringify(more)).to.deep.equal(['refused', 'rule'])
    }
    // Nor can it extend what nobody sealed, or take an extension's seal for anything else.
    const forged = { ...named, digests: [B] }
    expect((await refusal(extend(forged, extended(forged, {}))))[1]).to.equal('seal')
    const longer = extended(named, { expiresAt: named.expiresAt + 60_000 })
    const seal = (await extend(named, longer)).subarray(4)
    expect((await sign(person, { ...longer, seal })).length).to.equal(72)
    expect((await refusal(sign(person, { ...longer, seal, digests: [B] }, [B])))[1]).to.equal('seal')
    // A number is counted over all that it is extended to.
    const chain = [number]
    for (let i = 0; i < 5; i++) {
      const next = extended(number, {})
      chain.push({ ...next, seal: (await extend(number, next)).subarray(4) })
    }
    const outcomes = []
    for (const one of chain)
      outcomes.push(
        await sign(person, one, [B]).then(
          () => 1,
          () => 0,
        ),
      )
    expect(outcomes).to.deep.equal([1, 1, 0, 0, 0, 0])
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
})
