import { type Cbor } from '../../signing/cbor.ts'
import { checkSign1, LABEL, readSign1, signSign1, type Sign1 } from '../../signing/cose.ts'
import { Flaw } from '../../signing/flaw.ts'
import { isCertificateOf, mediaType } from '../../signing/jws.ts'
import { parseObject } from '../../signing/strictJson.ts'
import { numericDate } from '../dateTime.ts'
import { isMap } from '../../signing/cbor.ts'
import type { VerificationKey } from '../credentialKey.ts'
import { withEnvelopes } from './enveloped.ts'
import type {
  Format,
  IssueRequest,
  JsonObject,
  PresentRequest,
  Secured,
  Verdict,
  VerifyRequest,
} from './format.ts'
import { checkClaimsToMake, documentOfClaims } from './joseVc.ts'
import {
  holderToMake,
  idOf,
  isOfType,
  issuerToMake,
  refuse,
  refuseOptions,
  versionOf,
  versionToMake,
} from './making.ts'
import { checkNested } from './nested.ts'
import {
  checkController,
  checkKind,
  checkPurpose,
  checkTimes,
  judged,
  timesOfDocument,
  type Times,
} from './verifying.ts'

/** COSE_Sign1 over a document of version 2.0 (Securing Verifiable Credentials using JOSE and COSE, 3.3). */
export const cose: Format = { name: 'cose', issue, present, verify }

/**
 * Claims of a CWT (RFC 8392, 4; nonce: RFC 9711, 4.1; status: Token Status List, 6.3). They stand in the header: the payload is
 * the document (RFC 9597).
 */
const CLAIM = { aud: 3, exp: 4, nbf: 5, iat: 6, nonce: 10, status: 65535 } as const
/** Octets of a nonce (RFC 9711, 4.1). */
const NONCE = { min: 8, max: 64 } as const

async function issue(request: IssueRequest): Promise<Secured> {
  refuseOptions(request, [])
  const { credential, key } = request
  checkVersion(credential)
  issuerToMake(credential, key)
  checkClaimsToMake(credential)
  return secured(key, { kind: 'vc', document: credential })
}

async function present(request: PresentRequest): Promise<Secured> {
  refuseOptions(request, [])
  const { presentation, key, now, challenge, domain, validUntil } = request
  if (typeof presentation === 'string') refuse('presentation', 'not an object')
  checkVersion(presentation)
  holderToMake(presentation, key)
  checkClaimsToMake(presentation)
  const claims = new Map<number, Cbor>([[CLAIM.iat, numericDate(now)]])
  if (domain !== undefined) claims.set(CLAIM.aud, domain)
  if (validUntil !== undefined) claims.set(CLAIM.exp, numericDate(validUntil))
  if (challenge !== undefined) claims.set(CLAIM.nonce, nonce(challenge))
  return secured(key, { kind: 'vp', document: withEnvelopes(presentation), claims })
}

function checkVersion(document: JsonObject): void {
  if (versionToMake(document) !== '2.0') refuse('@context', 'COSE secures version 2.0')
}

function nonce(challenge: string): Buffer {
  const octets = Buffer.from(challenge)
  if (octets.length < NONCE.min || octets.length > NONCE.max)
    refuse('challenge', `has ${NONCE.min} to ${NONCE.max} octets in COSE (RFC 9711, 4.1)`)
  return octets
}

async function secured(
  key: IssueRequest['key'],
  it: {
    readonly kind: 'vc' | 'vp'
    readonly document: JsonObject
    readonly claims?: ReadonlyMap<number, Cbor>
  },
): Promise<Secured> {
  const header = new Map<number | string, Cbor>([
    [LABEL.contentType, `application/${it.kind}`],
    [LABEL.kid, Buffer.from(key.id)],
    [LABEL.typ, `application/${it.kind}+cose`],
    ...(it.claims === undefined ? [] : ([[LABEL.claims, it.claims]] as const)),
  ])
  const body = await signSign1(key, header, Buffer.from(JSON.stringify(it.document)))
  return { body, mediaType: `application/${it.kind}+cose` }
}

