import { Flaw } from '../../signing/flaw.ts'
import { checkJws, mediaType, readJws } from '../../signing/jws.ts'
import { parseObject } from '../../signing/strictJson.ts'
import type { JsonObject, Verdict, VerifyRequest } from './format.ts'
import { documentOfClaims } from './joseVc.ts'
import { credentialOfClaims, presentationOfClaims } from './jwtVc.ts'
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
} from './verifying.ts'

export function verifyJwt(request: VerifyRequest): Promise<Verdict> {
  return judged(async (problems) => {
    const { secured, now } = request
    if (typeof secured !== 'string') throw new Flaw('malformed', 'Not a compact JWS')
    const jws = readJws(secured)
    const claims = parseObject(jws.payload, 'The payload')
    const { kind, document } = meant(jws.header, claims)
    checkKind(request, kind)
    const [member, relationship] =
      kind === 'credential'
        ? (['issuer', 'assertionMethod'] as const)
        : (['holder', 'authentication'] as const)
    const party = idOf(document[member])
    const key = await keyFor(request, { header: jws.header, party, relationship })
    checkJws(jws, key)
    checkController(problems, request, { key, member, party })
    checkTimes(problems, now, timesOfClaims(claims))
    checkTimes(problems, now, timesOfDocument(document))
    checkPurpose(problems, request, { challenge: claims['nonce'], domain: claims['aud'] })
    if (kind === 'presentation') await checkNested(problems, request, document)
    return document
  })
}

interface Meant {
  readonly kind: 'credential' | 'presentation'
  readonly document: JsonObject
}

/**
 * What a JWT is, by its `typ`; without, by its claims. A JWT of another type is none of ours, whatever stands in it
 * (RFC 8725, 3.11).
 * @throws Flaw
 */
function meant(header: JsonObject, claims: JsonObject): Meant {
  const { typ, cty } = header
  const type = typ === undefined ? undefined : mediaType(typ)
  if (typ !== undefined && type !== 'jwt' && type !== 'vc+jwt' && type !== 'vp+jwt')
    throw new Flaw('type-not-allowed', 'typ: neither a credential nor a presentation')
  const isOld = Object.hasOwn(claims, 'vc') || Object.hasOwn(claims, 'vp')
  const { kind, document } = isOld && (type === undefined || type === 'jwt') ? old(claims) : current(claims)
  const expected = kind === 'credential' ? 'vc' : 'vp'
  const isRight = isOld
    ? type !== 'vc+jwt' && type !== 'vp+jwt'
    : type === undefined || type === `${expected}+jwt`
  if (!isRight) throw new Flaw('type-not-allowed', `typ: not that of a ${kind}`)
  if (!isOld && cty !== undefined && mediaType(cty) !== expected)
    throw new Flaw('type-not-allowed', `cty: not that of a ${kind}`)
  return { kind, document }
}

function old(claims: JsonObject): Meant {
  if (Object.hasOwn(claims, 'vc') && Object.hasOwn(claims, 'vp'))
    throw new Flaw('claim-not-allowed', 'vp: there is a credential already')
  const made: Meant = Object.hasOwn(claims, 'vc')
    ? { kind: 'credential', document: credentialOfClaims(claims) }
    : { kind: 'presentation', document: presentationOfClaims(claims) }
  checkType(made)
  return made
}

function current(claims: JsonObject): Meant {
  const document = documentOfClaims(claims)
  if (versionOf(document) !== '2.0') throw new Flaw('malformed', '@context: not that of version 2.0')
  const kind = isOfType(document, 'VerifiablePresentation') ? 'presentation' : 'credential'
  checkType({ kind, document })
  return { kind, document }
}

function checkType({ kind, document }: Meant): void {
  const name = kind === 'credential' ? 'VerifiableCredential' : 'VerifiablePresentation'
  if (!isOfType(document, name)) throw new Flaw('malformed', `type: not a ${name}`)
}
