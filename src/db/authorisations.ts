import type { HashName } from '../../hsm/algorithms.ts'
import type { AuthorisationRecord, Sealed } from '../../hsm/records.ts'
import type { AuditEntry } from '../audit.ts'
import { AUDIT_INSERT, auditColumns, auditUnnest } from './audit.ts'
import { CREDENTIAL_COLUMNS, CREDENTIAL_JOINS, type CredentialRow } from './credentials.ts'
import type { Queries } from './database.ts'
import { grouped } from './groupCommit.ts'

/** What a SAD stands for: the authorisation as sealed, and the credential it was given for, as it is now. */
export interface AuthorisedCredential {
  readonly authorisation: Sealed<AuthorisationRecord>
  readonly credential: CredentialRow
  readonly expired: boolean
}

/** Under SCAL 1 an occurrence names no digest. */
const UNKNOWN_DIGEST = Buffer.alloc(0)

/** Stores an activated authorisation, one row for each occurrence that it allows, with its audit act. */
export async function createAuthorisation(
  q: Queries,
  made: {
    readonly authorisation: Sealed<AuthorisationRecord>
    readonly sadHash: Buffer
    readonly audit: AuditEntry
  },
): Promise<void> {
  const { authorisation: a } = made
  const digests = a.digests ?? Array.from({ length: a.count }, () => UNKNOWN_DIGEST)
  await q.query({
    name: 'authorisation-create',
    text: `with recorded as (${AUDIT_INSERT} from ${auditUnnest(12)} returning 1),
      made as (
        insert into authorisation
          (id, sad_hash, client_id, credential_id, key_id, hash, bound, count, expires_at, seal)
        values ($1::uuid, $2::bytea, $3::text, $4::text, $5::uuid, $6::text, $7::boolean, $8::int,
                timestamptz 'epoch' + $9::bigint * interval '1 millisecond', $10::bytea)
        returning id)
      insert into authorised_hash (authorisation_id, position, digest)
      select made.id, given.position, given.digest
        from made, unnest($11::bytea[]) with ordinality as given(digest, position)`,
    values: [
      a.authorisationId,
      made.sadHash,
      a.clientId,
      a.credentialId,
      a.keyId,
      a.hash ?? null,
      a.digests !== undefined,
      a.count,
      a.expiresAt,
      a.seal,
      digests,
      ...auditColumns([made.audit]),
    ],
  })
}

type SadRow = CredentialRow & {
  readonly lookup: string
  readonly authorisationId: string
  readonly authorisedKeyId: string
  readonly authorisedClientId: string
  readonly hash: HashName | null
  readonly digests: Buffer[] | null
  readonly count: number
  readonly expiresAtMs: string
  readonly authorisationSeal: Buffer
  readonly expired: boolean
}

/**
 * Finds what a SAD stands for, by its SHA-256. For which client and credential it is good, the caller compares, since an
 * altered row must be noticed. Reads of requests in flight are grouped.
 */
export const findBySad = grouped<Buffer, AuthorisedCredential | undefined>({
  rows: () => 1,
  flush: async (db, sadHashes) => {
    const rows = await db.query<SadRow>({
      name: 'authorisation-by-sad',
      text: `select asked.lookup, a.id as "authorisationId", a.key_id as "authorisedKeyId",
               a.client_id as "authorisedClientId", a.hash, a.count, a.seal as "authorisationSeal",
               (extract(epoch from a.expires_at) * 1000)::bigint as "expiresAtMs", a.expires_at <= now() as expired,
               case when a.bound then
                 (select array_agg(h.digest order by h.position) from authorised_hash h where h.authorisation_id = a.id)
               end as digests, ${CREDENTIAL_COLUMNS}
          from unnest($1::bytea[]) with ordinality as asked(sad_hash, lookup)
          join authorisation a on a.sad_hash = asked.sad_hash
          join credential c on c.id = a.credential_id
          ${CREDENTIAL_JOINS}`,
      values: [sadHashes],
    })
    const found = new Map(rows.map((row) => [Number(row.lookup) - 1, row]))
    return sadHashes.map((_, index) => {
      const row = found.get(index)
      return row && authorised(row)
    })
  },
})

function authorised(row: SadRow): AuthorisedCredential {
  return {
    expired: row.expired,
    credential: row,
    authorisation: {
      authorisationId: row.authorisationId,
      keyId: row.authorisedKeyId,
      credentialId: row.id,
      clientId: row.authorisedClientId,
      hash: row.hash ?? undefined,
      digests: row.digests ?? undefined,
      count: row.count,
      expiresAt: Number(row.expiresAtMs),
      seal: row.authorisationSeal,
    },
  }
}
