/**
 * What the suite for Securing Verifiable Credentials using JOSE and COSE calls by `docker compose run`: issues and verifies by
 * our formats, with the suite's keys. Called with the suite's folder, then with the words that it called docker by.
 */
import { createPrivateKey, sign } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { keyTypes } from '../../hsm/algorithms.ts'
import type { CredentialKey, Problem } from '../../src/credentials/credentialKey.ts'
import { formats, verifyAny } from '../../src/credentials/formats/index.ts'
import type { JsonObject, Secured } from '../../src/credentials/formats/format.ts'
import { keyOfJwk } from '../../src/credentials/jwk.ts'
import { Refusal } from '../../src/refusal.ts'

interface Method {
  readonly id: string
  readonly controller: string
  readonly publicKeyJwk: JsonObject
  readonly secretKeyJwk: JsonObject
}

/** Presentations of the suite were good for a day of 2024, of which this is a moment. */
const THEN = new Date('2024-12-16T12:00:00Z')
/** Of all that the suite has signed. */
const ISSUER = 'https://example.issuer/vc-jose-cose'
const FORMATS = { jose: 'jwt', sdjwt: 'sd-jwt', cose: 'cose' } as const
const HASHES: Readonly<Record<string, string>> = { 'P-256': 'sha256', 'P-384': 'sha384', 'P-521': 'sha512' }

const [folder = '', ...words] = process.argv.slice(2)
const { values, positionals } = parseArgs({
  args: words.slice(words.indexOf('--rm')),
  allowPositionals: true,
  options: {
    rm: { type: 'boolean' },
    input: { type: 'string', default: '' },
    key: { type: 'string', default: '' },
    feature: { type: 'string', default: '' },
    sd: { type: 'string', default: '[]' },
    output: { type: 'string', default: '' },
  },
})
const here = (path: string): string => join(folder, path)
const [kind = '', name = ''] = values.feature.split('_')
const format = formats[FORMATS[name as keyof typeof FORMATS]]
const method = readJson(values.key) as unknown as Method

function readJson(path: string): JsonObject {
  return JSON.parse(readFileSync(here(path), 'utf8')) as JsonObject
}

function publicKey({ publicKeyJwk }: Method) {
  const key = keyOfJwk(publicKeyJwk)
  if (key === undefined) throw new Error('a key that is not read')
  return key
}

function signingKey(): CredentialKey {
  const { keyType, spki } = publicKey(method)
  const [scheme] = keyTypes[keyType].schemes
  if (scheme === undefined) throw new Error('a key type without a scheme')
  const key = createPrivateKey({ key: { ...method.secretKeyJwk } as never, format: 'jwk' })
  const { id, controller } = method
  return {
    ...{ id, controller, keyType, scheme, spki },
    sign: (octets) => Promise.resolve(sign(HASHES[keyType], octets, { key, dsaEncoding: 'ieee-p1363' })),
  }
}

async function issued() {
  const document = readJson(values.input)
  const base = { key: signingKey(), now: new Date() }
  const selective = (JSON.parse(values.sd) as string[]).map(
    (path) => `/${path.replaceAll(/\[(\d+)\]/g, '.$1').replaceAll('.', '/')}`,
  )
  const asked = selective.length > 0 ? { ...base, selective } : base
  try {
    const secured =
      kind === 'credential'
        ? await format?.issue({
            ...asked,
            credential: document,
          })
        : await format?.present?.({ ...asked, presentation: document })
    return secured === undefined ? failure('not in this format') : { result: 'success', data: text(secured) }
  } catch (error) {
    if (error instanceof Refusal) return failure(error.message)
    throw error
  }
}

const text = ({ body }: Secured): unknown => (Buffer.isBuffer(body) ? body.toString('base64') : body)
const failure = (data: string) => ({ result: 'failure', data })

async function verified() {
  const given = readFileSync(here(values.input), 'utf8').trim()
  const secured = name === 'cose' ? Buffer.from(given, 'base64') : given
  // Credentials in presentations are signed by whichever key of the suite.
  const known = kind === 'credential' ? [method] : allMethods()
  const { problems, content } = await verifyAny({
    secured,
    kind: kind === 'credential' ? 'credential' : 'presentation',
    profile: 'strict',
    now: THEN,
    resolve: (id) => {
      const found = known.find((one) => one.id === id) ?? known.find((one) => isOfIssuer(one, id))
      if (found === undefined) return Promise.resolve(undefined)
      return Promise.resolve({ id, controller: found.controller, ...publicKey(found) })
    },
  })
  const left = problems.filter((problem) => !isIatOfSuite(problem))
  return left.length === 0
    ? { result: 'success', data: content }
    : failure(left.map(({ detail }) => detail).join('; '))
}

/** A `kid` that is no URL is a name in the document of its issuer; another document of the suite has one of its keys, too. */
const isOfIssuer = ({ controller, publicKeyJwk }: Method, kid: string): boolean =>
  controller === ISSUER && publicKeyJwk['kid'] === kid

/** What the suite signed has text as `iat`, where JWT has a number of seconds (RFC 7519, 4.1.6): ours say so, rightly. */
const isIatOfSuite = ({ name: problem, detail }: Problem): boolean =>
  problem === 'malformed' && detail.endsWith('iat: not a time')

function allMethods(): Method[] {
  const names = readdirSync(here('tests/input')).filter((file) => file.startsWith('vm-'))
  return names.map((file) => readJson(join('tests/input', file)) as unknown as Method)
}

const result = positionals[1] === 'issue' ? await issued() : await verified()
writeFileSync(here(values.output), JSON.stringify(result))
