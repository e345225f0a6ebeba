import { SpanKind } from '@opentelemetry/api'
import { expect } from 'chai'
import { digest, CscClient } from '../csc/client.ts'
import { startService, type TestService } from '../support/startService.ts'
import { TestSdk, type RecordedSpan } from '../support/tracing.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'
const WAIT_MS = 2_000

describe('traces', () => {
  let service: TestService
  before(async () => {
    service = await startService({ log: { level: 'info' } })
  })
  after(() => service.close())
  afterEach(() => service.checkState())

  /** A request's line is written when its connection is free again, which may be after its answer has come. */
  const lineOf = async (requestId: string | null): Promise<Record<string, unknown>> => {
    for (const until = Date.now() + WAIT_MS; Date.now() < until;) {
      const line = service
        .log()
        .split('\n')
        .find((text) => text.includes(`"requestId":"${requestId ?? ''}"`) && text.includes('"msg":"request"'))
      if (line !== undefined) return JSON.parse(line) as Record<string, unknown>
      await new Promise((resolve) => setImmediate(resolve))
    }
    throw new Error('the request has no line')
  }
  const ask = async (traceparent?: string) => {
    const headers = traceparent === undefined ? {} : { traceparent }
    const response = await fetch(`${service.url}/csc/v2/info`, { method: 'POST', headers })
    expect(response.status).to.equal(200)
    return lineOf(response.headers.get('x-request-id'))
  }

  describe('where no SDK is loaded', () => {
    it("are named by the request's line, as the caller named them", async () => {
      expect(await ask(`00-${TRACE}-${PARENT}-01`)).to.include({ traceId: TRACE })
      // A later version may append members (W3C Trace Context, 3.2.4).
      expect(await ask(`cc-${TRACE}-${PARENT}-01-what-the-future-holds`)).to.include({ traceId: TRACE })
    })

    it('are none of what is absent or malformed', async () => {
      const malformed = [
        undefined,
        '',
        'x',
        `00-${TRACE}-${PARENT}-01-more`,
        `ff-${TRACE}-${PARENT}-01`,
        `00-${TRACE.toUpperCase()}-${PARENT}-01`,
        `00-${'0'.repeat(32)}-${PARENT}-01`,
        `00-${TRACE}-${'0'.repeat(16)}-01`,
        `00-${TRACE}-${PARENT}`,
        `00-${TRACE}-${PARENT}-01 , 00-${TRACE}-${PARENT}-01`,
      ]
      for (const header of malformed) expect(await ask(header), header).to.not.have.property('traceId')
    })
  })

  describe('where an SDK is loaded', () => {
    let sdk: TestSdk
    before(() => {
      sdk = new TestSdk()
    })
    after(() => {
      sdk.stop()
    })
    beforeEach(() => {
      sdk.spans.length = 0
    })

    const ended = async (name: string): Promise<RecordedSpan> => {
      for (const until = Date.now() + WAIT_MS; Date.now() < until;) {
        const found = sdk.spans.find((span) => span.name === name)
        if (found !== undefined) return found
        await new Promise((resolve) => setImmediate(resolve))
      }
      throw new Error(`no span ${name}: ${sdk.spans.map((span) => span.name).join(', ')}`)
    }

    it('have a span for the request, under the caller’s, and one under it for each step of a signature', async () => {
      const client = await CscClient.of(service)
      const SAD = await client.authorize(service.credential, [digest('one')])
      const body = {
        credentialID: service.credential.id,
        SAD,
        hashes: [digest('one')],
        signAlgo: '1.2.840.10045.4.3.2',
      }
      const traceparent = `00-${TRACE}-${PARENT}-01`
      const answer = await client.call('signatures/signHash', body, { traceparent })
      expect(answer.status).to.equal(200)

      const request = await ended('POST csc /signatures/signHash')
      expect(request).to.include({ traceId: TRACE, parentId: PARENT, kind: SpanKind.SERVER })
      expect(request.attributes).to.deep.equal({
        'http.request.method': 'POST',
        'http.response.status_code': 200,
        'http.route': '/signatures/signHash',
      })
      const mine = sdk.spans.filter(({ traceId }) => traceId === TRACE)
      const under = (parent: RecordedSpan) =>
        mine.filter(({ parentId }) => parentId === parent.spanId).map(({ name }) => name)
      expect(under(request)).to.include.members(
        ['authorise', 'reserve', 'sign', 'complete'].map((step) => `signature ${step}`),
      )
      for (const [step, statement] of Object.entries({
        authorise: 'authorisation-by-sad',
        reserve: 'authorisation-reserve',
        complete: 'authorisation-complete',
      })) {
        expect(under(await ended(`signature ${step}`))).to.deep.equal([`group ${statement}`])
        expect(under(await ended(`group ${statement}`))).to.deep.equal([`db ${statement}`])
      }
      expect(await lineOf(answer.headers.get('x-request-id'))).to.include({ traceId: TRACE })
    })

    it('that share a statement are linked by it', async () => {
      const client = await CscClient.of(service)
      const SADs = await Promise.all(
        [1, 2, 3].map(() => client.authorize(service.credential, [digest('one')])),
      )
      await Promise.all(SADs.map((SAD) => client.sign(service.credential, [digest('one')], { SAD })))
      const spans = sdk.spans.filter(({ name }) => name === 'group authorisation-complete')
      expect(spans.reduce((sum, { links }) => sum + 1 + links.length, 0)).to.equal(3)
    })

    it('hold no secret, no id and nothing personal', async () => {
      const client = await CscClient.of(service)
      const SAD = await client.authorize(service.credential, [digest('one')])
      await client.sign(service.credential, [digest('one')], { SAD })
      await ended('POST csc /signatures/signHash')
      const text = JSON.stringify(sdk.spans)
      const { credential, person, client: own } = service
      for (const value of [SAD, client.token, credential.id, credential.pin, person.id, own.id, own.secret]) {
        expect(text).to.not.contain(value)
      }
    })
  })
})
