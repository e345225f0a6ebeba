import type { HashName, KeyType } from '../../hsm/algorithms.ts'
import type { Purpose } from '../../hsm/purposes.ts'
import type { AuthorisationRecord, KeyRecord, Sealed } from '../../hsm/records.ts'
import type { AuditEntry } from '../audit.ts'
import { forgetting } from './attempts.ts'
import { AUDIT_INSERT, auditColumns, auditUnnest } from './audit.ts'
import { byteas, texts, times, uuids } from './binary.ts'
import type { Queries } from './database.ts'
import { grouped } from './groupCommit.ts'
import type { HolderKeyState } from './holderKeys.ts'
import type { KeyState } from './keys.ts'
import type { ReserveVerdict } from './reservations.ts'
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
}

/** Stores a sealed authorisation for so many signatures, with its audit act, and forgets its client's failures. */
export async function createKeyAuthorisation(q: Queries, made: NewKeyAuthorisation): Promise<void> {
  const { authorisation: a, sadHash, audit } = made
  await q.query({
    name: 'authorisation-create-key',
    text: `with recorded as (${AUDIT_INSERT} from ${auditUnnest(8)} returning 1),
      ${forgetting('select $3::uuid, $2::text')},
      made as (
        insert into authorisation (id, client_id, key_id, hash, bound, count, expires_at, seal, sad_hash)
        values ($1::uuid, $2::text, $3::uuid, $4::text, false, $5::int,
                timestamptz 'epoch' + $6::bigint * interval '1 millisecond', $7::bytea, $17::bytea)
        returning id, count)
      insert into authorised_hash (authorisation_id, position, digest)
      select made.id, position, ''::bytea from made, generate_series(1, made.count) as position`,
    values: [
      a.authorisationId,
      a.clientId,
      a.keyId,
      a.hash ?? null,
      a.count,
      a.expiresAt,
      a.seal,
      ...auditColumns([audit]),
      sadHash,
    ],
  })
}

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

type TakeVerdict = Extract<
  ReserveVerdict,
  'reserved' | 'permit_unknown' | 'permit_expired' | 'credential_disabled'
>

/**
 * Stores a sealed authorisation whose one occurrence is taken already: both are durable when this resolves, in one statement,
 * since it is once a signature. It has no bearer value. The client's failures are forgotten in any case: the secrets were right.
 */
export const takeKeyAuthorisation = grouped<TakenAtOnce, TakeVerdict>({
  name: 'authorisation-take-key',
  rows: () => 1,
  flush: async (db, items) => {
    const authorisations = items.map(({ authorisation }) => authorisation)
    const entries = items.flatMap(({ audit, signature }) => audit.map((entry) => ({ entry, signature })))
    const rows = await db.query<{ signature: string; verdict: TakeVerdict }>({
      name: 'authorisation-take-key',
      text: TAKE_AT_ONCE,
      values: [
        uuids(authorisations.map(({ authorisationId }) => authorisationId)),
        texts(authorisations.map(({ clientId }) => clientId)),
        uuids(authorisations.map(({ keyId }) => keyId)),
        // No hash has this name.
        texts(authorisations.map(({ hash }) => hash ?? '')),
        times(authorisations.map(({ expiresAt }) => new Date(expiresAt))),
        byteas(authorisations.map(({ seal }) => seal)),
        uuids(items.map(({ signature }) => signature)),
        byteas(items.map(({ occurrence }) => occurrence)),
        items[0]?.instanceId ?? null,
        uuids(entries.map(({ signature }) => signature)),
        ...auditColumns(entries.map(({ entry }) => entry)),
      ],
    })
    const verdicts = new Map(rows.map(({ signature, verdict }) => [signature, verdict]))
    return items.map(({ signature }) => verdicts.get(signature) ?? 'permit_unknown')
  },
})

/** Rows of attempts are locked in the order of the keys, as they are when attempts are counted. */
const TAKE_AT_ONCE = `with asked as materialized (
    select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::timestamptz[], $6::bytea[], $7::uuid[],
                         $8::bytea[]) as a(id, client_id, key_id, hash, expires_at, seal, signature, digest)),
  judged as materialized (
    select a.*, ${keyVerdict()} as verdict
      from asked a join holder_key h on h.key_id = a.key_id
      join key k on k.id = h.key_id join client cl on cl.id = h.client_id),
  live as materialized (select * from judged where verdict = 'live'),
  ${forgetting('select key_id, client_id from judged')},
  made as (
    insert into authorisation (id, client_id, key_id, hash, bound, count, expires_at, seal)
    select id, client_id, key_id, nullif(hash, ''), true, 1, expires_at, seal from live),
  opened as (insert into attempt (id, authorisation_id, instance) select signature, id, $9::uuid from live),
  taken as (
    insert into authorised_hash (authorisation_id, position, digest, attempt) select id, 1, digest, signature from live),
  recorded as (
    ${AUDIT_INSERT} from ${auditUnnest(11)}
      join unnest($10::uuid[], $11::uuid[]) as of(signature, id) on of.id = entry.id join live using (signature))
  select signature, case when verdict = 'live' then 'reserved' else verdict end as verdict from judged`

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
