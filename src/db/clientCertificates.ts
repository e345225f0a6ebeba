import { one, type Queries } from './database.ts'

/** Whose a certificate is: an OAuth client's or an operator's. */
export type CertificateOwner = { readonly clientId: string } | { readonly operatorId: string }

export interface ClientCertificateRow {
  readonly id: string
  /** SHA-256 of the SubjectPublicKeyInfo. */
  readonly spkiHash: Buffer
  readonly subject: string
  readonly addedAt: Date
  /** Null: it lets its owner in. */
  readonly removedAt: Date | null
}

const COLUMNS = `id, spki_hash as "spkiHash", subject, added_at as "addedAt", removed_at as "removedAt"`
/** An owner as the parameters $1 (client) and $2 (operator). */
const OWNED = '(client_id = $1::text or operator_id = $2::uuid)'

function ownerValues(owner: CertificateOwner): [string | null, string | null] {
  return 'clientId' in owner ? [owner.clientId, null] : [null, owner.operatorId]
}

/** @returns false when the key is somebody's already. */
export async function insertClientCertificate(
  q: Queries,
  owner: CertificateOwner,
  made: Pick<ClientCertificateRow, 'id' | 'spkiHash' | 'subject'>,
): Promise<boolean> {
  const rows = await q.query({
    text: `insert into client_certificate (client_id, operator_id, id, spki_hash, subject)
           values ($1::text, $2::uuid, $3::uuid, $4::bytea, $5::text)
           on conflict (spki_hash) where removed_at is null do nothing returning id`,
    values: [...ownerValues(owner), made.id, made.spkiHash, made.subject],
  })
  return rows.length === 1
}

/** In order of registration, those removed as well; `after` is the id of the last one of the page before. */
export async function listClientCertificates(
  q: Queries,
  owner: CertificateOwner,
  query: { readonly limit: number; readonly after?: string | undefined },
): Promise<ClientCertificateRow[]> {
  return q.query<ClientCertificateRow>({
    text: `select ${COLUMNS} from client_certificate
            where ${OWNED} and ($4::uuid is null
               or (added_at, id) > ((select added_at from client_certificate where id = $4::uuid), $4::uuid))
            order by added_at, id limit $3::int`,
    values: [...ownerValues(owner), query.limit, query.after ?? null],
  })
}

export async function findClientCertificate(
  q: Queries,
  owner: CertificateOwner,
  id: string,
): Promise<ClientCertificateRow | undefined> {
  const rows = await q.query<ClientCertificateRow>({
    text: `select ${COLUMNS} from client_certificate where ${OWNED} and id = $3::uuid`,
    values: [...ownerValues(owner), id],
  })
  return rows[0]
}

/** For good: the same key may be registered again, as another row. */
export async function removeClientCertificate(q: Queries, id: string): Promise<void> {
  await q.query({
    text: 'update client_certificate set removed_at = now() where id = $1::uuid and removed_at is null',
    values: [id],
  })
}

/** Hashes of the keys that let a client in. */
export async function clientKeys(q: Queries, clientId: string): Promise<Buffer[]> {
  const rows = await q.query<{ spkiHash: Buffer }>({
    name: 'client-certificate-keys',
    text: `select spki_hash as "spkiHash" from client_certificate
            where client_id = $1::text and removed_at is null order by added_at`,
    values: [clientId],
  })
  return rows.map((row) => row.spkiHash)
}

export async function isOperatorsKey(
  q: Queries,
  asked: { readonly operatorId: string; readonly spkiHash: Buffer },
): Promise<boolean> {
  const rows = await q.query<{ held: boolean }>({
    name: 'operator-certificate-held',
    text: `select exists (select from client_certificate
             where operator_id = $1::uuid and spki_hash = $2::bytea and removed_at is null) as held`,
    values: [asked.operatorId, asked.spkiHash],
  })
  return one(rows).held
}
