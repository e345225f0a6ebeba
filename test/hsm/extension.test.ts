import { randomBytes, randomUUID } from 'node:crypto'
import { expect } from 'chai'
import {
  MAX_CHAIN_MS,
  originOf,
  type AuthorisationRecord,
  type CredentialRecord,
  type Sealed,
} from '../../hsm/records.ts'
import type { SignRequest } from '../../hsm/types.ts'
import { onEachMake } from './makes.ts'
import {
  authorisation,
  authorise,
  credential,
  digest,
  personKey,
  refusal,
  serviceKey,
  type OpenToken,
  type PersonKey,
} from './support.ts'

const [A, B, C] = ['a', 'b', 'c'].map((text) => digest('SHA-256', text)) as [Buffer, Buffer, Buffer]
const MORE = 'The extension is for more than the authorisation.'
const ANOTHER = 'The extension is of another authorisation.'
const LATE = 'The extension would expire too late, or has expired.'

onEachMake('an authorisation that is extended', (make) => {
  let open: OpenToken
  let person: PersonKey

  before(async () => {
    open = await make.open({ signers: 2 })
    person = await personKey(open.token, { keyType: 'P-256' })
  })
  after(() => open.close())

  type Old = Sealed<AuthorisationRecord>
  type Linked = Sealed<CredentialRecord>
  const failed = (error: unknown): string => (error as Error).message
  const rule = (message: string): [string, string, string] => ['refused', 'rule', message]
  const sign = (r: Partial<SignRequest>): Promise<Buffer[]> =>
    open.token.sign({ flow: 'test', key: person.key, scheme: 'ecdsa-sha256', inputs: [A], ...r })
  const record = (old: Old, r: Partial<AuthorisationRecord> = {}): AuthorisationRecord => {
    const count = r.digests?.length ?? old.count
    return { ...old, authorisationId: randomUUID(), origin: originOf(old), count, ...r }
  }
  const extend = async (old: Old, r: Partial<AuthorisationRecord> = {}, linked?: Linked): Promise<Old> => {
    const extended = record(old, r)
    const { key } = person
    const seal = await open.token.extend({ key, authorisation: old, credential: linked, extended })
    return { ...extended, seal }
  }

  it('signs what is left of it, until later', async () => {
    const old = await authorise(open.token, person, { digests: [A, B, A] })
    const sealed = await extend(old, { digests: [B, A], expiresAt: old.expiresAt + 60_000 })
    expect(await sign({ authorisation: sealed, inputs: [A, B] })).to.have.length(2)
    expect(await refusal(sign({ authorisation: sealed, inputs: [A, A] }))).to.deep.equal(
      rule('A digest was not authorised.'),
    )
    const again = await extend(sealed, { digests: [B], expiresAt: sealed.expiresAt + 60_000 })
    expect(await sign({ authorisation: again, inputs: [B] })).to.have.length(1)
  })

  it('is never for more: not for another digest, nor one more often, nor a larger number', async () => {
    const old = await authorise(open.token, person, { digests: [A, B, A] })
    for (const digests of [[C], [A, B, C], [A, A, A], [B, B], [A, B, A, B], [randomBytes(31)]]) {
      expect(await refusal(extend(old, { digests }))).to.deep.equal(rule(MORE))
    }
    expect(await refusal(extend(old, { digests: [A], count: 2 }))).to.deep.equal(
      rule('The count is not that of the digests.'),
    )
    expect(await refusal(extend(old, { digests: [] }))).to.deep.equal(rule(MORE))
    const number = await authorise(open.token, person, { digests: undefined, count: 2 })
    for (const count of [3, 0]) expect(await refusal(extend(number, { count }))).to.deep.equal(rule(MORE))
    // What an extension left out does not come back.
    const part = await extend(old, { digests: [A] })
    expect(await refusal(extend(part, { digests: [A, B] }))).to.deep.equal(rule(MORE))
  })

  it('stays what it is: of one key, credential, client, hash, form and origin', async () => {
    const other = await personKey(open.token, { keyType: 'P-256' })
    const old = await authorise(open.token, person, { digests: [A, B] })
    const origin = originOf(old)
    for (const change of [
      { keyId: other.key.keyId },
      { credentialId: randomUUID() },
      { clientId: 'client-2' },
      { hash: 'SHA-384' as const },
      { hash: undefined },
      { digests: undefined, count: 1 },
      { origin: undefined },
      { origin: { ...origin, authorisationId: randomUUID() } },
      { origin: { ...origin, count: 3 } },
      { origin: { ...origin, expiresAt: origin.expiresAt + 1 } },
    ]) {
      expect(await refusal(extend(old, change)), JSON.stringify(change)).to.deep.equal(rule(ANOTHER))
    }
    const number = await authorise(open.token, person, { digests: undefined, count: 2 })
    expect(await refusal(extend(number, { digests: [A] }))).to.deep.equal(rule(ANOTHER))
    const extended = record(old)
    const asked = open.token.extend({ key: other.key, authorisation: old, extended })
    expect(await refusal(asked)).to.deep.equal([
      'refused',
      'seal',
      'The seal of the authorisation is broken.',
    ])
  })

  it('ends with its chain, however often it is extended', async () => {
    const old = await authorise(open.token, person, { digests: [A] })
    const end = old.expiresAt + MAX_CHAIN_MS
    expect(await refusal(extend(old, { expiresAt: end + 1 }))).to.deep.equal(rule(LATE))
    const last = await extend(old, { expiresAt: end })
    expect(await refusal(extend(last, { expiresAt: end + 1 }))).to.deep.equal(rule(LATE))
    expect(await refusal(extend(last, { expiresAt: Date.now() - 1 }))).to.deep.equal(rule(LATE))
    await extend(last)
  })

  it('is not extended after it expired', async () => {
    const expiresAt = Date.now() + 500
    const old = await authorise(open.token, person, { digests: [A], expiresAt })
    await new Promise((resolve) => setTimeout(resolve, expiresAt + 20 - Date.now()))
    expect(await refusal(extend(old, { expiresAt: Date.now() + 1000 }))).to.deep.equal(
      rule('The authorisation has expired.'),
    )
  })

  it('without digests is good for no more signatures over its whole chain than were activated', async () => {
    const old = await authorise(open.token, person, { digests: undefined, count: 2 })
    const chain = [old, await extend(old), await extend(old)]
    for (let i = 0; i < 3; i++) chain.push(await extend(chain.at(-1) ?? old))
    const outcomes: string[] = []
    for (const one of [...chain, ...chain]) {
      outcomes.push(await sign({ authorisation: one }).then(() => 'signed', failed))
    }
    // Each signer counts for itself, as it does without extensions: four at most, of two.
    const refused = outcomes.filter((outcome) => outcome !== 'signed')
    expect(outcomes.length - refused.length).to.be.within(2, 4)
    expect(new Set(refused)).to.deep.equal(new Set(['The authorisation is for fewer signatures.']))
  })

  it('is used with its own credential, as it was linked', async () => {
    const linked = await credential(open.token, person.key)
    const old = await authorise(open.token, person, { digests: [A, B], credential: linked })
    const sealed = await extend(old, { digests: [A] }, linked)
    expect(await sign({ authorisation: sealed, credential: linked })).to.have.length(1)
    const elsewhere = rule('The authorisation is for another credential.')
    expect(await refusal(extend(old))).to.deep.equal(elsewhere)
    expect(await refusal(extend(old, {}, await credential(open.token, person.key)))).to.deep.equal(elsewhere)
    const { credentialId } = linked
    const moved = await credential(open.token, person.key, { credentialId, clientId: 'client-2' })
    expect(await refusal(extend(old, {}, moved))).to.deep.equal(
      rule('The credential is linked to another client.'),
    )
  })

  it('is refused with any of its fields changed, and as if it had been activated', async () => {
    const old = await authorise(open.token, person, { digests: [A] })
    const sealed = await extend(old)
    const origin = originOf(sealed)
    const altered: Old[] = [
      { ...sealed, origin: undefined },
      { ...sealed, authorisationId: old.authorisationId },
      { ...sealed, expiresAt: sealed.expiresAt + 1 },
      { ...sealed, origin: { ...origin, authorisationId: randomUUID() } },
      { ...sealed, origin: { ...origin, count: 2 } },
      { ...sealed, origin: { ...origin, expiresAt: origin.expiresAt + 1 } },
      { ...old, origin },
    ]
    const broken = ['refused', 'seal', 'The seal of the authorisation is broken.']
    for (const one of altered) {
      expect(await refusal(sign({ authorisation: one }))).to.deep.equal(broken)
      expect(await refusal(extend(one))).to.deep.equal(broken)
    }
    const activated = { ...authorisation(person.key, { digests: [A] }), origin }
    expect(await refusal(open.token.activate({ ...person, authorisation: activated }))).to.deep.equal(
      rule('What is activated extends nothing.'),
    )
  })

  it("is never of a service's own key", async () => {
    const key = await serviceKey(open.token, { keyType: 'P-256' })
    const old = { ...authorisation(key, { digests: [A] }), seal: randomBytes(32) }
    const extended = record(old)
    expect(await refusal(open.token.extend({ key, authorisation: old, extended }))).to.deep.equal([
      'refused',
      'seal',
      'The seal of the authorisation is broken.',
    ])
  })
})
