import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import { CscClient } from './client.ts'
import { METHODS_2 } from './editions.ts'

/** Answers a GET as well. */
const BY_GET = 'credentials/revocationlist'

describe('info', () => {
  let service: TestService
  let info: Record<string, unknown>

  before(async () => {
    service = await startService({ csc: { description: 'A service under test' } })
    info = (await (await post('info', '{}')).json()) as Record<string, unknown>
  })
  after(() => service.close())

  const post = (method: string, body?: string, headers = { 'content-type': 'application/json' }) =>
    fetch(`${service.url}/csc/v2/${method}`, {
      method: 'POST',
      headers,
      ...(body === undefined ? {} : { body }),
    })

  it('says what exists, to anyone', () => {
    expect(info).to.deep.equal({
      specs: '2.2.0.0',
      name: 'Intaglio (test)',
      logo: `${service.url}/csc/v2/logo.png`,
      region: 'NO',
      lang: 'en',
      description: 'A service under test',
      authType: ['oauth2code', 'oauth2client'],
      oauth2: service.url,
      supportsRar: true,
      asynchronousOperationMode: true,
      validationInfo: false,
      methods: METHODS_2,
      signAlgorithms: {
        algos: [
          '1.2.840.10045.4.3.2',
          '1.2.840.10045.4.3.3',
          '1.2.840.10045.4.3.4',
          '1.2.840.113549.1.1.11',
          '1.2.840.113549.1.1.12',
          '1.2.840.113549.1.1.13',
          '1.2.840.113549.1.1.10',
          '1.2.840.113549.1.1.1',
          '1.3.101.112',
        ],
        algoParams: [],
      },
      supportedHashTypes: ['2.16.840.1.101.3.4.2.1', '2.16.840.1.101.3.4.2.2', '2.16.840.1.101.3.4.2.3'],
      documentTypes: [],
      signature_formats: { formats: [], envelope_properties: [], allowMix: false },
      conformance_levels: [],
    })
  })

  it('has the members and types that the strictest clients want', () => {
    // eudi-lib-jvm-rqes-csc-kt 0.8.0: these are @Required and not nullable; oauth2 goes with an OAuth authType only.
    for (const name of ['specs', 'name', 'logo', 'region', 'lang', 'description', 'oauth2']) {
      expect(info[name], name).to.be.a('string')
    }
    const lists = ['authType', 'supportedHashTypes', 'methods', 'conformance_levels']
    for (const name of lists) expect(info[name], name).to.be.an('array')
    expect(info['specs']).to.equal('2.2.0.0')
    expect(info).to.not.have.any.keys('oauth2Issuer', 'oauth2Servers')
    // eudi-lib-ios-rqes-csc-swift: these two are not optional.
    expect(info).to.have.nested.property('signAlgorithms.algoParams').that.is.an('array')
    expect(info).to.have.nested.property('signature_formats.envelope_properties').that.is.an('array')
  })

  it('points to a logo that is there', async () => {
    const response = await fetch(String(info['logo']))
    expect(response.headers.get('content-type')).to.equal('image/png')
    const octets = Buffer.from(await response.arrayBuffer())
    expect(octets.subarray(1, 4).toString()).to.equal('PNG')
  })

  it('takes no body, an empty one and a language', async () => {
    for (const body of [undefined, '', '{}', '{"lang":"en-US"}', '{"lang":null}']) {
      expect((await post('info', body)).status, String(body)).to.equal(200)
    }
  })

  it('refuses what it does not know', async () => {
    const response = await post('info', '{"language":"en"}')
    expect(response.status).to.equal(400)
    expect(await response.json()).to.deep.equal({
      error: 'invalid_request',
      error_description: 'Unknown parameter language',
    })
  })

  it('advertises methods that exist: none answers 404 or 501', async () => {
    const client = await CscClient.of(service)
    for (const method of info['methods'] as string[]) {
      // One wants a token that a holder's approval gave.
      const good = method === 'credentials/create' ? [403] : [200, 400]
      expect((await client.call(method)).status, method).to.be.oneOf(good)
    }
  })

  const notBuilt = [
    'auth/login',
    'auth/revoke',
    'oauth2/authorize',
    'oauth2/pushed_authorize',
    'oauth2/token',
    'oauth2/revoke',
    'signatures/signDoc',
  ]
  for (const method of notBuilt) {
    it(`answers 501 for ${method}, which is not built`, async () => {
      const response = await post(method, '{}')
      expect(response.status).to.equal(501)
      expect(await response.json()).to.deep.equal({
        error: 'invalid_request',
        error_description: `The method ${method} is not implemented`,
      })
    })
  }

  for (const path of [
    '',
    'nothing',
    'credentials',
    'Info',
    'info/',
    'credentials/list/x',
    '__proto__',
    'in%66o%zz',
  ]) {
    it(`answers 404, as JSON, for the path ${JSON.stringify(path)}`, async () => {
      const response = await post(path, '{}')
      expect(response.status).to.equal(404)
      expect(response.headers.get('content-type')).to.equal('application/json; charset=utf-8')
      expect(await response.json()).to.have.property('error', 'invalid_request')
    })
  }

  for (const method of METHODS_2.filter((one) => one !== BY_GET)) {
    for (const verb of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
      it(`answers 405 to ${verb} ${method} and names POST`, async () => {
        const response = await fetch(`${service.url}/csc/v2/${method}`, { method: verb })
        expect(response.status).to.equal(405)
        expect(response.headers.get('allow')).to.equal('POST')
        expect(await response.json()).to.deep.equal({
          error: 'invalid_request',
          error_description: 'Methods of this API are called by POST',
        })
      })
    }
  }

  it('sets the headers of an API once', async () => {
    const { headers } = await post('info', '{}')
    expect(headers.get('cache-control')).to.equal('no-store')
    expect(headers.get('x-content-type-options')).to.equal('nosniff')
    expect(headers.get('content-type')).to.equal('application/json; charset=utf-8')
    expect(headers.get('x-powered-by')).to.equal(null)
    expect(headers.get('x-request-id')).to.match(/^[0-9a-f-]{36}$/)
  })
})
