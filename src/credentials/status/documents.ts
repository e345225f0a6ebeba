import type { JsonObject } from '../formats/format.ts'
import type { StatusForm } from '../../db/statusPublications.ts'
import { UUID } from '../../uuid.ts'
import { STATUS, type StatusBits } from './statusBits.ts'

const SECOND_MS = 1000

/** Where relying parties reach the documents of a list. @param baseUrl without a slash at its end */
export function statusUrl(baseUrl: string, listId: string, form: StatusForm): string {
  return `${baseUrl}/status/${listId}/${form}`
}

const LIST = new RegExp(`^(${UUID})/(revocation|suspension|token)$`)

/** What such a URL names; undefined for any other. */
export function listOfUrl(
  baseUrl: string,
  url: string,
): { readonly listId: string; readonly form: StatusForm } | undefined {
  const begin = `${baseUrl}/status/`
  const [, listId, form] = url.startsWith(begin) ? (LIST.exec(url.slice(begin.length)) ?? []) : []
  return listId === undefined ? undefined : { listId, form: form as StatusForm }
}

/** What an entry is, for a credential of W3C's data model: one for each purpose. */
export function bitstringEntries(
  baseUrl: string,
  { listId, index }: { readonly listId: string; readonly index: number },
): JsonObject[] {
  return (['revocation', 'suspension'] as const).map((statusPurpose) => {
    const statusListCredential = statusUrl(baseUrl, listId, statusPurpose)
    return {
      id: `${statusListCredential}#${String(index)}`,
      type: 'BitstringStatusListEntry',
      statusPurpose,
      statusListIndex: String(index),
      statusListCredential,
    }
  })
}

/** The `status` claim of an SD-JWT VC, or of any token (Token Status List, 6.2). */
export function tokenStatusClaim(
  baseUrl: string,
  { listId, index }: { readonly listId: string; readonly index: number },
): JsonObject {
  return { status_list: { idx: index, uri: statusUrl(baseUrl, listId, 'token') } }
}

export interface DocumentTimes {
  readonly now: Date
  /** Seconds that it is good for, and that it may be kept before it is asked for anew. */
  readonly validS: number
  readonly ttlS: number
}

/** BitstringStatusListCredential (Bitstring Status List 1.0, 2.2), before it is secured. */
export function bitstringCredential(
  bits: StatusBits,
  by: {
    readonly url: string
    readonly issuer: string
    readonly purpose: 'revocation' | 'suspension'
    readonly times: DocumentTimes
  },
): JsonObject {
  const { url, issuer, purpose, times } = by
  const { now, validS, ttlS } = times
  const status = purpose === 'revocation' ? STATUS.invalid : STATUS.suspended
  return {
    '@context': ['https://www.w3.org/ns/credentials/v2'],
    id: url,
    type: ['VerifiableCredential', 'BitstringStatusListCredential'],
    issuer,
    validFrom: inSeconds(now),
    validUntil: inSeconds(new Date(now.getTime() + validS * SECOND_MS)),
    credentialSubject: {
      id: `${url}#list`,
      type: 'BitstringStatusList',
      statusPurpose: purpose,
      // Milliseconds (2.2).
      ttl: ttlS * SECOND_MS,
      encodedList: bits.bitstring(status),
    },
  }
}

/** The claims of a status list token (Token Status List, 5.1). */
export function statusListClaims(
  bits: StatusBits,
  { url, issuer, times }: { readonly url: string; readonly issuer: string; readonly times: DocumentTimes },
): JsonObject {
  const iat = Math.floor(times.now.getTime() / SECOND_MS)
  return {
    iss: issuer,
    sub: url,
    iat,
    exp: iat + times.validS,
    ttl: times.ttlS,
    status_list: { bits: 2, lst: bits.token() },
  }
}

/** As XML Schema writes it, without a fraction of a second. */
function inSeconds(time: Date): string {
  return time.toISOString().replace(/\.[0-9]+Z$/, 'Z')
}
