import { hashByOid, type HashRow } from '../../../hsm/algorithms.ts'
import { dottedOid, elements, inside, type Element } from '../../der/read.ts'
import { TAG } from '../../der/tags.ts'

const MGF1 = '1.2.840.113549.1.1.8'

/**
 * The hash that RSASSA-PSS-params name (RFC 4055, 3.1; RFC 8017, A.2.3), if they are ones that are signed with here:
 * all three given, MGF1 over the same hash, and a salt as long as the hash. The structure's own defaults mean SHA-1.
 * @returns undefined for everything else
 */
export function pssHash(der: Buffer): HashRow | undefined {
  try {
    return parsed(der)
  } catch {
    return undefined
  }
}

function parsed(der: Buffer): HashRow | undefined {
  const [hash, mask, salt, ...rest] = inside(der, TAG.SEQUENCE)
  // trailerField has one legal value, its default, which DER leaves out.
  if (!hash || !mask || !salt || rest.length > 0) return undefined
  const row = hashOf(only(hash, 0))
  const [function_, over, ...more] = inside(only(mask, 1).whole, TAG.SEQUENCE)
  if (!row || !over || more.length > 0 || function_?.tag !== TAG.OID) return undefined
  if (dottedOid(function_.value) !== MGF1 || hashOf(over) !== row) return undefined
  const { tag, value } = only(salt, 2)
  return tag === TAG.INTEGER && value.length === 1 && value[0] === row.length ? row : undefined
}

/** The one element inside [n]. */
function only(element: Element, n: number): Element {
  const [inner, ...rest] = elements(element.value)
  if (element.tag !== TAG.context(n) || inner === undefined || rest.length > 0) throw new Error('not [n]')
  return inner
}

/** Parameters of a hash are NULL or absent; both must be taken (RFC 4055, 2.1). */
function hashOf(element: Element): HashRow | undefined {
  const [oid, parameters, ...rest] = inside(element.whole, TAG.SEQUENCE)
  const absent = parameters === undefined || (parameters.tag === TAG.NULL && parameters.value.length === 0)
  if (oid?.tag !== TAG.OID || !absent || rest.length > 0) return undefined
  return hashByOid(dottedOid(oid.value))
}
