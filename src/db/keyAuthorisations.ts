import type { HashName, KeyType } from '../../hsm/algorithms.ts'
import type { Purpose } from '../../hsm/purposes.ts'
import type { AuthorisationRecord, KeyRecord, Sealed } from '../../hsm/records.ts'
import type { AuditEntry } from '../audit.ts'
import { forgetting, type Attempt } from './attempts.ts'
import { AUDIT_INSERT, auditColumns, auditUnnest } from './audit.ts'
import { byteas } from './binary.ts'
import { one, type Queries } from './database.ts'
import { grouped } from './groupCommit.ts'
import type { HolderKeyState } from './holderKeys.ts'
import type { KeyState } from './keys.ts'
import { keyVerdict } from './reserveStatements.ts'

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
  /** Names no digests. */
  readonly authorisation: Sealed<AuthorisationRecord>
  readonly sadHash: Buffer
  readonly audit: AuditEntry
  /** That made it: its client's failures are forgotten. */
  readonly attempt: Attempt
}

/** Stores a sealed authorisation for so many signatures, with its audit act, and ends the attempt. */
export async function createKeyAuthorisation(q: Queries, made: NewKeyAuthorisation): Promise<void> {
  const { authorisation: a, sadHash, audit, attempt } = made
  await q.query({
    name: 'authorisation-create-key',
    text: `with recorded as (${AUDIT_INSERT} from ${auditUnnest(9)} returning 1),
      ${forgetting('$3', '$8')},
      made as (
        insert into authorisation (id, client_id, key_id, hash, bound, count, expires_at, seal, sad_hash)
        values ($1::uuid, $2::text, $3::uuid, $4::text, false, $5::int, ${EXPIRES_AT}, $7::bytea, $18::bytea)
        returning id, count)
      insert into authorised_hash (authorisation_id, position, digest)
      select made.id, position, ''::bytea from made, generate_series(1, made.count) as position`,
    values: [...columns(a), attempt.clientId, ...auditColumns([audit]), sadHash],
  })
}

const EXPIRES_AT = `timestamptz 'epoch' + $6::bigint * interval '1 millisecond'`

const columns = (a: Sealed<AuthorisationRecord>): unknown[] => [
  a.authorisationId,
  a.clientId,
  a.keyId,
  a.hash ?? null,
  a.count,
  a.expiresAt,
  a.seal,
]

/** An authorisation for one signature that is made at once. */
export interface TakenAtOnce extends Omit<NewKeyAuthorisation, 'sadHash' | 'audit'> {
  /** What stands for the one digest that it names. */
  readonly occurrence: Buffer
  /** The attempt at the signature. */
  readonly signature: string
  readonly instanceId: string
  /** The act that made it, and the signature's intent. */
  readonly audit: readonly AuditEntry[]
}

/**
 * Stores a sealed authorisation whose one occurrence is taken already: both are durable when this resolves, in one statement,
 * since it is once a signature. It has no bearer value. The attempt ends in any case: the secrets were right.
 */
export async function takeKeyAuthorisation(
  q: Queries,
  made: TakenAtOnce,
): Promise<'reserved' | 'permit_expired' | 'credential_disabled'> {
  const { authorisation: a, occurrence, signature, instanceId, audit, attempt } = made
  const { verdict } = one(
    await q.query<{ verdict: 'live' | 'permit_expired' | 'credential_disabled' }>({
      name: 'authorisation-take-key',
      text: `with judged as materialized (
          select ${keyVerdict(EXPIRES_AT)} as verdict
            from holder_key h join key k on k.id = h.key_id join client cl on cl.id = h.client_id
           where h.key_id = $3::uuid and h.client_id = $2::text),
        ${forgetting('$3', '$8')},
        made as (
          insert into authorisation (id, client_id, key_id, hash, bound, count, expires_at, seal)
          select $1::uuid, $2::text, $3::uuid, $4::text, true, $5::int, ${EXPIRES_AT}, $7::bytea
            from judged where verdict = 'live'
          returning id),
        opened as (
          insert into attempt (id, authorisation_id, instance) select $18::uuid, id, $19::uuid from made),
        taken as (
          insert into authorised_hash (authorisation_id, position, digest, attempt)
          select id, 1, $20::bytea, $18::uuid from made),
        recorded as (${AUDIT_INSERT} from ${auditUnnest(9)} cross join made)
        select verdict from judged`,
      values: [...columns(a), attempt.clientId, ...auditColumns(audit), signature, instanceId, occurrence],
    }),
  )
  return verdict === 'live' ? 'reserved' : verdict
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
