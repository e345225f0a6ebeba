import { Flaw } from '../../signing/flaw.ts'
import { checkJws, mediaType, readJws } from '../../signing/jws.ts'
import { parseObject } from '../../signing/strictJson.ts'
import { checkKeyBinding } from '../sdJwt/keyBinding.ts'
import { readSdJwt, reveal, type SdJwt } from '../sdJwt/reveal.ts'
import { checkConcealed, type Kind } from '../sdJwt/rules.ts'
import type { JsonObject, Relationship, Verdict, VerifyRequest } from './format.ts'
import { documentOfClaims } from './joseVc.ts'
import { idOf, isOfType, versionOf } from './making.ts'
import { checkNested } from './nested.ts'
import {
  checkController,
  checkKind,
  checkPurpose,
  checkTimes,
  judged,
  keyFor,
  timesOfClaims,
  timesOfDocument,
  type Problems,
} from './verifying.ts'

interface Meant {
  /** Whoever says that it is his. */
  readonly party: string | undefined
  readonly content: JsonObject
}

interface Row {
  readonly kind: 'credential' | 'presentation'
  /** Where it says whose it is. */
  readonly member: 'issuer' | 'holder'
  readonly relationship: Relationship
  /** The only one that it may have; without, any. */
  readonly cty?: string
  readonly meant: (claims: JsonObject) => Meant
}

/** TABLE of what an SD-JWT is, by its `typ`. */
const rows: Readonly<Record<Kind, Row>> = {
  'dc+sd-jwt': {
    kind: 'credential',
    member: 'issuer',
    relationship: 'assertionMethod',
    meant: ofClaims,
  },
  'vc+sd-jwt': {
    kind: 'credential',
    member: 'issuer',
    relationship: 'assertionMethod',
    cty: 'vc',
    meant: ofCredential,
  },
  'vp+sd-jwt': {
    kind: 'presentation',
    member: 'holder',
    relationship: 'authentication',
    cty: 'vp',
    meant: ofPresentation,
  },
}

export function verifySdJwt(request: VerifyRequest): Promise<Verdict> {
  return judged(async (problems) => {
    const { secured, now } = request
    if (typeof secured !== 'string') throw new Flaw('malformed', 'Not an SD-JWT')
    const sdJwt = readSdJwt(secured)
    const jws = readJws(sdJwt.jwt)
    const type = typeOf(jws.header)
    const { kind, member, relationship, meant } = rows[type]
    const payload = parseObject(jws.payload, 'The payload')
    const claims = reveal(payload, sdJwt.disclosures)
    checkConcealed(type, payload, claims)
    const { party, content } = meant(claims)
    const key = await keyFor(request, { header: jws.header, party, relationship })
    checkJws(jws, key)
    // An SD-JWT VC need not say its issuer: then it is whoever has the key.
    if (party !== undefined) checkController(problems, request, { key, member, party })
    checkTimes(problems, now, timesOfClaims(claims))
    if (type !== 'dc+sd-jwt') checkTimes(problems, now, timesOfDocument(content))
    const shown = { sdJwt, claims, content }
    await (kind === 'credential' ? checkBinding : checkPresented)(problems, request, shown)
    return content
  })
}

function typeOf({ typ, cty }: JsonObject): Kind {
  const type = mediaType(typ)
  if (!isKind(type))
    throw new Flaw('type-not-allowed', 'typ: neither a credential nor a presentation as SD-JWT')
  const { kind, cty: expected } = rows[type]
  if (expected !== undefined && cty !== undefined && mediaType(cty) !== expected)
    throw new Flaw('type-not-allowed', `cty: not that of a ${kind}`)
  return type
}

const isKind = (type: string | undefined): type is Kind => type !== undefined && Object.hasOwn(rows, type)

function ofClaims(claims: JsonObject): Meant {
  const { vct, iss } = claims
  if (typeof vct !== 'string' || vct === '') throw new Flaw('malformed', 'vct: not text')
  if (iss !== undefined && typeof iss !== 'string') throw new Flaw('malformed', 'iss: not text')
  return { party: iss, content: claims }
}

function ofCredential(claims: JsonObject): Meant {
  const content = documentOfClaims(claims)
  if (versionOf(content) === undefined) throw new Flaw('malformed', '@context: of neither data model')
  if (!isOfType(content, 'VerifiableCredential'))
    throw new Flaw('malformed', 'type: not a VerifiableCredential')
  const party = idOf(content['issuer'])
  if (party === undefined) throw new Flaw('malformed', 'issuer: names nobody')
  return { party, content }
}

function ofPresentation(claims: JsonObject): Meant {
  const content = documentOfClaims(claims)
  if (versionOf(content) !== '2.0') throw new Flaw('malformed', '@context: not that of version 2.0')
  if (!isOfType(content, 'VerifiablePresentation'))
    throw new Flaw('malformed', 'type: not a VerifiablePresentation')
  return { party: idOf(content['holder']), content }
}

interface Shown {
  readonly sdJwt: SdJwt
  readonly claims: JsonObject
  readonly content: JsonObject
}

/** With a key binding it is a presentation, without one a credential: what was asked for decides which is good. */
async function checkBinding(
  problems: Problems,
  request: VerifyRequest,
  { sdJwt, claims: { cnf } }: Shown,
): Promise<void> {
  const { challenge, domain, kind } = request
  const { keyBinding } = sdJwt
  if (keyBinding !== undefined) {
    if (kind === 'credential') throw new Flaw('type-not-allowed', 'This is a presentation, not a credential')
    await checkKeyBinding(problems, request, { sdJwt: { ...sdJwt, keyBinding }, cnf })
  } else if (kind === 'presentation' || challenge !== undefined || domain !== undefined)
    problems.push({ name: 'key-binding-missing', detail: 'Nobody shows that he is its holder' })
}

/** Its holder signed it, for this challenge and domain: a key binding could only say otherwise. */
async function checkPresented(
  problems: Problems,
  request: VerifyRequest,
  { sdJwt, claims: { nonce, aud }, content }: Shown,
): Promise<void> {
  checkKind(request, 'presentation')
  if (sdJwt.keyBinding !== undefined)
    throw new Flaw('key-binding-invalid', 'A presentation is signed by its holder, and has no key binding')
  checkPurpose(problems, request, { challenge: nonce, domain: aud })
  await checkNested(problems, request, content)
}
