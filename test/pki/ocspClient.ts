import { createHash, randomBytes, verify, X509Certificate } from 'node:crypto'
import { integer, oid } from '../../hsm/der.ts'
import { Fields, dottedOid, elements, inside, timeOf, type Element } from '../../src/der/read.ts'
import { TAG } from '../../src/der/tags.ts'
import { context, derNull, extension, octetString, sequence } from '../../src/der/write.ts'
import type { TestService } from '../support/startService.ts'

export const NONCE = '1.3.6.1.5.5.7.48.1.2'
export const ARCHIVE_CUTOFF = '1.3.6.1.5.5.7.48.1.6'

export const HASHES = {
  sha1: { node: 'sha1', oid: '1.3.14.3.2.26' },
  sha256: { node: 'sha256', oid: '2.16.840.1.101.3.4.2.1' },
} as const
export type Hash = keyof typeof HASHES

/** The parts of a CertID. */
export interface Asked {
  readonly issuer: X509Certificate
  readonly serial: Buffer
  readonly hash?: Hash
}

/** DER of a CertID, written here and not by what is tested. */
export function certIdOf({ issuer, serial, hash = 'sha1' }: Asked): Buffer {
  const { node, oid: algorithm } = HASHES[hash]
  const digest = (octets: Buffer): Buffer => octetString(createHash(node).update(octets).digest())
  const [name, key] = nameAndKey(issuer.raw)
  return sequence(sequence(oid(algorithm), derNull), digest(name), digest(key), integer(serial))
}

function nameAndKey(certificate: Buffer): readonly [Buffer, Buffer] {
  const [tbs] = inside(certificate, TAG.SEQUENCE)
  const members = elements(tbs?.value ?? Buffer.alloc(0))
  const [, , , , , subject, spki] = members
  const [, bits] = elements(spki?.value ?? Buffer.alloc(0))
  return [subject?.whole ?? Buffer.alloc(0), bits?.value.subarray(1) ?? Buffer.alloc(0)]
}

/** DER of an OCSPRequest about these. @param nonce its octets */
export function requestFor(certIds: readonly Buffer[], nonce?: Buffer): Buffer {
  const list = sequence(...certIds.map((id) => sequence(id)))
  const extensions = nonce === undefined ? [] : [context(2, sequence(extension(NONCE, octetString(nonce))))]
  return sequence(sequence(list, ...extensions))
}

export interface Single {
  readonly certId: Buffer
  readonly status: 'good' | 'revoked' | 'unknown'
  readonly revokedAt: Date | undefined
  readonly reason: number | undefined
  readonly thisUpdate: Date
  readonly nextUpdate: Date | undefined
  readonly extensions: ReadonlyMap<string, Buffer>
}

export interface OcspAnswer {
  /** OCSPResponseStatus; 0: successful. */
  readonly status: number
  readonly der: Buffer
  readonly headers: Headers
  readonly singles: readonly Single[]
  readonly extensions: ReadonlyMap<string, Buffer>
  readonly producedAt: Date | undefined
  /** The responder's certificate, whose key has signed this: that is checked. */
  readonly responder: X509Certificate | undefined
}

/** What an OCSPResponse says. @throws Error where its signature is not by the certificate in it */
export function readAnswer(der: Buffer, headers = new Headers()): OcspAnswer {
  const outer = new Fields(inside(der, TAG.SEQUENCE))
  const status = outer.take(TAG.ENUMERATED).value[0] ?? -1
  const bytes = outer.optional(TAG.context(0))
  outer.end()
  const nothing = { status, der, headers, singles: [], extensions: new Map<string, Buffer>() }
  if (bytes === undefined) return { ...nothing, producedAt: undefined, responder: undefined }
  const [, octets] = elements(elements(bytes.value)[0]?.value ?? Buffer.alloc(0))
  const basic = new Fields(inside(octets?.value ?? Buffer.alloc(0), TAG.SEQUENCE))
  const tbs = basic.take(TAG.SEQUENCE)
  basic.take(TAG.SEQUENCE)
  const signature = basic.take(TAG.BIT_STRING).value.subarray(1)
  const [certificates] = elements(basic.take(TAG.context(0)).value)
  const responder = new X509Certificate(elements(certificates?.value ?? Buffer.alloc(0))[0]?.whole ?? '')
  if (!verify('sha256', tbs.whole, responder.publicKey, signature))
    throw new Error('the signature does not verify')
  const data = new Fields(elements(tbs.value))
  data.take(TAG.context(2))
  const producedAt = timeOf(data.take(TAG.GENERALIZED_TIME))
  const singles = elements(data.take(TAG.SEQUENCE).value).map(singleOf)
  const extensions = extensionsOf(data.optional(TAG.context(1)))
  data.end()
  return { ...nothing, singles, extensions, producedAt, responder }
}

