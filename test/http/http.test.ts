import { once } from 'node:events'
import { createServer, request as httpRequest, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import express, { type Express } from 'express'
import { readJson } from '../../src/api/http/body.ts'
import { cors } from '../../src/api/http/cors.ts'
import { renderErrors } from '../../src/api/http/errors.ts'
import { securityHeaders } from '../../src/api/http/headers.ts'
import { note, requestLog } from '../../src/api/http/requestLog.ts'
import { createLogger } from '../../src/log.ts'
import { Metrics } from '../../src/metrics.ts'
import { Refusal, unavailable } from '../../src/refusal.ts'

const ORIGIN = 'https://app.example'
const LIMIT = 1000

describe('what every face shares', () => {
  let server: Server
  let url: string
  const lines: string[] = []
  const log = createLogger('info', { write: (line) => void lines.push(line) })

  before(async () => {
    server = createServer(testApp())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.close()
    server.closeAllConnections()
  })

  function testApp(): Express {
    const app = express()
    app.use(securityHeaders('https://sign.example'))
    app.use(requestLog({ log, metrics: new Metrics() }))
    app.use(cors([`${ORIGIN}/`]))
    app.post('/echo', async (request, response) => {
      response.json(await readJson(request, LIMIT))
    })
    app.get('/named/:name', (request, response) => {
      response.json(request.params)
    })
    app.get('/refused/:code', (request) => {
      throw new Refusal(request.params['code'] as 'throttled', 'a public word', {
        detail: { inner: 'a private word' },
      })
    })
    app.get('/away', () => {
      throw unavailable('away', new Error('the private cause'))
    })
    app.get('/bug', () => {
      throw new Error('a private sentence')
    })
    app.get('/late', (_request, response) => {
      response.write('x')
      throw new Error('too late')
    })
    app.get('/noted', (_request, response) => {
      note(response, { client: 'someone' })
      response.end()
    })
    app.use(
      renderErrors(log, (refusal) => ({
        status:
          refusal === undefined
            ? 500
            : refusal.code === 'throttled'
              ? 429
              : refusal.code === 'unavailable'
                ? 503
                : 400,
        body: { refusal: refusal?.message ?? 'bug' },
        headers: { 'X-Face': 'test' },
      })),
    )
    return app
  }

  const lineOf = (id: string | null): Record<string, unknown>[] =>
    lines
      .filter((line) => id !== null && line.includes(id))
      .map((line) => JSON.parse(line) as Record<string, unknown>)

  it("renders a refusal in the face's words and keeps its private part", async () => {
    const response = await fetch(`${url}/refused/invalid_request`)
    expect(response.status).to.equal(400)
    expect(response.headers.get('x-face')).to.equal('test')
    expect(await response.json()).to.deep.equal({ refusal: 'a public word' })
  })

  it('tells the throttled and the unlucky when to come again', async () => {
    for (const [path, status] of [
      ['/refused/throttled', 429],
      ['/away', 503],
    ] as const) {
      const response = await fetch(`${url}${path}`)
      expect(response.status).to.equal(status)
      expect(response.headers.get('retry-after')).to.equal('2')
    }
  })

  it('answers a bug bare and logs it whole, with the id of the request', async () => {
    const response = await fetch(`${url}/bug`)
    expect(response.status).to.equal(500)
    expect(await response.text()).to.equal('{"refusal":"bug"}')
    const [first] = lineOf(response.headers.get('x-request-id'))
    expect(first).to.have.property('level', 'error')
    expect(first).to.have.nested.property('err.message', 'a private sentence')
  })

  it('logs why the service was away', async () => {
    const response = await fetch(`${url}/away`)
    const [first] = lineOf(response.headers.get('x-request-id'))
    expect(first).to.have.property('level', 'warn')
    expect(first).to.have.nested.property('err.cause.message', 'the private cause')
  })

  it('cuts an answer that had begun', async () => {
    const outcome = await fetch(`${url}/late`)
      .then((response) => response.text())
      .catch(() => 'cut')
    expect(outcome).to.equal('cut')
  })

  it('takes an address that does not decode for a mistake of its sender', async () => {
    expect((await fetch(`${url}/named/%zz`)).status).to.equal(400)
  })

  it('writes one line for a request, without its query', async () => {
    const response = await fetch(`${url}/noted?q=secret`)
    const [line, ...more] = lineOf(response.headers.get('x-request-id'))
    expect(more).to.deep.equal([])
    expect(line).to.include({ method: 'GET', path: '/noted', status: 200, client: 'someone' })
    expect(lines.join('')).to.not.contain('secret')
  })

  it('notes a request whose sender went away, and lives on', async () => {
    const request = httpRequest(`${url}/echo`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': '100' },
    })
    request.on('error', () => undefined)
    request.write('{"a":')
    await once(server, 'request')
    request.destroy()
    while (!lines.some((line) => line.includes('"aborted":true'))) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect((await fetch(`${url}/noted`)).status).to.equal(200)
  })

  it('reads up to the limit and not an octet more, however it is sent', async () => {
    const body = (length: number): string => JSON.stringify({ a: 'x'.repeat(length - 8) })
    const send = (text: string, chunked: boolean) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { 'content-type': 'application/json' }
        const length = chunked ? {} : { 'content-length': String(text.length) }
        const request = httpRequest(`${url}/echo`, { method: 'POST', headers: { ...headers, ...length } })
        request.on('response', (response) => {
          response.resume()
          resolve(response.statusCode)
        })
        request.on('error', reject)
        if (chunked) request.write(text.slice(0, 10))
        request.end(chunked ? text.slice(10) : text)
      })
    for (const chunked of [true, false]) {
      expect(await send(body(LIMIT), chunked)).to.equal(200)
      expect(await send(body(LIMIT + 1), chunked)).to.equal(400)
    }
  })

  it('sets the headers of an API, and HSTS where the address is HTTPS', async () => {
    const { headers } = await fetch(`${url}/noted`)
    expect(headers.get('cache-control')).to.equal('no-store')
    expect(headers.get('x-content-type-options')).to.equal('nosniff')
    expect(headers.get('referrer-policy')).to.equal('no-referrer')
    expect(headers.get('content-security-policy')).to.equal("default-src 'none'; frame-ancestors 'none'")
    expect(headers.get('strict-transport-security')).to.equal('max-age=31536000')
  })

  describe('for browsers', () => {
    const preflight = { 'access-control-request-method': 'POST' }

    it('opens answers to an allowed origin', async () => {
      const { headers } = await fetch(`${url}/noted`, { headers: { origin: ORIGIN } })
      expect(headers.get('access-control-allow-origin')).to.equal(ORIGIN)
      expect(headers.get('access-control-allow-credentials')).to.equal(null)
      expect(headers.get('vary')).to.equal('Origin')
    })

    it('answers its preflight', async () => {
      const response = await fetch(`${url}/echo`, {
        method: 'OPTIONS',
        headers: { origin: ORIGIN, ...preflight },
      })
      expect(response.status).to.equal(204)
      expect(response.headers.get('access-control-allow-methods')).to.equal('GET, POST')
      expect(response.headers.get('access-control-allow-headers')).to.equal(
        'Authorization, Content-Type, DPoP, Idempotency-Key',
      )
      expect(response.headers.get('access-control-max-age')).to.equal('600')
    })

    for (const origin of [
      'https://app.example.evil',
      'http://app.example',
      'https://app.example:444',
      'null',
    ]) {
      it(`tells ${origin} nothing`, async () => {
        for (const method of ['GET', 'OPTIONS']) {
          const { headers } = await fetch(`${url}/noted`, { method, headers: { origin, ...preflight } })
          expect(headers.get('access-control-allow-origin')).to.equal(null)
        }
      })
    }
  })
})
