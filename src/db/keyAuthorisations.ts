import type { HashName, KeyType } from '../../hsm/algorithms.ts'
import type { Purpose } from '../../hsm/purposes.ts'
import type { AuthorisationRecord, KeyRecord, Sealed } from '../../hsm/records.ts'
import type { AuditEntry } from '../audit.ts'
import type { Attempt } from './attempts.ts'
import { AUDIT_INSERT, auditColumns, auditUnnest } from './audit.ts'
import { UNKNOWN_DIGEST } from './authorisations.ts'
import { byteas } from './binary.ts'
import type { Queries } from './database.ts'
import { grouped } from './groupCommit.ts'
import type { HolderKeyState } from './holderKeys.ts'
import type { KeyState } from './keys.ts'

/** What an activation of a holder key stands for: the sealed records, and what may forbid their use, as it is now. */
export interface FoundForKey {
  readonly key: Sealed<KeyRecord>
  readonly authorisation: Sealed<AuthorisationRecord>
  readonly state: HolderKeyState
  readonly keyState: KeyState
  /** By the database's clock. */
  readonly expired: boolean
}

export interface NewKeyAuthorisation {
  readonly authorisation: Sealed<AuthorisationRecord>
  readonly sadHash: Buffer
  readonly audit: AuditEntry
  /** What stands for each digest that is named; absent: none is, and the count is what there is. */
  readonly occurrences?: readonly Buffer[] | undefined
  /** That made it: its client's failures are forgotten. */
  readonly attempt: Attempt
}

/** Stores a sealed authorisation, with its audit act, and ends the attempt: one statement, since it is once a signature. */
export async function createKeyAuthorisation(q: Queries, made: NewKeyAuthorisation): Promise<void> {
  const { authorisation: a, occurrences, attempt } = made
  await q.query({
    name: 'authorisation-create-key',
    text: `with recorded as (${AUDIT_INSERT} from ${auditUnnest(12)} returning 1),
      mine as (
        select failures from activation_attempt where key_id = $4::uuid and client_id = $11::text for update),
      reset as (
        update activation_attempt set failures = 0, next_at = null, updated_at = now()
         where key_id = $4::uuid and client_id = $11::text),
      of_all as (
        update activation_total set failures = greatest(0, failures - coalesce((select failures from mine), 0))
         where key_id = $4::uuid),
      made as (
        insert into authorisation (id, sad_hash, client_id, key_id, hash, bound, count, expires_at, seal)
        values ($1::uuid, $2::bytea, $3::text, $4::uuid, $5::text, $6::boolean, $7::int,
                timestamptz 'epoch' + $8::bigint * interval '1 millisecond', $9::bytea)
        returning id)
      insert into authorised_hash (authorisation_id, position, digest)
      select made.id, given.position, given.digest
        from made, unnest($10::bytea[]) with ordinality as given(digest, position)`,
    values: [
      a.authorisationId,
      made.sadHash,
      a.clientId,
      a.keyId,
      a.hash ?? null,
      a.digests !== undefined,
      a.count,
      a.expiresAt,
      a.seal,
      byteas(occurrences ?? Array.from({ length: a.count }, () => UNKNOWN_DIGEST)),
      attempt.clientId,
      ...auditColumns([made.audit]),
    ],
  })
}

interface Row extends Pick<FoundForKey, 'state' | 'keyState' | 'expired'> {
  readonly lookup: number
  readonly authorisationId: string
  readonly keyId: string
  readonly clientId: string
  readonly hash: HashName | null
  readonly count: number
  readonly expiresAtMs: string
  readonly authorisationSeal: Buffer
  readonly tokenSerial: string
  readonly ckaId: Buffer
  readonly keyType: KeyType
  readonly purpose: Purpose
  readonly spki: Buffer
  readonly keySeal: Buffer
}

/**
 * Finds what an activation stands for, by its SHA-256. Those that name what they are for are used by whoever made them, at
 * once, and are not found here. For which client and key it is good, the caller compares.
 */
export const findActivationBySad = grouped<Buffer, FoundForKey | undefined>({
  name: 'authorisation-by-sad-key',
  rows: () => 1,
  flush: async (db, sadHashes) => {
    const rows = await db.query<Row>({
      name: 'authorisation-by-sad-key',
      text: `select asked.lookup::int, a.id as "authorisationId", a.key_id as "keyId", a.client_id as "clientId",
                    a.hash, a.count, a.seal as "authorisationSeal",
                    (extract(epoch from a.expires_at) * 1000)::bigint as "expiresAtMs", a.expires_at <= now() as expired,
                    h.state, k.state as "keyState", k.purpose, k.token_serial as "tokenSerial", k.cka_id as "ckaId",
                    k.key_type as "keyType", k.spki, k.seal as "keySeal"
               from unnest($1::bytea[]) with ordinality as asked(hash, lookup)
               join authorisation a on a.sad_hash = asked.hash and a.revoked_at is null
               join holder_key h on h.key_id = a.key_id
               join key k on k.id = a.key_id
              where a.credential_id is null and not a.bound and k.seal is not null`,
      values: [byteas(sadHashes)],
    })
    const found = new Map(rows.map((row) => [row.lookup - 1, row]))
    return sadHashes.map((_, index) => {
      const row = found.get(index)
      return row && foundRow(row)
    })
  },
})

function foundRow(row: Row): FoundForKey {
  const { state, keyState, expired, keyId, tokenSerial, ckaId, keyType, purpose, spki } = row
  return {
    state,
    keyState,
    expired,
    key: { keyId, tokenSerial, ckaId, keyType, purpose, spki, seal: row.keySeal },
    authorisation: {
      authorisationId: row.authorisationId,
      keyId,
      credentialId: '',
      clientId: row.clientId,
      hash: row.hash ?? undefined,
      digests: undefined,
      count: row.count,
      expiresAt: Number(row.expiresAtMs),
      seal: row.authorisationSeal,
    },
  }
}
