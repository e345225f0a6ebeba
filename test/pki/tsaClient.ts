import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { integer, oid } from '../../hsm/der.ts'
import type { Context } from '../../src/context.ts'
import { elements, Fields, inside } from '../../src/der/read.ts'
import { TAG } from '../../src/der/tags.ts'
import { context, derNull, derTrue, octetString, sequence, smallInteger } from '../../src/der/write.ts'

export const HASHES = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
  'sha3-256': '2.16.840.1.101.3.4.2.8',
} as const

export interface Query {
  readonly version?: number
  readonly hash?: keyof typeof HASHES
  readonly data?: string
  /** In place of the digest of the data. */
  readonly imprint?: Buffer
  readonly policy?: string
  readonly nonce?: Buffer
  readonly certReq?: boolean
  /** DER of extensions. */
  readonly extensions?: readonly Buffer[]
}

/** DER of a TimeStampReq. */
export function queryOf(query: Query): Buffer {
  const { version = 1, hash = 'sha256', data = 'a document', policy, nonce, certReq = false } = query
  const { imprint = createHash(hash).update(data).digest(), extensions } = query
  return sequence(
    smallInteger(version),
    sequence(sequence(oid(HASHES[hash]), derNull), octetString(imprint)),
    ...(policy === undefined ? [] : [oid(policy)]),
    ...(nonce === undefined ? [] : [integer(nonce)]),
    ...(certReq ? [derTrue] : []),
    ...(extensions === undefined ? [] : [context(0, ...extensions)]),
  )
}

const FAILURES: Readonly<Record<number, string>> = {
  0: 'badAlg',
  2: 'badRequest',
  5: 'badDataFormat',
  14: 'timeNotAvailable',
  15: 'unacceptedPolicy',
  16: 'unacceptedExtension',
  17: 'addInfoNotAvailable',
  25: 'systemFailure',
}

export interface Reply {
  readonly status: number
  readonly http: number
  /** By name; undefined where there is a token. */
  readonly failure: string | undefined
  readonly text: string | undefined
  /** DER. */
  readonly token: Buffer | undefined
  readonly whole: Buffer
}

/** Asks for a timestamp. */
export async function ask(url: string, query: Buffer, type = 'application/timestamp-query'): Promise<Reply> {
  const response = await fetch(`${url}/pki/tsa`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: new Uint8Array(query),
  })
  const whole = Buffer.from(await response.arrayBuffer())
  if (response.headers.get('content-type') !== 'application/timestamp-reply') {
    throw new Error(`no reply: ${String(response.status)} ${whole.toString()}`)
  }
  return { ...replyOf(whole), http: response.status }
}

/** A TimeStampResp taken apart. @throws Error on anything else */
export function replyOf(whole: Buffer): Omit<Reply, 'http'> {
  const response = new Fields(inside(whole, TAG.SEQUENCE))
  const info = new Fields(inside(response.take(TAG.SEQUENCE).whole, TAG.SEQUENCE))
  const status = info.take(TAG.INTEGER).value[0] ?? -1
  const said = info.optional(TAG.SEQUENCE)
  const failed = info.optional(TAG.BIT_STRING)
  info.end()
  const token = response.optional(TAG.SEQUENCE)?.whole
  response.end()
  if ((status === 0) !== (token !== undefined)) throw new Error('a status that is not what was answered')
  const text = said === undefined ? undefined : elements(said.value)[0]?.value.toString('utf8')
  return { status, failure: failed && nameOf(failed.value), text, token, whole }
}

/** One bit is set, and it is the last of the BIT STRING. */
function nameOf(bits: Buffer): string {
  const set: number[] = []
  for (let bit = 0; bit < (bits.length - 1) * 8; bit++) {
    if (((bits[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0) set.push(bit)
  }
  return set.map((bit) => FAILURES[bit] ?? String(bit)).join(' ')
}

export interface Info {
  readonly policy: Buffer
  readonly serial: string
  readonly genTime: string
  readonly nonce: string | undefined
  readonly tsa: Buffer | undefined
  /** DER. */
  readonly extensions: Buffer | undefined
}

/** What stands in a token's TSTInfo. */
export function infoOf(token: Buffer): Info {
  const signedData = new Fields(inside(contentOf(token), TAG.SEQUENCE))
  signedData.take(TAG.INTEGER)
  signedData.take(TAG.SET)
  const content = new Fields(inside(signedData.take(TAG.SEQUENCE).whole, TAG.SEQUENCE))
  content.take(TAG.OID)
  const [octets] = inside(content.take(TAG.context(0)).whole, TAG.context(0))
  const info = new Fields(inside(octets?.value ?? Buffer.alloc(0), TAG.SEQUENCE))
  info.take(TAG.INTEGER)
  const policy = info.take(TAG.OID).whole
  info.take(TAG.SEQUENCE)
  const serial = info.take(TAG.INTEGER).value.toString('hex')
  const genTime = info.take(TAG.GENERALIZED_TIME).value.toString('ascii')
  info.take(TAG.SEQUENCE)
  const nonce = info.optional(TAG.INTEGER)?.value.toString('hex')
  const tsa = info.optional(TAG.context(0))?.whole
  const extensions = info.optional(TAG.context(1))?.whole
  info.end()
  return { policy, serial, genTime, nonce, tsa, extensions }
}

function contentOf(token: Buffer): Buffer {
  const [, content] = inside(token, TAG.SEQUENCE)
  const [signedData] = content === undefined ? [] : inside(content.whole, TAG.context(0))
  if (signedData === undefined) throw new Error('not a SignedData')
  return signedData.whole
}

/** Whether a token holds certificates, and how many. */
export function certificatesOf(token: Buffer): Buffer[] {
  const [, , , certificates] = inside(contentOf(token), TAG.SEQUENCE)
  return certificates?.tag === TAG.context(0) ? elements(certificates.value).map(({ whole }) => whole) : []
}

export const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replaceAll(/(.{64})(?=.)/g, '$1\n')}\n-----END CERTIFICATE-----\n`

/** openssl in a folder of its own. */
export class OpenSsl {
  readonly #folder = mkdtempSync(join(tmpdir(), 'intaglio-tsa-'))

  /** @returns its path */
  file(content: string | Buffer): string {
    const path = join(this.#folder, randomBytes(8).toString('hex'))
    writeFileSync(path, content)
    return path
  }

  path(name: string): string {
    return join(this.#folder, name)
  }

  /** @returns what it says, on both outputs, whether it likes it or not */
  run(...args: string[]): string {
    try {
      return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
      return `${stdout}${stderr}`
    }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** What a service is configured for. */
export function tsaOf({ config }: Pick<Context, 'config'>): NonNullable<Context['config']['tsa']> {
  if (config.tsa === undefined) throw new Error('there are no timestamps')
  return config.tsa
}
