import { expect } from 'chai'
import { createHash } from 'node:crypto'
import { ConfigError } from '../../config/load.ts'
import { newIdentity, publicHalf } from '../../src/api/admin/identity.ts'
import { Database } from '../../src/db/database.ts'
import { enterOperators } from '../../src/enterOperators.ts'
import { selfSigned, type Issued } from '../support/authority.ts'
import { intaglio } from '../support/cli.ts'
import { createTestDatabase } from '../support/database.ts'
import type { HttpsAnswer } from '../support/https.ts'
import type { TestService } from '../support/startService.ts'
import { Doors, problem } from './doors.ts'

describe('client certificates', () => {
  let doors: Doors
  let service: TestService
  let officers: { known: Issued; other: Issued }

  before(async () => {
    doors = await Doors.open()
    service = doors.service
    officers = {
      known: await doors.operators.issue({ name: 'officer' }),
      other: await doors.operators.issue({ name: 'other' }),
    }
  })
  afterEach(() => service.checkState())
  after(() => doors.close())

  const INVALID_CLIENT = { error: 'invalid_client', error_description: 'client authentication failed' }
  const INVALID_TOKEN = { error: 'invalid_token', error_description: 'The access token is invalid' }

  describe('of operators', () => {
    const refusal = problem(401, 'Unauthorized', 'The signature is not that of an operator of this service.')
    const ask = (
      shows: Issued,
      identity = service.operators.officer,
    ): Promise<{ status: number; body: unknown }> =>
      doors.call({ base: doors.admin, identity, path: '/clients', through: doors.calling(shows) })

    it('let them in by both, their own signature and their own certificate', async () => {
      expect((await ask(officers.known)).status).to.equal(401)
      const made = await doors.register('operators', await doors.operatorId('officer'), officers.known)
      expect(made.status).to.equal(201)
      expect((await ask(officers.known)).status).to.equal(200)
    })

    it('are refused as a wrong signature is, where they are another operator’s or nobody’s', async () => {
      for (const [shows, identity] of [
        [officers.other, service.operators.officer],
        [officers.known, service.operators.auditor],
      ] as const) {
        const { status, body } = await ask(shows, identity)
        expect({ status, body }).to.deep.equal({ status: 401, body: refusal })
      }
    })

    it('do not stand for a signature', async () => {
      const { status } = await doors.calling(officers.known).send(`${doors.admin}/admin/v1/clients`)
      expect(status).to.equal(401)
    })

    it('are required in the handshake, from the authority that is believed', async () => {
      expect(await doors.calling().failure(`${doors.admin}/admin/v1/clients`)).to.match(
        /certificate required|ECONNRESET/,
      )
      const stranger = doors.calling(await selfSigned({ name: 'officer', keys: officers.known.keys }))
      expect(await stranger.failure(`${doors.admin}/admin/v1/clients`)).to.match(/alert|ECONNRESET/)
      const ended = doors.calling(
        await doors.operators.issue({ name: 'officer', keys: officers.known.keys, begins: -9, ends: -1 }),
      )
      expect(await ended.failure(`${doors.admin}/admin/v1/clients`)).to.match(/alert|ECONNRESET/)
    })

    it('are shown by the command line, which needs no more than files', async () => {
      const key = { ...service.operators.officer, url: doors.admin }
      const own = doors.files.pair('officer', officers.known)
      const env = {
        INTAGLIO_OPERATOR: doors.files.write('officer.json', JSON.stringify(key)),
        INTAGLIO_CA: doors.files.write('server-ca.crt', doors.server.pem),
        INTAGLIO_CERTIFICATE: own.certificate,
      }
      const id = await doors.operatorId('officer')
      const args = ['operator', 'certificate', 'list', id, '--json']
      const listed = await intaglio(args, { env: { ...env, INTAGLIO_KEY: own.key } })
      expect(listed.code, listed.err).to.equal(0)
      expect((JSON.parse(listed.out) as { items: unknown[] }).items).to.have.length(1)
      const half = await intaglio(args, { env })
      expect(half).to.include({
        code: 2,
        err: 'A certificate goes together with its key: --certificate and --key.\n',
      })
    })

    it('may be renewed with the same key, and nothing needs to be told', async () => {
      const renewed = await doors.operators.issue({ name: 'officer', keys: officers.known.keys })
      expect((await ask(renewed)).status).to.equal(200)
    })

    it('are one party’s, and not two’s', async () => {
      const taken = await doors.register('operators', await doors.operatorId('auditor'), officers.known)
      expect(taken).to.deep.equal({
        status: 409,
        body: problem(409, 'Conflict', "This certificate's key is registered already."),
      })
    })

    it('are worth nothing from the moment they are removed', async () => {
      const id = await doors.operatorId('officer')
      const listed = await doors.call({
        base: doors.plain,
        identity: service.operators.officer,
        path: `/operators/${id}/certificates`,
      })
      const [item] = (listed.body as { items: { id: string; subject: string; spki: string }[] }).items
      const spki = officers.known.x509.publicKey.export({ type: 'spki', format: 'der' })
      expect(item).to.include({
        subject: 'CN=officer',
        spki: createHash('sha256').update(spki).digest('hex'),
      })
      const path = `/operators/${id}/certificates/${item?.id ?? ''}/remove`
      const removed = await doors.call({
        base: doors.plain,
        identity: service.operators.officer,
        method: 'POST',
        path,
      })
      expect(removed.status).to.equal(200)
      expect(await ask(officers.known))
        .to.include({ status: 401 })
        .and.have.deep.property('body', refusal)
      const acts = [
        ...(await service.acts('operator.certificate.add', `operator:${id}`)),
        ...(await service.acts('operator.certificate.remove', `operator:${id}`)),
      ]
      expect(acts.map(({ actor }) => actor)).to.deep.equal([`operator:${id}`, `operator:${id}`])
    })
  })

  describe('of clients', () => {
    let id: string
    let secret: string
    let mine: Issued
    let other: Issued
    const bearerOf = ({ body }: HttpsAnswer): string => {
      const { access_token: value } = body as { access_token: string }
      service.keepSecret(value)
      return value
    }
    before(async () => {
      ;({ id, secret } = await service.newClient('By certificate'))
      mine = await selfSigned({ name: 'client' })
      other = await selfSigned({ name: 'another' })
    })

    it('end the time of their secret and of the tokens it brought', async () => {
      const old = bearerOf(await doors.token(id, undefined, `&client_secret=${secret}`))
      expect((await doors.credentials(old)).status).to.equal(200)
      expect((await doors.register('clients', id, mine)).status).to.equal(201)
      for (const shows of [undefined, mine]) {
        const { status, body } = await doors.token(id, shows, `&client_secret=${secret}`)
        expect({ status, body }).to.deep.equal({ status: 401, body: INVALID_CLIENT })
      }
      // A look at the database is believed for a second.
      while ((await doors.credentials(old)).status === 200);
      expect((await doors.credentials(old)).body).to.deep.equal(INVALID_TOKEN)
    })

    it('bring tokens that are worth nothing without them', async () => {
      const bearer = bearerOf(await doors.token(id, mine))
      expect((await doors.credentials(bearer, mine)).status).to.equal(200)
      for (const shows of [undefined, other, await selfSigned({ name: 'client', keys: mine.keys })]) {
        const { status, body, headers } = await doors.credentials(bearer, shows)
        expect({ status, body }).to.deep.equal({ status: 401, body: INVALID_TOKEN })
        expect(headers['www-authenticate']).to.match(/^Bearer error="invalid_token"/)
      }
    })

    it('are refused where they are unknown, another client’s, ended, or absent', async () => {
      const ended = await selfSigned({ name: 'client', keys: mine.keys, begins: -9, ends: -1 })
      const someone = await service.newClient('By secret')
      for (const [clientId, shows] of [
        [id, other],
        [id, undefined],
        [id, ended],
        [someone.id, mine],
        ['nobody', mine],
      ] as const) {
        const { status, body } = await doors.token(clientId, shows)
        expect({ status, body }).to.deep.equal({ status: 401, body: INVALID_CLIENT })
      }
    })

    it('can be two for a while, so that a key is changed without a gap', async () => {
      expect((await doors.register('clients', id, other)).status).to.equal(201)
      for (const shows of [mine, other]) expect((await doors.token(id, shows)).status).to.equal(200)
    })

    it('take their tokens with them when they are removed, and leave no way in by the secret', async () => {
      const bearers = [bearerOf(await doors.token(id, mine)), bearerOf(await doors.token(id, other))] as const
      const listed = await doors.call({
        base: doors.plain,
        identity: service.operators.admin,
        path: `/clients/${id}/certificates`,
      })
      const [first, second] = (listed.body as { items: { id: string }[] }).items
      const remove = (certificate = ''): Promise<{ status: number; body: unknown }> =>
        doors.call({
          base: doors.plain,
          identity: service.operators.admin,
          method: 'POST',
          path: `/clients/${id}/certificates/${certificate}/remove`,
        })
      expect((await remove(first?.id)).status).to.equal(200)
      while ((await doors.credentials(bearers[0], mine)).status === 200);
      expect((await doors.credentials(bearers[0], mine)).body).to.deep.equal(INVALID_TOKEN)
      expect((await doors.credentials(bearers[1], other)).status).to.equal(200)
      expect((await doors.token(id, mine)).body).to.deep.equal(INVALID_CLIENT)

      const rotate = { method: 'POST', path: `/clients/${id}/rotate-secret` }
      expect(
        (await doors.call({ base: doors.plain, identity: service.operators.admin, ...rotate })).status,
      ).to.equal(409)
      expect((await remove(second?.id)).status).to.equal(200)
      for (const shows of [mine, other, undefined])
        expect((await doors.token(id, shows, `&client_secret=${secret}`)).body).to.deep.equal(INVALID_CLIENT)

      const rotated = await doors.call({ base: doors.plain, identity: service.operators.admin, ...rotate })
      const { clientSecret, authentication } = rotated.body as {
        clientSecret: string
        authentication: string
      }
      service.keepSecret(clientSecret)
      expect(authentication).to.equal('secret')
      bearerOf(await doors.token(id, undefined, `&client_secret=${clientSecret}`))
    })

    it('are told of in the metadata of the authorisation server', async () => {
      const { body } = await doors
        .calling()
        .send(`${doors.api}/.well-known/oauth-authorization-server/oauth2`)
      expect(body).to.deep.include({
        token_endpoint_auth_methods_supported: [
          'client_secret_basic',
          'client_secret_post',
          'private_key_jwt',
          'tls_client_auth',
        ],
        tls_client_certificate_bound_access_tokens: true,
      })
    })
  })

  it('of the first operators stand in the configuration', async () => {
    const database = await createTestDatabase()
    const db = new Database({ url: database.url, connections: 2, onError: () => undefined })
    const identity = newIdentity({ name: 'first', roles: ['security-officer'] })
    const { certificate } = doors.files.pair('first', officers.other)
    const first = { name: 'first', roles: identity.roles, publicKey: publicHalf(identity) }
    const enter = (file: string): Promise<void> =>
      enterOperators({
        ...service.ctx,
        db,
        config: { ...service.ctx.config, operators: [{ ...first, certificate: file }] },
      })
    const missing = await enter('/nowhere.crt').catch((error: unknown) => error)
    expect(missing).to.be.instanceOf(ConfigError)
    expect((missing as ConfigError).problems).to.deep.equal([
      'operators.0.certificate: /nowhere.crt cannot be read (ENOENT)',
    ])
    await enter(certificate)
    const rows = await db.query<{ name: string; subject: string }>({
      text: 'select o.name, c.subject from operator o join client_certificate c on c.operator_id = o.id',
    })
    expect(rows).to.deep.equal([{ name: 'first', subject: 'CN=other' }])
    await db.close()
    await database.drop()
  })

  it('are not taken where they are none, have ended, or are two', async () => {
    const one = await selfSigned({ name: 'x' })
    const ended = await selfSigned({ name: 'x', begins: -9, ends: -1 })
    const wrong = { ...one, certificate: 'x' }
    const two = { ...one, certificate: one.certificate + one.certificate }
    for (const [sent, sentence] of [
      [wrong, 'certificate: not one PEM certificate'],
      [two, 'certificate: not one PEM certificate'],
      [{ ...one, certificate: one.key }, 'certificate: not one PEM certificate'],
      [ended, `certificate: it ended on ${ended.x509.validTo}`],
    ] as const) {
      const { status, body } = await doors.register('clients', service.client.id, sent)
      expect({ status, detail: (body as { detail: string }).detail }).to.deep.equal({
        status: 400,
        detail: sentence,
      })
    }
  })
})
