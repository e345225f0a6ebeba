import type { HashName, KeyType } from '../../hsm/algorithms.ts'
import type { Purpose } from '../../hsm/purposes.ts'
import type { AuthorisationRecord, CredentialRecord, KeyRecord, Origin, Sealed } from '../../hsm/records.ts'
import type { AuditEntry } from '../audit.ts'
import { AUDIT_INSERT, auditColumns, auditUnnest } from './audit.ts'
import { byteas } from './binary.ts'
import type { Usability } from './credentials.ts'
import type { Queries } from './database.ts'
import { grouped } from './groupCommit.ts'
import { ACCESS_TOKEN, PROVEN_TOKEN } from './oauth.ts'

/** What a SAD stands for: the sealed records behind it, and what may forbid their use, as it is now. */
export interface Found extends Usability {
  readonly key: Sealed<KeyRecord>
  readonly credential: Sealed<CredentialRecord>
  readonly authorisation: Sealed<AuthorisationRecord>
  /** The SAD is an access token that is bound: thumbprint of the certificate (RFC 8705) or of the key (RFC 9449). */
  readonly boundTo: string | undefined
  /** By the database's clock. */
  readonly expired: boolean
}

/** Under SCAL 1 an occurrence names no digest. */
const UNKNOWN_DIGEST = Buffer.alloc(0)

export interface NewAuthorisation {
  readonly authorisation: Sealed<AuthorisationRecord>
  /** Null: it has no bearer value yet; see bearers.ts. */
  readonly sadHash: Buffer | null
  readonly audit: AuditEntry
  /** Digests of the occurrences, where they may be fewer than what is sealed allows. */
  readonly occurrences?: readonly Buffer[]
}

