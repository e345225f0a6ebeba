/** What an SD-JWT may not conceal, whoever makes it. */
import { Flaw } from '../../signing/flaw.ts'
import { isObject, type JsonObject } from '../../signing/strictJson.ts'
import { refuse } from '../formats/making.ts'
import { tokensOf } from './conceal.ts'

/** Claims that stand open, with all that is in them (SD-JWT VC, 2.2.2.2). */
const CLAIMS_OPEN = ['iss', 'nbf', 'exp', 'cnf', 'vct', 'vct#integrity', 'aka_vcts', 'status']
/**
 * Members that stand open: those that the specification names (Securing Verifiable Credentials using JOSE and COSE, 3.2.1),
 * and those by which a credential is judged, which a holder would leave out to his advantage.
 */
const MEMBERS_OPEN = [
  ...['@context', 'type', 'credentialStatus', 'credentialSchema', 'relatedResource'],
  ...[
    'issuer',
    'validFrom',
    'validUntil',
    'issuanceDate',
    'expirationDate',
    'termsOfUse',
    'iss',
    'nbf',
    'exp',
    'cnf',
  ],
]
/** Claims that say whose it is, for whom and how long (RFC 9901, 9.7). Of W3C's members the specification only advises. */
const JUDGED_BY = ['iss', 'aud', 'nonce', 'nbf', 'exp', 'cnf']

export type Kind = 'dc+sd-jwt' | 'vc+sd-jwt' | 'vp+sd-jwt'

interface Rule {
  /** What we conceal in none that we make. */
  readonly made: readonly string[]
  /** What makes one that conceals it worth nothing, whoever made it. */
  readonly believed: readonly string[]
}

/** TABLE of what stands open, by the `typ` of an SD-JWT. */
const rules: Readonly<Record<Kind, Rule>> = {
  'dc+sd-jwt': { made: CLAIMS_OPEN, believed: CLAIMS_OPEN },
  'vc+sd-jwt': { made: MEMBERS_OPEN, believed: JUDGED_BY },
  'vp+sd-jwt': { made: ['@context', 'type', 'termsOfUse', ...JUDGED_BY], believed: JUDGED_BY },
}

/** @param selective JSON pointers @throws Refusal for what must not be concealed */
export function checkSelective(kind: Kind, selective: readonly string[]): void {
  for (const pointer of selective) {
    const [first = ''] = tokensOf(pointer) ?? []
    if (rules[kind].made.includes(first)) refuse('selective', `${pointer} always stands open in ${kind}`)
  }
}

/** @throws Flaw for a claim that must stand open, and was concealed, or has something concealed in it */
export function checkConcealed(kind: Kind, payload: JsonObject, revealed: JsonObject): void {
  const concealed = rules[kind].believed.find((name) =>
    Object.hasOwn(payload, name) ? hasDigests(payload[name]) : Object.hasOwn(revealed, name),
  )
  if (concealed !== undefined)
    throw new Flaw('claim-not-allowed', `${concealed}: concealed, and must stand open`)
}

function hasDigests(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasDigests)
  if (!isObject(value)) return false
  return Object.hasOwn(value, '_sd') || Object.hasOwn(value, '...') || Object.values(value).some(hasDigests)
}
