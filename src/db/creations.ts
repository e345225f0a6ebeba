import type { Queries } from './database.ts'

/** A credential that waits to be handed over to the client that asked for it. */
export interface Creation {
  readonly credentialId: string
  readonly clientId: string
  readonly keyId: string
  /** Null while it is being made. */
  readonly certificateId: string | null
  readonly seal: Buffer | null
  readonly handed: boolean
}

const COLUMNS = `credential_id as "credentialId", client_id as "clientId", key_id as "keyId",
  certificate_id as "certificateId", seal, handed_at is not null as handed`

/** Begins one. @returns false where this consent is making one already */
export async function planCreation(
  q: Queries,
  planned: Pick<Creation, 'credentialId' | 'clientId' | 'keyId'> & {
    readonly consentHash: Buffer
    readonly seconds: number
  },
): Promise<boolean> {
  const rows = await q.query({
    text: `insert into credential_creation (credential_id, client_id, consent_hash, key_id, expires_at)
           values ($1::text, $2::text, $3::bytea, $4::uuid, now() + $5::int * interval '1 second')
           on conflict (consent_hash) do nothing returning 1`,
    values: [planned.credentialId, planned.clientId, planned.consentHash, planned.keyId, planned.seconds],
  })
  return rows.length === 1
}

/** Everything is made. @returns false where it was given up meanwhile */
export async function completeCreation(
  q: Queries,
  made: {
    readonly credentialId: string
    readonly certificateId: string
    readonly seal: Buffer
    readonly seconds: number
  },
): Promise<boolean> {
  const rows = await q.query({
    text: `update credential_creation
              set certificate_id = $2::uuid, seal = $3::bytea, expires_at = now() + $4::int * interval '1 second'
            where credential_id = $1::text and seal is null and expires_at > now() returning 1`,
    values: [made.credentialId, made.certificateId, made.seal, made.seconds],
  })
  return rows.length === 1
}

/** Lets it wait so many seconds from now. @returns false where it was given up meanwhile */
export async function extendCreation(q: Queries, credentialId: string, seconds: number): Promise<boolean> {
  const rows = await q.query({
    text: `update credential_creation set expires_at = now() + $2::int * interval '1 second'
            where credential_id = $1::text and seal is not null and handed_at is null and expires_at > now()
            returning 1`,
    values: [credentialId, seconds],
  })
  return rows.length === 1
}

/** Of several who hand it over, or end it, one goes on at a time. Call it in a transaction. */
export async function lockCreation(
  tx: Queries,
  { credentialId, clientId }: Pick<Creation, 'credentialId' | 'clientId'>,
): Promise<Creation | undefined> {
  const rows = await tx.query<Creation>({
    text: `select ${COLUMNS} from credential_creation
            where credential_id = $1::text and client_id = $2::text for update`,
    values: [credentialId, clientId],
  })
  return rows[0]
}

export async function markHanded(q: Queries, credentialId: string): Promise<void> {
  await q.query({
    text: 'update credential_creation set handed_at = now() where credential_id = $1::text',
    values: [credentialId],
  })
}

/** Takes one that was not handed over, for whoever ends it; of several, one gets it. */
export async function takeCreation(q: Queries, credentialId: string): Promise<Creation | undefined> {
  const rows = await q.query<Creation>({
    text: `delete from credential_creation where credential_id = $1::text and handed_at is null returning ${COLUMNS}`,
    values: [credentialId],
  })
  return rows[0]
}

/** Whether a pending credential is somebody's who has given the PIN already. */
export async function isBeingCreated(q: Queries, credentialId: string): Promise<boolean> {
  const rows = await q.query({
    text: 'select 1 from credential_creation where credential_id = $1::text',
    values: [credentialId],
  })
  return rows.length > 0
}

/** Ids of credentials that nobody came for in time. What was handed over is forgotten here, some hundred at once. */
export async function overdueCreations(q: Queries, limit: number): Promise<string[]> {
  await q.query({
    text: `delete from credential_creation where credential_id in (
             select credential_id from credential_creation where handed_at is not null and expires_at < now()
              limit $1::int for update skip locked)`,
    values: [limit],
  })
  const rows = await q.query<{ id: string }>({
    text: `select credential_id as id from credential_creation
            where handed_at is null and expires_at < now() order by expires_at limit $1::int`,
    values: [limit],
  })
  return rows.map(({ id }) => id)
}

/** Credentials of a person for a client that are, or could become, of use. */
export async function countCredentials(
  q: Queries,
  { personId, clientId }: { readonly personId: string; readonly clientId: string },
): Promise<number> {
  const rows = await q.query<{ count: number }>({
    text: `select count(*)::int as count from credential
            where person_id = $1::uuid and client_id = $2::text and state <> 'ended'`,
    values: [personId, clientId],
  })
  return rows[0]?.count ?? 0
}