function singleOf({ value }: Element): Single {
  const fields = new Fields(elements(value))
  const certId = fields.take(TAG.SEQUENCE).whole
  const said = fields.any()
  const status = said.tag === 0x80 ? 'good' : said.tag === 0x82 ? 'unknown' : 'revoked'
  const revoked = new Fields(status === 'revoked' ? elements(said.value) : [])
  const at = status === 'revoked' ? timeOf(revoked.take(TAG.GENERALIZED_TIME)) : undefined
  const reason = elements(revoked.optional(TAG.context(0))?.value ?? Buffer.alloc(0))[0]?.value[0]
  const thisUpdate = timeOf(fields.take(TAG.GENERALIZED_TIME))
  const [next] = elements(fields.optional(TAG.context(0))?.value ?? Buffer.alloc(0))
  const extensions = extensionsOf(fields.optional(TAG.context(1)))
  fields.end()
  return { certId, status, revokedAt: at, reason, thisUpdate, nextUpdate: next && timeOf(next), extensions }
}

function extensionsOf(explicit: Element | undefined): Map<string, Buffer> {
  const [all] = elements(explicit?.value ?? Buffer.alloc(0))
  return new Map(
    elements(all?.value ?? Buffer.alloc(0)).map(({ value }) => {
      const parts = elements(value)
      return [dottedOid(parts[0]?.value ?? Buffer.alloc(0)), parts.at(-1)?.value ?? Buffer.alloc(0)]
    }),
  )
}

/** Magnitude of a certificate's serial number. */
export function serialOf(certificate: Buffer): Buffer {
  return Buffer.from(new X509Certificate(certificate).serialNumber, 'hex')
}

/** Asks a responder by HTTP. */
export class OcspClient {
  readonly url: string
  readonly issuer: X509Certificate

  constructor(url: string, issuer: X509Certificate) {
    this.url = url
    this.issuer = issuer
  }

  static async of(service: TestService): Promise<OcspClient> {
    const [row] = await service.sql<{ der: Buffer }>(`select der from certificate where profile = 'issuing'`)
    return new OcspClient(service.url, new X509Certificate(row?.der ?? ''))
  }

  /** The same authority's, elsewhere. */
  at(url: string): OcspClient {
    return new OcspClient(url, this.issuer)
  }

  request(certificate: Buffer, { hash, nonce }: { hash?: Hash; nonce?: Buffer } = {}): Buffer {
    const asked = { issuer: this.issuer, serial: serialOf(certificate), ...(hash && { hash }) }
    return requestFor([certIdOf(asked)], nonce)
  }

  async post(request: Buffer): Promise<OcspAnswer> {
    const response = await fetch(`${this.url}/pki/ocsp`, {
      method: 'POST',
      headers: { 'content-type': 'application/ocsp-request' },
      body: new Uint8Array(request),
    })
    return answerOf(response)
  }

  async get(request: Buffer, headers: Record<string, string> = {}): Promise<OcspAnswer> {
    const path = encodeURIComponent(request.toString('base64'))
    return answerOf(await fetch(`${this.url}/pki/ocsp/${path}`, { headers }))
  }

  /** By GET, without a nonce, as most ask. */
  async statusOf(certificate: Buffer): Promise<string> {
    const { status, singles } = await this.get(this.request(certificate))
    return status === 0 ? (singles[0]?.status ?? 'nothing') : `error ${String(status)}`
  }
}

async function answerOf(response: Response): Promise<OcspAnswer> {
  const body = Buffer.from(await response.arrayBuffer())
  const type = response.headers.get('content-type')
  if (response.status !== 200 || type !== 'application/ocsp-response')
    throw new Error(`${String(response.status)} ${type ?? ''} ${body.toString('utf8', 0, 200)}`)
  return readAnswer(body, response.headers)
}

export const newNonce = (length = 32): Buffer => randomBytes(length)
