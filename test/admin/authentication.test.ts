import { expect } from 'chai'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { calculateJwkThumbprint, CompactSign, importJWK } from 'jose'
import { newIdentity, publicHalf, signRequest, type Identity } from '../../src/api/admin/identity.ts'
import { sweepOperatorRequests } from '../../src/db/operators.ts'
import { otherForms } from '../support/jwsForms.ts'
import { startService, type TestService } from '../support/startService.ts'

const PROBLEM = 'application/problem+json'
const NOT_OURS = unauthorized('The signature is not that of an operator of this service.')

function unauthorized(detail: string) {
  return { type: 'about:blank', title: 'Unauthorized', status: 401, detail }
}

/** Every refusal of the admin face's authentication, by its whole answer. */
describe('operators’ requests', () => {
  let service: TestService
  let url: string
  before(async () => {
    service = await startService()
    url = `${service.url}/admin/v1/clients`
  })
  after(() => service.close())
  afterEach(() => service.checkState())

  const body = Buffer.from(JSON.stringify({ name: 'Somebody' }))
  const send = async (
    authorization: string | undefined,
    more: { url?: string; body?: Buffer; method?: string } = {},
  ) => {
    const response = await fetch(more.url ?? url, {
      method: more.method ?? 'POST',
      headers: authorization === undefined ? {} : { authorization },
      ...(more.method === 'GET' ? {} : { body: new Uint8Array(more.body ?? body) }),
    })
    return { status: response.status, headers: response.headers, body: await response.json() }
  }
  const count = async (): Promise<number> => {
    const rows = await service.sql<{ count: number }>(`select count(*)::int as count from client`)
    return rows[0]?.count ?? 0
  }
  /** Refused, whole answer and all, and nothing was made. */
  const refused = async (
    sent: Promise<Awaited<ReturnType<typeof send>>>,
    expected: unknown,
  ): Promise<void> => {
    const before = await count()
    const answer = await sent
    expect(answer.body).to.deep.equal(expected)
    expect(answer.status).to.equal((expected as { status: number }).status)
    expect(answer.headers.get('content-type')).to.equal(PROBLEM)
    expect(answer.headers.get('cache-control')).to.equal('no-store')
    if (answer.status === 401) expect(answer.headers.get('www-authenticate')).to.equal('Bearer')
    expect(await count()).to.equal(before)
  }
  const signed = (identity: Identity, more: { url?: string; method?: string; body?: Buffer } = {}) =>
    signRequest(identity, { method: more.method ?? 'POST', url: more.url ?? url, body: more.body ?? body })
  /** A request signed as an operator's, but for what is changed. */
  const forged = async (
    identity: Identity,
    change: { header?: Record<string, unknown>; claims?: Record<string, unknown>; signer?: Identity },
  ): Promise<string> => {
    const claims = {
      htm: 'POST',
      htu: url,
      iat: Math.floor(Date.now() / 1000),
      jti: `jti-${Math.random().toString(36)}-${Math.random().toString(36)}`,
      bdh: createHash('sha256').update(body).digest('base64url'),
      ...change.claims,
    }
    const header = {
      typ: 'intaglio-operator+jwt',
      alg: 'ES256',
      kid: await calculateJwkThumbprint(publicHalf(identity)),
      ...change.header,
    }
    const key = await importJWK((change.signer ?? identity).privateKey, header.alg)
    const jws = new CompactSign(Buffer.from(JSON.stringify(claims))).setProtectedHeader(header)
    return `Bearer ${await jws.sign(key)}`
  }

  it('are accepted when they are right', async () => {
    const answer = await send(`Bearer ${await signed(service.operators.admin)}`)
    expect(answer.status).to.equal(201)
  })

  it('are accepted from an Ed25519 key', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const jwk = privateKey.export({ format: 'jwk' })
    const identity = { name: 'Edda', roles: ['administrator'], privateKey: jwk } as unknown as Identity
    const made = await service.admin(service.operators.officer, 'POST /operators', {
      body: { name: 'Edda', roles: ['administrator'], publicKey: publicHalf(identity) },
    })
    expect(made.status).to.equal(201)
    const answer = await send(`Bearer ${await signed(identity)}`)
    expect(answer.status).to.equal(201)
  })

  it('are refused unsigned', async () => {
    await refused(send(undefined), unauthorized('The request is not signed.'))
    await refused(send('Basic YTpi'), unauthorized('The request is not signed.'))
    await refused(send('Bearer abc'), unauthorized('The request is not signed.'))
    await refused(
      send(`Bearer ${'a'.repeat(5000)}.${'b'.repeat(90)}.c`),
      unauthorized('The request is not signed.'),
    )
  })

  it('are refused with a key that is no operator’s', async () => {
    const stranger = newIdentity({ name: 'Stranger', roles: ['administrator'] })
    await refused(send(`Bearer ${await signed(stranger)}`), NOT_OURS)
  })

  it('are refused when another key signed in an operator’s name', async () => {
    const stranger = newIdentity({ name: 'Stranger', roles: ['administrator'] })
    await refused(send(await forged(service.operators.admin, { signer: stranger })), NOT_OURS)
  })

  it('are refused with a signature that was altered', async () => {
    const [header, payload, signature = ''] = (await signed(service.operators.admin)).split('.')
    const altered = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`
    await refused(send(`Bearer ${header ?? ''}.${payload ?? ''}.${altered}`), NOT_OURS)
  })

  it('are refused when their signature is written in another way, and are good as they were', async () => {
    const token = await signed(service.operators.admin)
    for (const [name, form] of otherForms(token)) {
      const isTokenOfOurs = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(form)
      const expected = isTokenOfOurs ? NOT_OURS : unauthorized('The request is not signed.')
      await refused(send(`Bearer ${form}`), expected).catch((cause: unknown) => {
        throw new Error(name, { cause })
      })
    }
    expect((await send(`Bearer ${token}`)).status).to.equal(201)
  })

  it('are refused when they are of another type of token', async () => {
    await refused(send(await forged(service.operators.admin, { header: { typ: 'JWT' } })), NOT_OURS)
  })

  it('are refused without a signature algorithm', async () => {
    const header = Buffer.from(
      JSON.stringify({ typ: 'intaglio-operator+jwt', alg: 'none', kid: 'x' }),
    ).toString('base64url')
    await refused(send(`Bearer ${header}.e30.AA`), NOT_OURS)
  })

  it('are refused with claims that are unknown or missing', async () => {
    await refused(send(await forged(service.operators.admin, { claims: { admin: true } })), NOT_OURS)
    await refused(send(await forged(service.operators.admin, { claims: { jti: undefined } })), NOT_OURS)
    await refused(send(await forged(service.operators.admin, { claims: { jti: 'short' } })), NOT_OURS)
  })

  it('are refused a second time', async () => {
    const token = `Bearer ${await signed(service.operators.admin)}`
    expect((await send(token)).status).to.equal(201)
    await refused(send(token), unauthorized('The request was used before.'))
  })

  it('are accepted once of fifty at the same time', async () => {
    const token = `Bearer ${await signed(service.operators.admin)}`
    const answers = await Promise.all(Array.from({ length: 50 }, () => send(token)))
    expect(answers.filter((answer) => answer.status === 201)).to.have.length(1)
    expect(answers.filter((answer) => answer.status === 401)).to.have.length(49)
  })

  it('are remembered for as long as they could be used again, and no longer', async () => {
    await service.sql(`insert into operator_request values ('\\x01', now() - interval '1 second')`)
    await send(`Bearer ${await signed(service.operators.admin)}`)
    await sweepOperatorRequests(service.ctx.db)
    const [left] = await service.sql<{ past: number; kept: number }>(
      `select count(*) filter (where expires_at < now())::int as past, count(*)::int as kept from operator_request`,
    )
    expect(left?.past).to.equal(0)
    expect(left?.kept).to.be.greaterThan(0)
  })

  it('are refused when they are old, or from the future', async () => {
    const stale = unauthorized(
      "The request was not signed within 60 seconds of now: check this machine's clock.",
    )
    const now = Math.floor(Date.now() / 1000)
    await refused(send(await forged(service.operators.admin, { claims: { iat: now - 70 } })), stale)
    await refused(send(await forged(service.operators.admin, { claims: { iat: now + 70 } })), stale)
  })

  it('are refused with another body', async () => {
    const token = `Bearer ${await signed(service.operators.admin)}`
    const other = Buffer.from(JSON.stringify({ name: 'Somebody else' }))
    await refused(send(token, { body: other }), unauthorized('The body is not the one that was signed.'))
    // What was altered on its way did not spend what was meant.
    expect((await send(token)).status).to.equal(201)
  })

  it('are refused at another address, and for another method', async () => {
    const elsewhere = `Bearer ${await signed(service.operators.admin, { url: `${url}/x/disable` })}`
    await refused(send(elsewhere), unauthorized(`The signature is for another request than POST ${url}.`))
    const query = `Bearer ${await signed(service.operators.admin)}`
    const answer = send(query, { url: `${url}?limit=1` })
    await refused(answer, unauthorized(`The signature is for another request than POST ${url}?limit=1.`))
    const get = `Bearer ${await signed(service.operators.admin, { method: 'GET', body: Buffer.alloc(0) })}`
    await refused(
      send(get, { body: Buffer.alloc(0) }),
      unauthorized(`The signature is for another request than POST ${url}.`),
    )
  })

  it('are refused in another role', async () => {
    await refused(send(`Bearer ${await signed(service.operators.auditor)}`), {
      type: 'about:blank',
      title: 'Forbidden',
      status: 403,
      detail: 'This takes one of these roles: administrator.',
    })
  })

  it('are refused from an operator who was disabled', async () => {
    const leaving = newIdentity({ name: 'Leaving', roles: ['administrator'] })
    const made = await service.admin(service.operators.officer, 'POST /operators', {
      body: { name: 'Leaving', roles: ['administrator'], publicKey: publicHalf(leaving) },
    })
    expect((await send(`Bearer ${await signed(leaving)}`)).status).to.equal(201)
    await service.admin(service.operators.officer, 'POST /operators/:id/disable', {
      params: { id: (made.body as { id: string }).id },
    })
    await refused(send(`Bearer ${await signed(leaving)}`), NOT_OURS)
  })

  it('are refused with a body that is no JSON, or too large', async () => {
    const broken = Buffer.from('{"name":')
    await refused(
      send(`Bearer ${await signed(service.operators.admin, { body: broken })}`, { body: broken }),
      {
        type: 'about:blank',
        title: 'Bad Request',
        status: 400,
        detail: 'The body is not JSON.',
      },
    )
    const large = Buffer.alloc(70_000, ' ')
    await refused(send(`Bearer ${await signed(service.operators.admin, { body: large })}`, { body: large }), {
      type: 'about:blank',
      title: 'Content Too Large',
      status: 413,
      detail: 'The request body is too large',
    })
  })

  it('find nothing where there is nothing', async () => {
    await refused(send(undefined, { url: `${service.url}/admin/v1/nothing`, method: 'GET' }), {
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'There is no such address.',
    })
  })
})
