import { Flaw } from '../../signing/flaw.ts'
import { checkJws, mediaType, readJws } from '../../signing/jws.ts'
import { parseObject } from '../../signing/strictJson.ts'
import { checkKeyBinding } from '../sdJwt/keyBinding.ts'
import { readSdJwt, reveal, type SdJwt } from '../sdJwt/reveal.ts'
import { concealedInVain, type Kind } from '../sdJwt/rules.ts'
import type { JsonObject, Verdict, VerifyRequest } from './format.ts'
import { documentOfClaims } from './joseVc.ts'
import { idOf, isOfType, versionOf } from './making.ts'
import {
  checkController,
  checkTimes,
  judged,
  keyFor,
  timesOfClaims,
  timesOfDocument,
  type Problems,
} from './verifying.ts'

export function verifySdJwt(request: VerifyRequest): Promise<Verdict> {
  return judged(async (problems) => {
    const { secured, now } = request
    if (typeof secured !== 'string') throw new Flaw('malformed', 'Not an SD-JWT')
    const sdJwt = readSdJwt(secured)
    const jws = readJws(sdJwt.jwt)
    const kind = kindOf(jws.header)
    const payload = parseObject(jws.payload, 'The payload')
    const claims = reveal(payload, sdJwt.disclosures)
    const { party, content } = kind === 'dc+sd-jwt' ? ofClaims(claims, payload) : ofDocument(claims)
    const key = await keyFor(request, { header: jws.header, party, relationship: 'assertionMethod' })
    checkJws(jws, key)
    // An SD-JWT VC need not say its issuer: then it is whoever has the key.
    if (party !== undefined) checkController(problems, request, { key, member: 'issuer', party })
    checkTimes(problems, now, timesOfClaims(claims))
    if (kind === 'vc+sd-jwt') checkTimes(problems, now, timesOfDocument(content))
    await checkBinding(problems, request, { sdJwt, cnf: claims['cnf'] })
    return content
  })
}

function kindOf({ typ }: JsonObject): Kind {
  const type = mediaType(typ)
  if (type !== 'dc+sd-jwt' && type !== 'vc+sd-jwt')
    throw new Flaw('type-not-allowed', 'typ: no credential as SD-JWT')
  return type
}

interface Meant {
  readonly party: string | undefined
  readonly content: JsonObject
}

function ofClaims(claims: JsonObject, payload: JsonObject): Meant {
  const concealed = concealedInVain(payload, claims)
  if (concealed !== undefined)
    throw new Flaw('claim-not-allowed', `${concealed}: concealed, and must stand open`)
  const { vct, iss } = claims
  if (typeof vct !== 'string' || vct === '') throw new Flaw('malformed', 'vct: not text')
  if (iss !== undefined && typeof iss !== 'string') throw new Flaw('malformed', 'iss: not text')
  return { party: iss, content: claims }
}

function ofDocument(claims: JsonObject): Meant {
  const content = documentOfClaims(claims)
  if (versionOf(content) === undefined) throw new Flaw('malformed', '@context: of neither data model')
  if (!isOfType(content, 'VerifiableCredential'))
    throw new Flaw('malformed', 'type: not a VerifiableCredential')
  const party = idOf(content['issuer'])
  if (party === undefined) throw new Flaw('malformed', 'issuer: names nobody')
  return { party, content }
}

/** With a key binding it is a presentation, without one a credential: what was asked for decides which is good. */
async function checkBinding(
  problems: Problems,
  request: VerifyRequest,
  { sdJwt, cnf }: { readonly sdJwt: SdJwt; readonly cnf: unknown },
): Promise<void> {
  const { challenge, domain, kind } = request
  const { keyBinding } = sdJwt
  if (keyBinding !== undefined) {
    if (kind === 'credential') throw new Flaw('type-not-allowed', 'This is a presentation, not a credential')
    await checkKeyBinding(problems, request, { sdJwt: { ...sdJwt, keyBinding }, cnf })
  } else if (kind === 'presentation' || challenge !== undefined || domain !== undefined)
    problems.push({ name: 'key-binding-missing', detail: 'Nobody shows that he is its holder' })
}
