/** What an SD-JWT may not conceal, whoever makes it. */
import { isObject, type JsonObject } from '../../signing/strictJson.ts'

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

export type Kind = 'dc+sd-jwt' | 'vc+sd-jwt'

export const openNames = (kind: Kind): readonly string[] =>
  kind === 'dc+sd-jwt' ? CLAIMS_OPEN : MEMBERS_OPEN

/** Of an SD-JWT VC: a claim that must stand open, and was concealed, or has something concealed in it; undefined: all is well. */
export function concealedInVain(payload: JsonObject, revealed: JsonObject): string | undefined {
  return CLAIMS_OPEN.find((name) =>
    Object.hasOwn(payload, name) ? hasDigests(payload[name]) : Object.hasOwn(revealed, name),
  )
}

function hasDigests(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasDigests)
  if (!isObject(value)) return false
  return Object.hasOwn(value, '_sd') || Object.hasOwn(value, '...') || Object.values(value).some(hasDigests)
}
