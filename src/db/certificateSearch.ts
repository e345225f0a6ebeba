import { searched } from './certificates.ts'
import type { Queries } from './database.ts'

export interface FoundCertificate {
  readonly id: string
  readonly serial: Buffer
  readonly profile: string
  readonly state: string
  /** Null: an older binary issued it. */
  readonly subject: string | null
  readonly issuerId: string | null
  readonly notBefore: Date
  readonly notAfter: Date
}

const COLUMNS = `id, serial, profile, state, subject, issuer_id as "issuerId", not_before as "notBefore",
  not_after as "notAfter"`

/** Ranges and not LIKE: a plan that is made once for all values finds a prefix by nothing else. */
const LAST_CHARACTER = 'chr(1114111)'
const SERIAL_OCTETS = 20

/**
 * Certificates whose subject begins so, as people read it (subjectPrefix in src/pki/names.ts), whatever the case; in the order
 * of their names. @param query.after the last one of the page before
 */
export async function certificatesBySubject(
  q: Queries,
  query: {
    readonly prefix: string
    readonly limit: number
    readonly after?: { readonly subject: string; readonly id: string } | undefined
  },
): Promise<FoundCertificate[]> {
  return q.query<FoundCertificate>({
    name: 'certificates-by-subject',
    text: `select ${COLUMNS} from certificate
            where subject_key is not null
              and subject_key ~>=~ $1::text and subject_key ~<~ ($1::text || ${LAST_CHARACTER})
              and ($2::text is null or subject_key ~>~ $2::text or (subject_key = $2::text and id > $3::uuid))
            order by subject_key using ~<~, id limit $4::int`,
    values: [
      searched(query.prefix),
      query.after && searched(query.after.subject),
      query.after?.id,
      query.limit,
    ],
  })
}

/** Certificates whose serial number begins with these octets, in their order. */
export async function certificatesBySerial(
  q: Queries,
  query: { readonly prefix: Buffer; readonly limit: number; readonly after?: Buffer | undefined },
): Promise<FoundCertificate[]> {
  const last = Buffer.concat([query.prefix, Buffer.alloc(SERIAL_OCTETS, 0xff)])
  return q.query<FoundCertificate>({
    name: 'certificates-by-serial',
    text: `select ${COLUMNS} from certificate
            where serial >= $1::bytea and serial <= $2::bytea and ($3::bytea is null or serial > $3::bytea)
            order by serial limit $4::int`,
    values: [query.prefix, last, query.after ?? null, query.limit],
  })
}
