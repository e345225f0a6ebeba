import { expect } from 'chai'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { version1 } from '../../src/api/csc/version1.ts'
import { version2 } from '../../src/api/csc/version2.ts'
import { example } from '../../src/api/http/exampleValues.ts'
import { vc } from '../../src/api/vc/router.ts'
import { editions } from '../csc/editions.ts'
import type { Row } from '../csc/rows.ts'
import { attesting } from '../keyservice/attesting.ts'
import { detailRows, rows as requestRows } from '../oauth/requestRows.ts'
import { startService, type TestService } from '../support/startService.ts'
import { closed, errorsOf, operationsOf, type Described, type Document, type Schema } from './document.ts'
import { Reader } from './placeholders.ts'

const METHODS = {
  list: 'credentials/list',
  info: 'credentials/info',
  authorize: 'credentials/authorize',
  extend: 'credentials/extendTransaction',
  sign: 'signatures/signHash',
} as const
/** A phrase that names what was sent stands once for all. */
const general = (phrase: string): string =>
  phrase.replace(/^(Unknown parameter|Parameter) \S+( is given twice)?$/, '$1 …$2')

describe('/openapi.json', function () {
  this.timeout(60_000)
  let service: TestService
  let document: Document
  let operations: Described[]
  let reader: Reader
  const judge = new Ajv2020({ strict: true, strictTypes: false, validateFormats: false, allErrors: true })

  before(async () => {
    service = await startService()
    await attesting(service)
    const response = await fetch(`${service.url}/openapi.json`)
    expect(response.headers.get('content-type')).to.equal('application/json; charset=utf-8')
    document = (await response.json()) as Document
    operations = operationsOf(document)
    reader = await Reader.of(service)
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const judged = (schema: Schema, value: unknown): unknown[] => {
    const validate = judge.compile(schema)
    return validate(value)
      ? []
      : (validate.errors ?? []).map(({ instancePath, message, params }) => ({
          instancePath,
          message,
          params,
        }))
  }

  it('is OpenAPI 3.1 of this service, with a name of its own for each operation', () => {
    expect(document.openapi).to.match(/^3\.1\./)
    expect(document.servers).to.deep.equal([{ url: service.url }])
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).to.equal(ids.length)
    expect(JSON.stringify(document)).to.not.contain('$ref":"#/$defs')
  })

  it('describes every method of both editions that is served', () => {
    const { config } = service
    for (const [at, { endpoints }] of [
      ['/csc/v1', version1(config)],
      ['/csc/v2', version2(config)],
    ] as const) {
      for (const { name, byGet } of endpoints) {
        const sentence = `${at}/${name} is served and not in the document: give its endpoint() the member \`described\``
        const path = document.paths[`${at}/${name}`]
        expect(path?.post, sentence).to.be.an('object')
        if (byGet) expect(path?.get, sentence).to.be.an('object')
      }
    }
  })

  it('describes every endpoint of the VC API that is served', () => {
    for (const { path } of vc.endpoints) {
      const sentence = `${path} is served and not in the document: give it \`described.examples\``
      expect(document.paths[path]?.post, sentence).to.be.an('object')
    }
  })

  it('finds every endpoint of the VC API in the table of the README, with the file that serves it', () => {
    const rows = readFileSync(join(resolve(import.meta.dirname, '../..'), 'README.md'), 'utf8').split('\n')
    for (const { path } of vc.endpoints) {
      const row = rows.find((line) => line.startsWith('| `') && line.includes(`${path}\``)) ?? ''
      const file = /\((src\/api\/vc\/[^)]+\.ts)\)/.exec(row)?.[1] ?? ''
      expect(file, `${path} stands in no row of the README's table`).to.not.equal('')
      expect(readFileSync(join(resolve(import.meta.dirname, '../..'), file), 'utf8')).to.contain('path: ')
    }
  })

  it('finds every method in the table of the README, with the file that serves it', () => {
    const root = resolve(import.meta.dirname, '../..')
    const rows = readFileSync(join(root, 'README.md'), 'utf8').split('\n')
    const { config } = service
    for (const [at, { endpoints }] of [
      ['{v1,v2}', version1(config)],
      ['v2', version2(config)],
    ] as const) {
      for (const { name } of endpoints) {
        const row = rows.find((line) => line.startsWith('| `') && line.includes(`/${name}\``)) ?? ''
        expect(row, `${name} stands in no row of the README's table`).to.contain(at)
        const file = /\(([^)]+\.ts)\)/.exec(row)?.[1] ?? ''
        expect(existsSync(join(root, file)), `${name}: ${file}`).to.equal(true)
        expect(readFileSync(join(root, file), 'utf8')).to.contain(`name: '${name}'`)
      }
    }
  })

  it('describes nothing of the CSC API that `info` does not advertise', async () => {
    for (const mount of ['/csc/v1', '/csc/v2']) {
      const info = await fetch(`${service.url}${mount}/info`, { method: 'POST' })
      const { methods } = (await info.json()) as { methods: string[] }
      const described = Object.keys(document.paths).filter((path) => path.startsWith(`${mount}/`))
      expect(described).to.have.members(methods.map((name) => `${mount}/${name}`))
    }
  })

  it('describes every endpoint that the metadata of the authorisation server names', async () => {
    const url = `${service.url}/.well-known/oauth-authorization-server/oauth2`
    const metadata = (await (await fetch(url)).json()) as Record<string, unknown>
    const endpoints = Object.entries(metadata).filter(([name]) => name.endsWith('_endpoint'))
    const paths = endpoints.map(([, value]) => String(value).slice(service.url.length))
    expect(paths).to.have.length.greaterThan(3)
    expect(Object.keys(document.paths)).to.include.members(paths)
  })

  it('has an example of each operation that its own schema takes', () => {
    for (const { method, path, request, examples } of operations) {
      expect(examples, `${method} ${path} has no example: give it one under \`described.examples\``).to.not.be
        .empty
      if (request === undefined) continue
      for (const { name, members } of examples) {
        if (method === 'get' || path.includes('{')) continue
        expect(judged(request, members), `${path}: ${name}`).to.deep.equal([])
      }
    }
  })

  it('lists every refusal that the tables of refusals ask for', () => {
    const expectListed = (path: string, rows: readonly (readonly [unknown, unknown, string, string?])[]) => {
      const found = operations.find((one) => one.path === path && one.method === 'post')
      const listed = found === undefined ? [] : errorsOf(found.operation)
      for (const [, , description, error = 'invalid_request'] of rows) {
        const error_description = general(description)
        expect(listed, `${path}: ${error} ${error_description}`).to.deep.include({
          status: 400,
          body: { error, error_description },
        })
      }
    }
    for (const { mount, rows } of editions) {
      for (const [method, name] of Object.entries(METHODS)) {
        expectListed(`${mount}/${name}`, rows[method as keyof typeof METHODS] satisfies readonly Row[])
      }
    }
    expectListed('/oauth2/pushed_authorize', requestRows)
    const details = detailRows.map((row) => [...row.slice(0, 3), row[3] ?? 'invalid_authorization_details'])
    expectListed('/oauth2/pushed_authorize', details as unknown as typeof requestRows)
  })

  it('has the words of version 1 for version 1', () => {
    const request = (path: string): string[] => {
      const found = operations.find((one) => one.path === path)
      return Object.keys(found?.request?.properties ?? {})
    }
    expect(request('/csc/v1/credentials/authorize')).to.include.members(['hash', 'hashAlgo', 'PIN'])
    expect(request('/csc/v1/credentials/authorize')).to.not.include.members(['hashes', 'authData'])
    expect(request('/csc/v1/credentials/list')).to.not.include('certificates')
    expect(request('/csc/v2/credentials/authorize')).to.include.members([
      'hashes',
      'hashAlgorithmOID',
      'authData',
    ])
    expect(request('/csc/v2/credentials/authorize')).to.not.include.members(['hash', 'PIN'])
  })

  it('leaves out of 2.0.0.0 what 2.2 added to info', () => {
    const { config } = service
    const info = (specs: '2.0.0.0' | '2.2.0.0') => {
      const [method] = version2({ ...config, csc: { ...config.csc, specs } }).endpoints
      return method?.described?.().response?.properties ?? {}
    }
    expect(info('2.2.0.0')).to.include.keys('supportsRar', 'supportedHashTypes', 'documentTypes')
    expect(info('2.0.0.0')).to.not.have.any.keys('supportsRar', 'supportedHashTypes', 'documentTypes')
    expect(info('2.0.0.0')['signature_formats']?.properties).to.have.all.keys(
      'formats',
      'envelope_properties',
    )
  })

  /** As the document says: with the token, or by the client's secret. */
  const sent = async (
    { method, path: pattern, operation, type }: Described,
    given: Record<string, unknown>,
  ) => {
    const { [pattern.includes('{id}') ? 'id' : '']: id, ...members } = given
    const path = pattern.replace('{id}', encodeURIComponent(String(id)))
    const headers: Record<string, string> = {}
    const [needs] = operation.security
    const { id: clientId, secret } = reader.client
    if (needs !== undefined && 'client' in needs) {
      headers['authorization'] = `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`
    } else if (needs !== undefined) {
      headers['authorization'] = `Bearer ${await reader.tokenOf(needs['oauth']?.[0] ?? '')}`
    }
    const form = new URLSearchParams(
      Object.entries(members).map(([name, value]): [string, string] => [name, String(value)]),
    )
    if (method === 'get') {
      return fetch(`${service.url}${path}?${form.toString()}`, { headers, redirect: 'manual' })
    }
    if (type !== undefined) headers['content-type'] = type
    const body = type === 'application/json' ? JSON.stringify(members) : form.toString()
    return fetch(`${service.url}${path}`, { method: 'POST', headers, body, redirect: 'manual' })
  }

  it('has examples that run, and answers that are as it says', async () => {
    let ran = 0
    for (const one of operations) {
      for (const { name, members } of one.examples) {
        const what = `${one.method} ${one.path}: ${name}`
        const response = await sent(one, await reader.filled(members))
        const text = await response.text()
        const described = one.operation.responses[response.status]
        expect(response.status, `${what}: ${text}`).to.be.within(200, 399)
        expect(described, `${what}: ${response.status} is not described`).to.be.an('object')
        const type = (response.headers.get('content-type') ?? '').split(';', 1)[0] ?? ''
        const content = described?.content
        const schema = content?.[type]?.schema
        if (content === undefined) expect(text, what).to.equal('')
        else if (schema === undefined) expect(Object.keys(content), what).to.include(type)
        else if (!type.endsWith('json')) expect(text, what).to.not.equal('')
        else {
          const answer = JSON.parse(text) as Record<string, unknown>
          for (const secret of ['SAD', 'access_token', 'refresh_token', 'activation']) {
            if (typeof answer[secret] === 'string') service.keepSecret(answer[secret])
          }
          expect(judged(closed(schema), answer), `${what}: ${text}`).to.deep.equal([])
        }
        ran += 1
      }
    }
    expect(ran).to.be.greaterThan(operations.length - 1)
  })

  it('tells of refusals in their own words', async () => {
    for (const one of operations.filter(({ operation }) => operation.security.length > 0)) {
      const { method, path, operation } = one
      const response = await fetch(`${service.url}${path}`, { method: method.toUpperCase() })
      const answer = { status: response.status, body: await response.json() }
      expect(errorsOf(operation), `${method} ${path}`).to.deep.include(answer)
    }
  })

  it('names every value in its examples that stands for one of the reader', () => {
    const placeholders = (document as unknown as Record<string, object>)['x-placeholders']
    expect(Object.keys(placeholders ?? {})).to.have.members(Object.values(example))
  })
})
