import { generateKeyPairSync } from 'node:crypto'
import { Agent, request } from 'node:http'
import { resolution } from '../../../src/api/public/resolve.ts'
import { didKeyOf } from '../../../src/credentials/did/didKey.ts'
import { jwkOf, keyOfJwk, type PublicKey } from '../../../src/credentials/jwk.ts'
import type { TestService } from '../../support/startService.ts'
import { newIssuer } from '../../vc/client.ts'
import type { Target } from '../target.ts'

const PATH = '/1.0/identifiers/'
/** Octets that may stand in an address; all others are sent as %XX, with which they mean the same. */
const PLAIN = /[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]/
/** Octets of an address that fit into a head that Node's HTTP server takes, 16 KiB, with all that stands in it besides. */
const ADDRESS_MAX = 15 * 1024

/** What DID Resolution says, each with its status. */
const FAULTS: Readonly<Record<string, number>> = {
  invalidDid: 400,
  invalidDidUrl: 400,
  invalidPublicKey: 400,
  invalidPublicKeyLength: 400,
  invalidPublicKeyType: 400,
  unsupportedPublicKeyType: 400,
  notFound: 404,
  methodNotSupported: 501,
}
/** What is said of an address that names no DID at all: a problem's `detail`, by its status. */
const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'Malformed address',
  404: 'There is no such address.',
}

interface Said {
  readonly status: number
  readonly type: string | undefined
  readonly text: string
}

/** DIDs and DID URLs, from anybody: GET /1.0/identifiers/{did}. */
export async function didTarget(service: TestService): Promise<Target> {
  const keys = [
    generateKeyPairSync('ed25519'),
    ...(['P-256', 'P-384', 'P-521'] as const).map((namedCurve) => generateKeyPairSync('ec', { namedCurve })),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ].map(({ publicKey }) => keyOf(publicKey.export({ format: 'jwk' })))
  const { identifier } = await newIssuer(service, { method: 'web' })
  const agent = new Agent({ keepAlive: true })
  const [first = ''] = keys.map(didKeyOf)
  let sent = 0
  return {
    seeds: [
      ...keys.map(didKeyOf),
      ...keys.map((key) => `did:jwk:${Buffer.from(JSON.stringify(jwkOf(key))).toString('base64url')}`),
      ...[identifier, 'did:web:example.org%3A8443:users:ada', 'did:example:123'],
      ...[`${first}#${first.slice('did:key:'.length)}`, `${first}?publicKeyFormat=JsonWebKey2020`],
    ].map((did) => Buffer.from(did)),
    words: ['document', 'too long', ...Object.keys(FAULTS), ...Object.values(PROBLEMS)],
    ask: async (input) => {
      const { document, error } = await resolution(service.ctx, input.toString('latin1'), undefined)
      return error ?? (document === undefined ? 'nothing' : 'document')
    },
    send: async (input) => {
      // As a client writes a DID into an address, and as it came.
      const path = PATH + (sent++ % 2 === 0 ? encodeURIComponent(input.toString()) : written(input))
      const said = await get(`${service.url}${path}`, { path, agent })
      return path.length > ADDRESS_MAX && said.status === 431 ? 'too long' : wordOf(said)
    },
  }
}

function keyOf(jwk: object): PublicKey {
  const key = keyOfJwk({ ...jwk })
  if (key === undefined) throw new Error('a key that is not read')
  return key
}

const written = (input: Buffer): string =>
  [...input]
    .map((octet) => {
      const character = String.fromCharCode(octet)
      return PLAIN.test(character) ? character : `%${octet.toString(16).padStart(2, '0')}`
    })
    .join('')

/** Without what fetch would mend in an address. */
const get = (url: string, options: { readonly path: string; readonly agent: Agent }): Promise<Said> =>
  new Promise((resolve, reject) => {
    const asked = request(new URL('/', url), options, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response
        resolve({ status, type: headers['content-type'], text: Buffer.concat(parts).toString() })
      })
    })
    asked.on('error', reject)
    asked.end()
  })

/** The word of an answer whose status, type and body are those of the interface; otherwise what it was. */
function wordOf({ status, type, text }: Said): string {
  const odd = `status ${String(status)} ${String(type)} ${text.slice(0, 200)}`
  if (!/json/.test(type ?? '')) return odd
  const body = JSON.parse(text) as Record<string, unknown>
  if (type === 'application/problem+json')
    return PROBLEMS[status] === body['detail'] && body['status'] === status ? String(body['detail']) : odd
  const { didDocument } = body
  const metadata = body['didResolutionMetadata'] ?? body['didDereferencingMetadata']
  const { error } = (metadata ?? {}) as { error?: string }
  if (error !== undefined) return didDocument === null && FAULTS[error] === status ? error : odd
  return status === 200 && typeof didDocument === 'object' && didDocument !== null ? 'document' : odd
}
