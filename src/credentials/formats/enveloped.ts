/** What is secured by JOSE or COSE, as a data: URL (VCDM 2.0, 4.13.2 and 4.13.3; RFC 2397). */
import { Flaw } from '../../signing/flaw.ts'
import { readJws, mediaType } from '../../signing/jws.ts'
import { isObject } from '../../signing/strictJson.ts'
import type { Format, JsonObject, Secured } from './format.ts'
import { CONTEXT_2, isClaims, isOfType, refuse, versionToMake } from './making.ts'

const TYPE = 'EnvelopedVerifiableCredential'
/** TABLE of what is enveloped, by the `typ` of its JWS. */
const ENVELOPES = new Map([
  ['vc+jwt', 'application/vc+jwt'],
  ['vc+sd-jwt', 'application/vc+sd-jwt'],
  ['dc+sd-jwt', 'application/dc+sd-jwt'],
])
/** Those of JWS; of SD-JWT, which has a tilde; and of COSE, which is octets and stands in base64. */
const JWT_URL = /^data:application\/(?:v[cp]\+)?jwt,([A-Za-z0-9._-]+)$/
const SD_JWT_URL = /^data:application\/(?:v[cp]|dc)\+sd-jwt,([A-Za-z0-9._-]+~[A-Za-z0-9._~-]*)$/
const COSE_URL = /^data:application\/v[cp]\+cose;base64,([A-Za-z0-9+/]+={0,2})$/

export const isEnveloped = (document: JsonObject): boolean => isOfType(document, TYPE)

/** Which of the two envelopes it is; undefined for what is none. */
export function envelopeTypeOf(
  document: JsonObject,
): 'EnvelopedVerifiableCredential' | 'EnvelopedVerifiablePresentation' | undefined {
  if (isEnveloped(document)) return TYPE
  return isOfType(document, 'EnvelopedVerifiablePresentation') ? 'EnvelopedVerifiablePresentation' : undefined
}

/** @throws Refusal for what no envelope is for: proofs that a credential carries itself, claims that are no document */
export function refuseEnvelope(credential: JsonObject, format: Format['name']): void {
  if (format === 'data-integrity') refuse('enveloped', 'not with a proof in the credential')
  if (!isClaims(format, credential) && versionToMake(credential) === '1.1')
    refuse('enveloped', 'not in version 1.1')
}

/** A credential in its envelope. */
export function envelopeOf({ body, mediaType: media }: Secured): JsonObject {
  if (!Buffer.isBuffer(body) && typeof body !== 'string') throw new Error('an envelope holds text or octets')
  const id = Buffer.isBuffer(body)
    ? `data:${media};base64,${body.toString('base64')}`
    : `data:${media},${body}`
  return { '@context': [CONTEXT_2], id, type: [TYPE] }
}

/** Credentials in a presentation of version 2.0 are enveloped; those that come as they were issued are put in. @throws Refusal */
export function withEnvelopes(presentation: JsonObject): JsonObject {
  const { verifiableCredential: given } = presentation
  if (given === undefined) return presentation
  const credentials: unknown[] = Array.isArray(given) ? given : [given]
  const verifiableCredential = credentials.map((credential, index) => {
    const member = `verifiableCredential[${index}]`
    if (typeof credential === 'string') return enveloped(credential, member)
    if (isObject(credential) && isEnveloped(credential)) return credential
    return refuse(member, 'neither an EnvelopedVerifiableCredential nor what goes into one')
  })
  return { ...presentation, verifiableCredential }
}

/** A presentation's credential, in its envelope. @throws Refusal for what is none */
function enveloped(credential: string, member: string): JsonObject {
  const media =
    ENVELOPES.get(typOf(credential) ?? '') ?? refuse(member, 'no credential of version 2.0 in JOSE')
  return { '@context': CONTEXT_2, id: `data:${media},${credential}`, type: TYPE }
}

function typOf(credential: string): string | undefined {
  try {
    return mediaType(readJws(credential.split('~', 1)[0] ?? '').header['typ'])
  } catch (error) {
    if (error instanceof Flaw) return undefined
    throw error
  }
}

/** What is in an envelope: text of JOSE, or octets of COSE; undefined for what is none. */
export function opened({ id }: JsonObject): string | Buffer | undefined {
  const url = typeof id === 'string' ? id : ''
  const [, text] = JWT_URL.exec(url) ?? SD_JWT_URL.exec(url) ?? []
  if (text !== undefined) return text
  const [, base64 = ''] = COSE_URL.exec(url) ?? []
  const octets = Buffer.from(base64, 'base64')
  return octets.length > 0 && octets.toString('base64') === base64 ? octets : undefined
}
