import { expect } from 'chai'
import { refusal } from '../csc/client.ts'
import type { TestCredential, TestService } from '../support/startService.ts'
import { CodeClient, REDIRECT, back } from './codeClient.ts'
import { CREATION_TYPE, Creating, LIMIT } from './creating.ts'

type Members = Record<string, unknown>

describe('what no client has created', function () {
  this.timeout(60_000)
  let creating: Creating
  let service: TestService
  let client: CodeClient
  let explicit: TestCredential
  before(async () => {
    creating = await Creating.begin()
    ;({ service, client } = creating)
    explicit = await service.newCredential({ clientId: client.client.id })
  })
  afterEach(() => service.checkState())

  const wrong: readonly (readonly [string, (pin: string) => Record<string, string>, string])[] = [
    [
      'two new PINs that differ',
      (pin) => creating.typed(pin, { again: `${pin}x` }),
      'The two new PINs are not the same',
    ],
    ['a new PIN that is too short', () => creating.typed('p1q2r'), 'Choose another new PIN'],
    ['a new PIN that is a sequence', () => creating.typed('23456789'), 'Choose another new PIN'],
    [
      'a credential whose PIN the client passes on',
      (pin) => creating.typed(pin, { credential: explicit.id, pin: explicit.pin }),
      'The PIN of this credential passes through the application',
    ],
    ['no new PIN', () => ({ ...creating.typed('x-none-x'), newPin: '', again: '' }), 'Fill in every field'],
    ['no credential', (pin) => creating.typed(pin, { credential: '' }), 'Fill in every field'],
    ['another PIN', (pin) => creating.typed(pin, { pin: 'not the PIN' }), 'The number or the PIN is wrong'],
    [
      'somebody’s number',
      (pin) => creating.typed(pin, { credential: 'f'.repeat(32) }),
      'The number or the PIN is wrong',
    ],
  ]
  it('keeps the page for a holder who types something wrong, makes nothing, and takes what is right then', async () => {
    const before = await creating.rows()
    const page = await client.open(creating.asking())
    for (const [name, form, sentence] of wrong) {
      const answer = await client.answer(page, form(creating.newPin()))
      expect(answer.status, name).to.equal(400)
      expect(await answer.text(), name).to.contain(sentence)
      expect(await creating.rows(), name).to.deep.equal(before)
    }
    const again = await client.answer(page, creating.typed())
    expect(again.status).to.equal(303)
    service.keepSecret(back(again).get('code') ?? '')
  })

  it('has no key made for it while no authority issues, and is made when one does', async () => {
    const page = await client.open(creating.asking())
    await service.sql(`update certificate set state = 'planned' where profile = 'issuing'`)
    const failed = await client.answer(page, creating.typed())
    await service.sql(`update certificate set state = 'issued' where profile = 'issuing'`)
    expect(failed.status).to.equal(503)
    const { id, state } = await creating.last()
    expect(state).to.equal('ended')
    const [deleted] = await service.acts('credential.delete', `credential:${id}`)
    const key = deleted?.subjects.find((subject) => subject.startsWith('key:')) ?? ''
    expect(key).to.match(/^key:/)
    expect(await service.acts('key.generate', key)).to.deep.equal([])
    const again = await client.answer(page, creating.typed())
    expect(again.status).to.equal(303)
    service.keepSecret(back(again).get('code') ?? '')
  })

  it('is told of a no, and nothing was made', async () => {
    const before = await creating.rows()
    const answer = back(await client.answer(await client.open(creating.asking()), { answer: 'deny' }))
    expect(answer.get('error')).to.equal('access_denied')
    expect(await creating.rows()).to.deep.equal(before)
  })

  for (const [member, value] of [
    ['givenName', 'Tessa'],
    ['surname', 'tester'],
    ['issuingCountry', 'SE'],
  ] as const) {
    it(`is refused where it claims another ${member} than the person’s record has`, async () => {
      const before = await creating.rows()
      const page = await client.open(creating.asking({ subjectData: { [member]: value } }))
      const answer = back(await client.answer(page, creating.typed()))
      expect(answer.get('error')).to.equal('invalid_authorization_details')
      expect(answer.get('error_description')).to.equal('Invalid parameter subjectData')
      expect(await creating.rows()).to.deep.equal(before)
      expect(
        await creating.create(await creating.unused(), {
          credentialCreationRequest: { subjectData: { [member]: value } },
        }),
      ).to.deep.equal({ status: 400, body: refusal('Invalid parameter subjectData') })
    })
  }

  const MISSING = 'Missing (or invalid type) object parameter credentialCreationRequest'
  const bodies: readonly (readonly [string, Members, string])[] = [
    [
      'a certificatePolicy that is not issued',
      { certificatePolicy: '0.4.0.194112.1.2' },
      'certificatePolicy',
    ],
    ['a certificatePolicy that is no OID', { certificatePolicy: 'qualified' }, 'certificatePolicy'],
    ['a subjectData that is no object', { subjectData: 'Tess' }, 'subjectData'],
    ['a name that turns around', { subjectData: { surname: 'a\u202eb' } }, 'subjectData'],
  ]
  for (const [name, creation, parameter] of bodies) {
    it(`is refused with ${name}, on either way`, async () => {
      const description = `Invalid parameter ${parameter}`
      const pushed = await client.push(creating.asking(creation))
      expect(pushed).to.deep.include({
        status: 400,
        body: refusal(description, 'invalid_authorization_details'),
      })
      expect(
        await creating.create(await creating.unused(), { credentialCreationRequest: creation }),
      ).to.deep.equal({
        status: 400,
        body: refusal(description),
      })
    })
  }

  for (const [name, detail, description] of [
    ['no credentialCreationRequest', {}, MISSING],
    ['an unknown member', { credentialCreationRequest: { keyType: 'P-256' } }, 'Unknown parameter keyType'],
    [
      'an unknown claim',
      { credentialCreationRequest: { subjectData: { email: 'x' } } },
      'Unknown parameter email',
    ],
    [
      'a level of authentication',
      { credentialCreationRequest: {}, acr_values: 'high' },
      'Invalid parameter acr_values',
    ],
  ] as const) {
    it(`is refused with ${name} in its details`, async () => {
      const details = JSON.stringify([{ type: CREATION_TYPE, ...detail }])
      const error = 'invalid_authorization_details'
      const form = creating.asking(undefined, { authorization_details: details })
      expect(await client.push(form)).to.deep.include({ status: 400, body: refusal(description, error) })
    })
  }

  it('is refused where scope and details say two things', async () => {
    for (const scope of ['service', 'credential', 'credential-deletion']) {
      const { status, body } = await client.push(creating.asking({}, { scope }))
      expect({ status, body }).to.deep.equal({
        status: 400,
        body: refusal('Invalid parameter scope', 'invalid_scope'),
      })
    }
  })

  it('is refused unless an administrator lets it, which is recorded', async () => {
    const other = new CodeClient(service, await service.newClient('Other', [REDIRECT]))
    const form = { ...creating.asking(), ...other.login({ scope: 'credential-creation' }) }
    const refused = refusal('The client may not create credentials', 'unauthorized_client')
    expect(await other.push(form)).to.deep.include({ status: 400, body: refused })
    expect(back(await other.authorize(form)).get('error')).to.equal('unauthorized_client')
    await creating.limit(3, other.client.id)
    expect((await other.push(form)).status).to.equal(201)
    const [act] = await service.acts('client.creation-limit', `client:${other.client.id}`)
    expect(act?.detail).to.deep.equal({ creationLimit: 3 })
    for (const creationLimit of [-1, 101, '3', undefined]) {
      const call = { params: { id: other.client.id }, body: { creationLimit } }
      const { status } = await service.admin(
        service.operators.admin,
        'POST /clients/:id/creation-limit',
        call,
      )
      expect(status).to.equal(400)
    }
  })

  it('gets no more than one person may have, also where many ask at once', async () => {
    const count = (await creating.rows()).filter(({ state }) => state !== 'ended').length
    await creating.limit(count + 1)
    const pages = await Promise.all(Array.from({ length: 4 }, () => client.open(creating.asking())))
    const answers = await Promise.all(pages.map((page) => client.answer(page, creating.typed())))
    const told = answers.map((answer) => back(answer))
    for (const answer of told) service.keepSecret(answer.get('code') ?? 'no code came here')
    expect(told.filter((answer) => answer.has('code'))).to.have.length(1)
    const refused = told.filter((answer) => !answer.has('code'))
    expect(refused.map((answer) => [answer.get('error'), answer.get('error_description')])).to.deep.equal(
      refused.map(() => ['access_denied', 'The person has as many credentials as the client may create']),
    )
    await creating.limit(LIMIT)
  })
})