/** Stores a sealed authorisation, one row for each occurrence that it allows, with its audit act. */
export async function createAuthorisation(q: Queries, made: NewAuthorisation): Promise<void> {
  const { authorisation: a } = made
  const digests = made.occurrences ?? a.digests ?? Array.from({ length: a.count }, () => UNKNOWN_DIGEST)
  await q.query({
    name: 'authorisation-create',
    text: `with recorded as (${AUDIT_INSERT} from ${auditUnnest(15)} returning 1),
      made as (
        insert into authorisation (id, sad_hash, client_id, credential_id, key_id, hash, bound, count, expires_at,
                                   seal, origin_id, origin_count, origin_expires_at)
        values ($1::uuid, $2::bytea, $3::text, $4::text, $5::uuid, $6::text, $7::boolean, $8::int,
                timestamptz 'epoch' + $9::bigint * interval '1 millisecond', $10::bytea, $12::uuid, $13::int,
                timestamptz 'epoch' + $14::bigint * interval '1 millisecond')
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
      byteas(digests),
      ...originColumns(a.origin),
      ...auditColumns([made.audit]),
    ],
  })
}

const originColumns = (origin: Origin | undefined): unknown[] =>
  origin === undefined ? [null, null, null] : [origin.authorisationId, origin.count, origin.expiresAt]

interface SadRow extends Usability {
  readonly lookup: number
  readonly authorisationId: string
  readonly keyId: string
  readonly clientId: string
  readonly hash: HashName | null
  readonly digests: Buffer | null
  readonly count: number
  readonly expiresAtMs: string
  readonly originId: string | null
  readonly originCount: number | null
  readonly originExpiresAtMs: string | null
  readonly authorisationSeal: Buffer
  readonly boundTo: string | null
  readonly expired: boolean
  readonly credentialId: string
  readonly credentialKeyId: string
  readonly credentialClientId: string
  readonly personId: string
  readonly scal: 1 | 2
  readonly mode: CredentialRecord['mode']
  readonly multisign: number
  readonly secondFactor: string | null
  readonly certificate: Buffer
  readonly credentialSeal: Buffer
  readonly tokenSerial: string
  readonly ckaId: Buffer
  readonly keyType: KeyType
  readonly purpose: Purpose
  readonly spki: Buffer
  readonly keySeal: Buffer
}

/** @param asked what they are looked up by, in order; @param is which one is meant */
const lookup = (asked: string, is: string): string =>
  `select asked.lookup::int, a.id as "authorisationId", a.key_id as "keyId", a.client_id as "clientId",
         a.hash, a.count, a.seal as "authorisationSeal",
         (extract(epoch from a.expires_at) * 1000)::bigint as "expiresAtMs", a.expires_at <= now() as expired,
         a.origin_id as "originId", a.origin_count as "originCount",
         (extract(epoch from a.origin_expires_at) * 1000)::bigint as "originExpiresAtMs",
         case when c.mode = 'oauth2code' then
           (select coalesce(o.payload ->> 'x5t#S256', o.payload ->> 'jkt') from oauth_object o
             where o.model in ('${ACCESS_TOKEN}', '${PROVEN_TOKEN}') and o.id_hash = a.sad_hash)
         end as "boundTo",
         case when a.bound then
           (select string_agg(int4send(length(h.digest)) || h.digest, '' order by h.position)
              from authorised_hash h where h.authorisation_id = a.id)
         end as digests,
         c.id as "credentialId", c.key_id as "credentialKeyId", c.client_id as "credentialClientId",
         c.person_id as "personId", c.scal, c.mode, c.multisign, c.second_factor as "secondFactor", c.state, c.seal as "credentialSeal",
         k.state as "keyState", k.purpose, k.token_serial as "tokenSerial", k.cka_id as "ckaId",
         k.key_type as "keyType", k.spki, k.seal as "keySeal",
         sha256(ce.der) as certificate, ce.state as "certificateState",
         ce.not_after <= now() or ce.not_before > now() as "certificateExpired"
    from unnest(${asked}) with ordinality as asked(named, lookup)
    join authorisation a on ${is}
    join credential c on c.id = a.credential_id
    join key k on k.id = c.key_id
    join certificate ce on ce.id = c.certificate_id
   where k.seal is not null and c.seal is not null and ce.der is not null`

const BY_SAD = lookup('$1::bytea[]', 'a.sad_hash = asked.named and a.revoked_at is null')
const BY_ID = lookup('$1::uuid[]', 'a.id = asked.named')

/**
 * Finds what a SAD stands for, by its SHA-256. For which client, credential and key it is good, the caller compares,
 * since an altered row must be noticed. Reads of requests in flight are grouped.
 */
export const findBySad = grouped<Buffer, Found | undefined>({
  name: 'authorisation-by-sad',
  rows: () => 1,
  flush: async (db, sadHashes) => {
    const rows = await db.query<SadRow>({
      name: 'authorisation-by-sad',
      text: BY_SAD,
      values: [byteas(sadHashes)],
    })
    const found = new Map(rows.map((row) => [row.lookup - 1, row]))
    return sadHashes.map((_, index) => {
      const row = found.get(index)
      return row && foundRow(row)
    })
  },
})

/** The same by its id, whatever has become of its SAD. */
export async function findAuthorisation(q: Queries, id: string): Promise<Found | undefined> {
  const [row] = await q.query<SadRow>({
    name: 'authorisation-by-id',
    text: BY_ID,
    values: [[id]],
  })
  return row && foundRow(row)
}

function foundRow(row: SadRow): Found {
  const { state, keyState, certificateState, certificateExpired, expired } = row
  return {
    boundTo: row.boundTo ?? undefined,
    state,
    keyState,
    certificateState,
    certificateExpired,
    expired,
    key: keyOf(row),
    credential: credentialOf(row),
    authorisation: {
      authorisationId: row.authorisationId,
      keyId: row.keyId,
      credentialId: row.credentialId,
      clientId: row.clientId,
      hash: row.hash ?? undefined,
      digests: row.digests === null ? undefined : split(row.digests),
      count: row.count,
      expiresAt: Number(row.expiresAtMs),
      seal: row.authorisationSeal,
      ...originOf(row),
    },
  }
}

function originOf({ originId, originCount, originExpiresAtMs }: SadRow): { origin?: Origin } {
  if (originId === null || originCount === null || originExpiresAtMs === null) return {}
  return { origin: { authorisationId: originId, count: originCount, expiresAt: Number(originExpiresAtMs) } }
}

function keyOf(row: SadRow): Sealed<KeyRecord> {
  const { credentialKeyId: keyId, tokenSerial, ckaId, keyType, purpose, spki, keySeal: seal } = row
  return { keyId, tokenSerial, ckaId, keyType, purpose, spki, seal }
}

function credentialOf(row: SadRow): Sealed<CredentialRecord> {
  const { credentialId, credentialKeyId: keyId, personId, credentialClientId: clientId } = row
  const { certificate, scal, mode, multisign, credentialSeal: seal } = row
  const secondFactor = row.secondFactor ?? undefined
  return { credentialId, keyId, personId, clientId, certificate, scal, mode, multisign, secondFactor, seal }
}

/** Octet strings, each behind its length. */
function split(joined: Buffer): Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0; at < joined.length;) {
    const start = at + 4
    at = start + joined.readUInt32BE(at)
    parts.push(joined.subarray(start, at))
  }
  return parts
}
