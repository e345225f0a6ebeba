import { randomBytes, randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { purposes, type Purpose } from '../../hsm/purposes.ts'
import type { AuthorisationRecord, CredentialRecord, Sealed } from '../../hsm/records.ts'
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

const A = digest('SHA-256', 'a')
const B = digest('SHA-256', 'b')
const HOUR = 60 * 60 * 1000

onEachMake('an authorisation', (make) => {
  let open: OpenToken
  let person: PersonKey

  before(async () => {
    open = await make.open()
    person = await personKey(open.token, { keyType: 'P-256' })
  })
  after(() => open.close())

  const sign = (r: Partial<SignRequest>): Promise<Buffer[]> =>
    open.token.sign({ flow: 'test', key: person.key, scheme: 'ecdsa-sha256', inputs: [A], ...r })
  const rule = (message: string): [string, string, string] => ['refused', 'rule', message]

  it('is needed for every purpose that a person activates', async () => {
    const activated = (Object.keys(purposes) as Purpose[]).filter((name) => purposes[name].activated)
    expect(activated).to.deep.equal(['signing', 'seal', 'holder'])
    for (const purpose of activated) {
      const { key } = await personKey(open.token, { keyType: 'P-256', purpose })
      expect(await refusal(sign({ key }))).to.deep.equal(
        rule(`A key for '${purpose}' signs only what its holder activated.`),
      )
    }
  })

  it('is sealed only for the right secret', async () => {
    const wrong = { ...person, stretched: randomBytes(32) }
    const record = authorisation(person.key, { digests: [A] })
    expect(await open.token.activate({ ...wrong, authorisation: record })).to.equal(undefined)
    expect(await open.token.activate({ ...person, authorisation: record })).to.have.length(32)
  })

  it('signs its digests, each as often as it was authorised', async () => {
    const sealed = await authorise(open.token, person, { digests: [A, B, A] })
    expect(await sign({ inputs: [A, A, B], authorisation: sealed })).to.have.length(3)
    expect(await refusal(sign({ inputs: [B, B], authorisation: sealed }))).to.deep.equal(
      rule('A digest was not authorised.'),
    )
    expect(await refusal(sign({ inputs: [digest('SHA-256', 'c')], authorisation: sealed }))).to.deep.equal(
      rule('A digest was not authorised.'),
    )
    expect(await refusal(sign({ inputs: [A, A, B, B], authorisation: sealed }))).to.deep.equal(
      rule('The authorisation is for fewer signatures.'),
    )
  })

  it('without digests is good for its count, over several requests', async () => {
    const solo = await make.open({ signers: 2 })
    const holder = await personKey(solo.token, { keyType: 'RSA-2048' })
    const sealed = await authorise(solo.token, holder, { digests: undefined, count: 2 })
    const one = { flow: 'test', key: holder.key, scheme: 'rsa-sha256', authorisation: sealed } as const
    const outcomes: string[] = []
    // Each signer counts for itself: with two of them, four at most get through, and never more.
    for (let i = 0; i < 8; i++) {
      outcomes.push(
        await solo.token.sign({ ...one, inputs: [digest('SHA-256', String(i))] }).then(
          () => 'signed',
          () => 'refused',
        ),
      )
    }
    expect(outcomes.filter((outcome) => outcome === 'signed').length).to.be.within(2, 4)
    expect(await refusal(solo.token.sign({ ...one, inputs: [A, A, B] }))).to.deep.equal(
      rule('The authorisation is for fewer signatures.'),
    )
    await solo.close()
  })

  it('is for one hash', async () => {
    const sealed = await authorise(open.token, person, { digests: [A] })
    const inputs = [digest('SHA-384', 'a')]
    expect(await refusal(sign({ scheme: 'ecdsa-sha384', inputs, authorisation: sealed }))).to.deep.equal(
      rule('The authorisation is for another hash.'),
    )
  })

  it('leaves the hash open only together with the digests', async () => {
    const sealed = await authorise(open.token, person, { digests: undefined, hash: undefined })
    const inputs = [digest('SHA-384', 'a')]
    expect(await sign({ scheme: 'ecdsa-sha384', inputs, authorisation: sealed })).to.have.length(1)
    const record = authorisation(person.key, { digests: [A], hash: undefined })
    expect(await refusal(open.token.activate({ ...person, authorisation: record }))).to.deep.equal(
      rule('Digests are named with their hash, and messages for Ed25519 without.'),
    )
  })

  it('expires by the signer’s clock', async () => {
    const expiresAt = Date.now() + 1_500
    const sealed = await authorise(open.token, person, { digests: [A], expiresAt })
    expect(await sign({ authorisation: sealed })).to.have.length(1)
    await new Promise((resolve) => setTimeout(resolve, expiresAt + 50 - Date.now()))
    expect(await refusal(sign({ authorisation: sealed }))).to.deep.equal(
      rule('The authorisation has expired.'),
    )
  })

  it('is not sealed for the past, for long, for too many, or with a wrong count', async () => {
    const attempt = (r: Partial<AuthorisationRecord>): Promise<unknown> =>
      refusal(
        open.token.activate({ ...person, authorisation: authorisation(person.key, { digests: [A], ...r }) }),
      )
    const late = rule('The authorisation would expire too late, or has expired.')
    expect(await attempt({ expiresAt: Date.now() - 1 })).to.deep.equal(late)
    expect(await attempt({ expiresAt: Date.now() + 3 * HOUR })).to.deep.equal(late)
    expect(await attempt({ count: 2 })).to.deep.equal(rule('The count is not that of the digests.'))
    expect(await attempt({ count: 0, digests: [] })).to.deep.equal(
      rule('0 signatures cannot be authorised at once.'),
    )
    expect(await attempt({ count: 10_001, digests: undefined })).to.deep.equal(
      rule('10001 signatures cannot be authorised at once.'),
    )
    expect(await attempt({ digests: [randomBytes(31)] })).to.deep.equal(rule('A digest is none of SHA-256.'))
    expect(await attempt({ keyId: randomUUID() })).to.deep.equal(
      rule('The authorisation is for another key.'),
    )
  })

  it('is for one key', async () => {
    const other = await personKey(open.token, { keyType: 'P-256' })
    const sealed = await authorise(open.token, person, { digests: [A] })
    // The seal covers the public key too, so it is the seal that is found broken.
    expect(await refusal(sign({ key: other.key, authorisation: sealed }))).to.deep.equal([
      'refused',
      'seal',
      'The seal of the authorisation is broken.',
    ])
    const record = authorisation(other.key, { digests: [A] })
    expect(await refusal(open.token.activate({ ...person, authorisation: record }))).to.deep.equal(
      rule('The authorisation is for another key.'),
    )
    expect(
      await refusal(open.token.activate({ ...person, key: other.key, authorisation: record })),
    ).to.deep.equal(rule('The activation is for another key.'))
  })

  it('made with a second key under the same key id does not reach the first', async () => {
    const twin = await personKey(open.token, { keyType: 'P-256', keyId: person.key.keyId })
    const sealed = await authorise(open.token, twin, { digests: [A] })
    expect(await sign({ key: twin.key, authorisation: sealed })).to.have.length(1)
    expect(await refusal(sign({ authorisation: sealed }))).to.deep.equal([
      'refused',
      'seal',
      'The seal of the authorisation is broken.',
    ])
    expect(
      await refusal(
        open.token.activate({
          key: person.key,
          activation: twin.activation,
          stretched: twin.stretched,
          authorisation: authorisation(person.key, { digests: [A] }),
        }),
      ),
    ).to.deep.equal(rule('The activation is for another key.'))
  })

  it('for a credential is used with that credential, of that key and client', async () => {
    const linked = await credential(open.token, person.key)
    const sealed = await authorise(open.token, person, { digests: [A], credential: linked })
    expect(await sign({ authorisation: sealed, credential: linked })).to.have.length(1)
    const elsewhere = rule('The authorisation is for another credential.')
    expect(await refusal(sign({ authorisation: sealed }))).to.deep.equal(elsewhere)
    const foreign = await credential(open.token, person.key)
    expect(await refusal(sign({ authorisation: sealed, credential: foreign }))).to.deep.equal(elsewhere)
    const attempt = async (
      r: Partial<CredentialRecord>,
      more: Partial<AuthorisationRecord> = {},
    ): Promise<unknown> => {
      const made = await credential(open.token, person.key, r)
      const record = authorisation(person.key, { digests: [A], credentialId: made.credentialId, ...more })
      return refusal(open.token.activate({ ...person, credential: made, authorisation: record }))
    }
    expect(await attempt({ keyId: randomUUID() })).to.deep.equal(rule('The credential is for another key.'))
    expect(await attempt({ clientId: 'client-2' })).to.deep.equal(
      rule('The credential is linked to another client.'),
    )
    expect(await attempt({}, { credentialId: '' })).to.deep.equal(elsewhere)
    expect(await attempt({ scal: 2 }, { digests: undefined })).to.deep.equal(
      rule('Under SCAL 2 an authorisation names its digests.'),
    )
    expect(await attempt({ multisign: 1 }, { digests: [A, B], count: 2 })).to.deep.equal(
      rule('2 signatures cannot be authorised at once.'),
    )
  })

  it('is not taken by a service’s own key, and never activates one', async () => {
    const key = await serviceKey(open.token, { keyType: 'P-256', purpose: 'oauth' })
    const sealed = await authorise(open.token, person, { digests: [A] })
    expect(await refusal(sign({ key, authorisation: sealed }))).to.deep.equal(
      rule("A key for 'oauth' takes no authorisation."),
    )
    const record = authorisation(key, { digests: [A] })
    expect(await refusal(open.token.activate({ ...person, key, authorisation: record }))).to.deep.equal(
      rule("A key for 'oauth' is not activated."),
    )
  })

  it('with one bit of any sealed record changed signs nothing', async () => {
    const linked = await credential(open.token, person.key)
    const sealed = await authorise(open.token, person, { digests: [A, B], credential: linked })
    const use = { authorisation: sealed, credential: linked }
    expect(await sign(use)).to.have.length(1)
    const broken = (kind: string): [string, string, string] => [
      'refused',
      'seal',
      `The seal of the ${kind} is broken.`,
    ]
    for (const key of altered(person.key)) {
      // Records of another form than any, such as of an unknown purpose, do not even reach the seal's check.
      expect(await refusal(sign({ ...use, key }))).to.deep.equal(broken('key'))
      expect(await refusal(open.token.activate({ ...person, key, authorisation: sealed }))).to.deep.equal(
        broken('key'),
      )
    }
    for (const activation of altered(person.activation)) {
      expect(
        await refusal(open.token.activate({ ...person, activation, authorisation: sealed })),
      ).to.deep.equal(broken('activation'))
    }
    for (const other of altered(linked)) {
      expect(await refusal(sign({ ...use, credential: other }))).to.deep.equal(broken('credential'))
    }
    for (const other of altered(sealed)) {
      expect(await refusal(sign({ ...use, authorisation: other }))).to.deep.equal(broken('authorisation'))
    }
  })
})

/** One copy of a record for each of its fields, with that field changed to another valid value. */
function altered<T extends Sealed<object>>(record: T): T[] {
  return Object.entries(record).map(([name, value]) => ({
    ...record,
    [name]: changed(name, value as unknown),
  }))
}

function changed(name: string, value: unknown): unknown {
  if (name === 'keyType') return 'P-384'
  if (name === 'purpose') return 'log'
  if (name === 'mode') return 'oauth2code'
  if (name === 'hash') return 'SHA-384'
  if (name === 'scal') return 1
  if (typeof value === 'number') return value + 1
  if (typeof value === 'string') return `${value}x`
  if (Array.isArray(value)) return [...(value as Buffer[])].reverse()
  const copy = Buffer.from(value as Buffer)
  copy[0] = (copy[0] ?? 0) ^ 1
  return copy
}