function verify(request: VerifyRequest): Promise<Verdict> {
  return judged(async (problems) => {
    if (!Buffer.isBuffer(request.secured)) throw new Flaw('malformed', 'Not octets')
    const sign1 = readSign1(request.secured)
    const document = documentOfClaims(parseObject(sign1.payload, 'The payload'))
    const kind = kindOf(sign1, document)
    checkKind(request, kind)
    const [member, relationship] =
      kind === 'credential'
        ? (['issuer', 'assertionMethod'] as const)
        : (['holder', 'authentication'] as const)
    const key = await keyFor(request, sign1, relationship)
    checkSign1(sign1, key)
    checkController(problems, request, { key, member, party: idOf(document[member]) })
    const claims = claimsOf(sign1)
    checkTimes(problems, request.now, claims.times)
    checkTimes(problems, request.now, timesOfDocument(document))
    checkPurpose(problems, request, claims)
    if (kind === 'presentation') await checkNested(problems, request, document)
    return claims.status === undefined ? document : { ...document, status: claims.status }
  })
}

/** @throws Flaw */
function kindOf({ protectedHeader }: Sign1, document: JsonObject): 'credential' | 'presentation' {
  if (versionOf(document) !== '2.0') throw new Flaw('malformed', '@context: not that of version 2.0')
  const kind = isOfType(document, 'VerifiablePresentation') ? 'presentation' : 'credential'
  if (kind === 'credential' && !isOfType(document, 'VerifiableCredential'))
    throw new Flaw('malformed', 'type: neither a VerifiableCredential nor a VerifiablePresentation')
  const short = kind === 'credential' ? 'vc' : 'vp'
  const [contentType, typ] = [protectedHeader.get(LABEL.contentType), protectedHeader.get(LABEL.typ)]
  if (contentType !== undefined && mediaType(contentType) !== short)
    throw new Flaw('type-not-allowed', `content type: not that of a ${kind}`)
  if (typ !== undefined && mediaType(typ) !== `${short}+cose`)
    throw new Flaw('type-not-allowed', `typ: not that of a ${kind}`)
  return kind
}

async function keyFor(
  { resolve }: VerifyRequest,
  { protectedHeader, unprotectedHeader }: Sign1,
  relationship: 'assertionMethod' | 'authentication',
): Promise<VerificationKey> {
  const parameter = (label: number): Cbor | undefined =>
    protectedHeader.get(label) ?? unprotectedHeader.get(label)
  if (parameter(LABEL.x5u) !== undefined)
    throw new Flaw('key-not-trusted', 'x5u: a key that comes with the signature is not believed')
  const kid = parameter(LABEL.kid)
  const key = Buffer.isBuffer(kid) ? await resolve(kid.toString(), relationship) : undefined
  if (key === undefined) throw new Flaw('key-unknown', 'kid: nobody knows this key')
  const chain = parameter(LABEL.x5chain)
  const first: unknown = Array.isArray(chain) ? chain[0] : chain
  if (chain !== undefined && !(Buffer.isBuffer(first) && isCertificateOf(key.spki, first)))
    throw new Flaw('key-not-trusted', 'x5chain: not a certificate of the key')
  return key
}

interface HeaderClaims {
  readonly challenge?: unknown
  readonly domain?: unknown
  readonly times: Times
  readonly status: JsonObject | undefined
}

/** What the header claims; only what is protected counts. */
function claimsOf({ protectedHeader }: Sign1): HeaderClaims {
  const claims = protectedHeader.get(LABEL.claims) ?? new Map<number, Cbor>()
  if (!isMap(claims)) throw new Flaw('malformed', 'The CWT claims: not a map')
  const numeric = (claim: number): unknown => {
    const value = claims.get(claim)
    return value === undefined || typeof value === 'number' ? value : null
  }
  const said = claims.get(CLAIM.nonce)
  return {
    challenge: Buffer.isBuffer(said) ? said.toString() : said,
    domain: claims.get(CLAIM.aud),
    times: {
      from: [
        ['nbf', numeric(CLAIM.nbf)],
        ['iat', numeric(CLAIM.iat)],
      ],
      until: [['exp', numeric(CLAIM.exp)]],
    },
    status: statusOf(claims.get(CLAIM.status)),
  }
}

/** The claim `status` as a JWT has it (Token Status List, 6.3). What is none says so to whoever reads it. */
function statusOf(claim: Cbor | undefined): JsonObject | undefined {
  if (claim === undefined) return undefined
  const list = isMap(claim) ? claim.get('status_list') : null
  return { status_list: isMap(list) ? Object.fromEntries(list) : list }
}
