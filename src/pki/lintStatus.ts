import { Fields, elements, inside } from '../der/read.ts'
import { TAG } from '../der/tags.ts'
import type { Mark } from './extensions.ts'
import type { Linted, Rule } from './lint.ts'
import { dotted } from './lintOid.ts'
import { OID } from './oids.ts'

const HTTP = /^https?:\/\/[\x21-\x7e]+$/
const MARKS: Readonly<Record<Mark, string>> = {
  ocspNoCheck: OID.ocspNoCheck,
  validityAssured: OID.validityAssured,
  noRevAvail: OID.noRevAvail,
}

/** TABLE of rules about where relying parties learn whether a certificate was revoked. */
export const statusRules: readonly Rule[] = [
  {
    id: 'list_is_where_the_profile_has_one',
    clause: 'EN 319 412-2, GEN-4.3.11-2; RFC 5280, 4.2.1.13',
    severity: 'error',
    check: ({ extension, profile }) =>
      (extension(OID.cRLDistributionPoints) !== undefined) === (profile.status !== 'none')
        ? undefined
        : 'missing, or there although the profile has none',
  },
  {
    id: 'list_has_one_http_address',
    clause: 'RFC 5280, 4.2.1.13',
    severity: 'error',
    check: ({ extension }) => {
      const found = extension(OID.cRLDistributionPoints)
      return found === undefined || HTTP.test(listAddress(found.value)) ? undefined : 'not an address'
    },
  },
  {
    // Whoever checks a certificate of a TLS server would go in a circle (RFC 5280, 8). The configuration warns of it.
    id: 'list_is_reached_by_plain_http',
    clause: 'EN 319 412-2, GEN-4.3.11-4',
    severity: 'warning',
    check: ({ extension }) => {
      const found = extension(OID.cRLDistributionPoints)
      return found && listAddress(found.value).startsWith('https:') ? 'reached by https alone' : undefined
    },
  },
  {
    id: 'issuers_certificate_is_named',
    clause: 'RFC 5280, 4.2.2.1; EN 319 412-2, GEN-4.4.1-2 to 4',
    severity: 'error',
    check: (on) => {
      if (on.profile.issuer === undefined) return locations(on).length === 0 ? undefined : 'a root has none'
      const found = locations(on).filter(({ method }) => method === OID.caIssuers)
      return found.length === 1 && found.every(({ url }) => HTTP.test(url))
        ? undefined
        : 'one address, by HTTP'
    },
  },
  {
    id: 'responder_is_where_the_profile_has_one',
    clause: 'RFC 5280, 4.2.2.1; EN 319 412-2, GEN-4.4.1-6',
    severity: 'error',
    check: (on) => {
      const found = locations(on).filter(({ method }) => method === OID.ocsp)
      const expected = on.profile.status === 'list and responder' ? 1 : 0
      return found.length === expected && found.every(({ url }) => HTTP.test(url))
        ? undefined
        : 'missing, not by HTTP, or there although the profile has none'
    },
  },
  {
    id: 'no_revocation_means_no_address',
    clause: 'RFC 9608, 4; EN 319 412-1, 5.2',
    severity: 'error',
    check: (on) => {
      if (on.extension(OID.noRevAvail) === undefined) return undefined
      const isNamed =
        on.extension(OID.cRLDistributionPoints) !== undefined ||
        locations(on).some(({ method }) => method === OID.ocsp)
      return isNamed ? 'it says both that there is status, and that there is none' : undefined
    },
  },
  {
    id: 'marks_are_of_the_profile',
    clause: 'RFC 6960, 4.2.2.2.1; EN 319 412-1, 5.2; RFC 9608, 2',
    severity: 'error',
    check: ({ extension, profile }) => {
      const odd = (Object.keys(MARKS) as Mark[]).find(
        (mark) => (extension(MARKS[mark]) !== undefined) !== profile.marks.includes(mark),
      )
      return odd === undefined ? undefined : `${odd}: missing, or there although the profile has none`
    },
  },
  {
    id: 'marks_are_null',
    clause: 'RFC 6960, 4.2.2.2.1; EN 319 412-1, 5.2; RFC 9608, 2',
    severity: 'error',
    check: ({ extension }) => {
      const odd = (Object.keys(MARKS) as Mark[]).find((mark) => {
        const found = extension(MARKS[mark])
        return found !== undefined && !found.value.equals(NULL)
      })
      return odd === undefined ? undefined : `${odd} holds something`
    },
  },
]

const NULL = Buffer.from([0x05, 0x00])

/** The one address of a list. @throws Error where it says anything else */
export function listAddress(value: Buffer): string {
  const [point, ...more] = inside(value, TAG.SEQUENCE)
  if (point?.tag !== TAG.SEQUENCE || more.length > 0) throw new Error('one distribution point')
  // Neither reasons nor another issuer.
  const [name, ...rest] = elements(point.value)
  if (name?.tag !== TAG.context(0) || rest.length > 0)
    throw new Error('a distribution point is its address alone')
  const [uri, ...others] = inside(name.value, TAG.context(0))
  if (uri?.tag !== TAG.primitive(6) || others.length > 0) throw new Error('one address')
  return uri.value.toString('latin1')
}

function locations({ extension }: Linted): { method: string; url: string }[] {
  const found = extension(OID.authorityInfoAccess)
  return found === undefined ? [] : locationsIn(found.value)
}

/** @param value of authorityInfoAccess. @throws Error */
export function locationsIn(value: Buffer): { method: string; url: string }[] {
  return inside(value, TAG.SEQUENCE).map((one) => {
    const fields = new Fields(inside(one.whole, TAG.SEQUENCE))
    const method = dotted(fields.take(TAG.OID).value)
    const url = fields.take(TAG.primitive(6)).value.toString('latin1')
    fields.end()
    return { method, url }
  })
}
