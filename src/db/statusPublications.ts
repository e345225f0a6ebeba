/** Whose turn it is to publish a status list, of what, and what relying parties get. */
import { byteas } from './binary.ts'
import { one, type Queries } from './database.ts'

export type StatusForm = 'revocation' | 'suspension' | 'token'

/** A list that is ours to publish, as it was published last. */
export interface DueList {
  readonly id: string
  readonly issuerId: string
  readonly length: number
  /** Undefined: never yet. */
  readonly octets: Buffer | undefined
  /** All of its documents are made anew, whatever changed. */
  readonly isRefreshed: boolean
}

/** Takes lists that were never published, whose refreshing has come, or that lack a change. */
export async function takeDueLists(
  q: Queries,
  by: { readonly instanceId: string; readonly limit: number; readonly issuerId?: string },
): Promise<DueList[]> {
  const rows = await q.query<Omit<DueList, 'octets'> & { octets: Buffer | null }>({
    name: 'status-take-lists',
    text: `with wanted as (
        select id from status_list where refresh_at is null or refresh_at <= now()
        union select list_id from status_entry where not is_published),
      due as materialized (
        select l.id, coalesce(l.refresh_at <= now(), true) as is_refreshed from status_list l join wanted using (id)
         where ($3::uuid is null or l.issuer_id = $3::uuid) and coalesce(l.retry_at, now()) <= now()
           and (l.instance is null or not exists
                (select from instance i where i.id = l.instance and i.lease_until > now()))
         order by l.id limit $2::int for update of l skip locked)
      update status_list l set instance = $1::uuid from due where l.id = due.id
      returning l.id, l.issuer_id as "issuerId", l.length, l.octets, due.is_refreshed as "isRefreshed"`,
    values: [by.instanceId, by.limit, by.issuerId ?? null],
  })
  return rows.map((row) => ({ ...row, octets: row.octets ?? undefined }))
}

export interface ChangedEntry {
  readonly index: number
  readonly status: number
}

export async function unpublishedEntries(q: Queries, listId: string): Promise<ChangedEntry[]> {
  return q.query<ChangedEntry>({
    name: 'status-unpublished',
    text: 'select index, status from status_entry where list_id = $1::uuid and not is_published',
    values: [listId],
  })
}

export interface StatusDocument {
  readonly form: StatusForm
  readonly mediaType: string
  readonly body: Buffer
  readonly sha256: Buffer
}

/**
 * What was made becomes what relying parties get, and the changes that are in it are published; one that changed once more
 * meanwhile is not.
 * @returns false where the list is somebody else's by now: nothing was stored
 */
export async function storePublication(
  tx: Queries,
  made: {
    readonly listId: string
    readonly instanceId: string
    /** Undefined: as they were. A list of a million has 256 KiB of them. */
    readonly octets: Buffer | undefined
    readonly changes: readonly ChangedEntry[]
    readonly documents: readonly StatusDocument[]
    /** Where all of its documents were made anew: seconds until they are made again. */
    readonly refreshS: number | undefined
    readonly validS: number
  },
): Promise<boolean> {
  const { listId, changes } = made
  const rows = await tx.query({
    text: `update status_list set octets = coalesce($3::bytea, octets), instance = null, retry_at = null,
                  refresh_at = coalesce(now() + $4::int * interval '1 second', refresh_at)
            where id = $1::uuid and instance = $2::uuid returning 1`,
    values: [listId, made.instanceId, made.octets ?? null, made.refreshS ?? null],
  })
  if (rows.length === 0) return false
  await storeDocuments(tx, made)
  await tx.query({
    text: `update status_entry e set is_published = true
             from unnest($2::int[], $3::smallint[]) as c(index, status)
            where e.list_id = $1::uuid and e.index = c.index and e.status = c.status and not e.is_published`,
    values: [listId, changes.map(({ index }) => index), changes.map(({ status }) => status)],
  })
  return true
}

async function storeDocuments(
  tx: Queries,
  made: {
    readonly listId: string
    readonly documents: readonly StatusDocument[]
    readonly validS: number
  },
): Promise<void> {
  const { listId, documents } = made
  await tx.query({
    text: `insert into status_document as d (list_id, form, media_type, body, sha256, published_at, expires_at)
           select $1::uuid, form, media_type, body, sha256, now(), now() + $6::int * interval '1 second'
             from unnest($2::text[], $3::text[], $4::bytea[], $5::bytea[]) as made(form, media_type, body, sha256)
           on conflict (list_id, form) do update set media_type = excluded.media_type, body = excluded.body,
             sha256 = excluded.sha256, published_at = excluded.published_at, expires_at = excluded.expires_at`,
    values: [
      listId,
      documents.map(({ form }) => form),
      documents.map(({ mediaType }) => mediaType),
      byteas(documents.map(({ body }) => body)),
      byteas(documents.map(({ sha256 }) => sha256)),
      made.validS,
    ],
  })
}

/** A list that came to nothing: tried again after a while, by anybody. */
export async function giveBackStatusList(
  q: Queries,
  list: { readonly listId: string; readonly instanceId: string; readonly retryS: number },
): Promise<void> {
  await q.query({
    text: `update status_list set instance = null, retry_at = now() + $3::int * interval '1 second'
            where id = $1::uuid and instance = $2::uuid`,
    values: [list.listId, list.instanceId, list.retryS],
  })
}

export interface PublishedDocument extends Omit<StatusDocument, 'form'> {
  readonly publishedAt: Date
  readonly expiresAt: Date
}

export async function findDocument(
  q: Queries,
  { listId, form }: { readonly listId: string; readonly form: StatusForm },
): Promise<PublishedDocument | undefined> {
  const [row] = await q.query<PublishedDocument>({
    name: 'status-document',
    text: `select media_type as "mediaType", body, sha256, published_at as "publishedAt", expires_at as "expiresAt"
             from status_document where list_id = $1::uuid and form = $2::text`,
    values: [listId, form],
  })
  return row
}

/** How status lists keep to their times. */
export interface StatusHealth {
  /** Lists that were never published, or of whose time between refreshing and ending more than half is over. */
  readonly late: number
  /** Seconds that the oldest change which is not published has waited; 0: none waits. */
  readonly oldestChange: number
}

export async function statusHealth(q: Queries): Promise<StatusHealth> {
  return one(
    await q.query<StatusHealth>({
      text: `select (select count(*) from status_list l
                       left join lateral (select min(expires_at) as expires_at from status_document
                                           where list_id = l.id) d on true
                      where l.refresh_at is null
                         or now() > l.refresh_at + (d.expires_at - l.refresh_at) / 2)::int as late,
                    coalesce(extract(epoch from now() -
                      (select min(changed_at) from status_entry where not is_published)), 0)::float8 as "oldestChange"`,
    }),
  )
}
