import { AUDIT_VERSION, type AuditEntry, type AuditKind } from '../audit.ts'
import { byteas, texts, times, uuids } from './binary.ts'
import { AUDIT_INTO, type Queries } from './database.ts'

/** The columns of audit as one array each, for unnest: `auditColumns` beside `auditUnnest` in a larger statement. */
export function auditColumns(entries: readonly AuditEntry[]): Buffer[] {
  return [
    uuids(entries.map((e) => e.id)),
    times(entries.map((e) => e.at)),
    texts(entries.map((e) => e.kind)),
    texts(entries.map((e) => e.act)),
    texts(entries.map((e) => e.actor)),
    // unnest flattens nested arrays, so each list of subjects travels as one text and is split again.
    texts(entries.map((e) => e.subjects.join(SUBJECT_SEPARATOR))),
    // Ids are random, so that none is the nil UUID, which stands for none here.
    uuids(entries.map((e) => e.signatureId ?? NIL)),
    byteas(entries.map((e) => e.body)),
    byteas(entries.map((e) => e.salt)),
  ]
}

/** Ids never hold a space. */
const SUBJECT_SEPARATOR = ' '
export const NIL = '00000000-0000-0000-0000-000000000000'

/** `unnest($first…)` over auditColumns, as a relation `entry`. */
export function auditUnnest(first: number): string {
  const types = ['uuid', 'timestamptz', 'text', 'text', 'text', 'text', 'uuid', 'bytea', 'bytea']
  const parameters = types.map((type, index) => `$${first + index}::${type}[]`).join(', ')
  return `unnest(${parameters}) as entry(id, at, kind, act, actor, subjects, signature_id, body, salt)`
}

export const AUDIT_INSERT = `${AUDIT_INTO}(id, at, kind, act, actor, subjects, signature_id, version, body, salt)
  select entry.id, entry.at, entry.kind, entry.act, entry.actor, string_to_array(entry.subjects, ' '),
         nullif(entry.signature_id, '${NIL}'::uuid), ${AUDIT_VERSION}, entry.body, entry.salt`

/** Stores entries in the caller's transaction. */
export async function insertAudit(q: Queries, entries: readonly AuditEntry[]): Promise<void> {
  await q.query({
    name: 'audit-insert',
    text: `${AUDIT_INSERT} from ${auditUnnest(1)}`,
    values: auditColumns(entries),
  })
}

export interface AuditRow {
  readonly id: string
  readonly at: Date
  readonly kind: AuditKind
  readonly act: string
  readonly actor: string
  readonly subjects: string[]
  readonly signatureId: string | null
  readonly body: Buffer
  /** Where this row stands in the list: what `before` takes. Exact to the microsecond, unlike a Date. */
  readonly cursor: string
}

export interface AuditQuery {
  readonly limit: number
  /** The cursor of the last row of the page before. */
  readonly before?: string
  readonly act?: string
  readonly subject?: string
}

/** Microseconds since 1970, as many as a timestamp of Postgres has for some centuries, and a UUID. */
const CURSOR = /^([0-9]{1,16})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

/** Newest first. A `before` that no list gave out finds nothing. */
export async function listAudit(q: Queries, query: AuditQuery): Promise<AuditRow[]> {
  const [, time, id] = CURSOR.exec(query.before ?? '') ?? []
  if (query.before !== undefined && id === undefined) return []
  return q.query<AuditRow>({
    text: `select id, at, kind, act, actor, subjects, signature_id as "signatureId", body,
                  (extract(epoch from recorded_at) * 1000000)::bigint || '-' || id as cursor
             from audit
            where ($2::bigint is null
                   or (recorded_at, id) < (timestamptz 'epoch' + $2::bigint * interval '1 microsecond', $3::uuid))
              and ($4::text is null or act = $4::text)
              and ($5::text is null or $5::text = any(subjects))
            order by recorded_at desc, id desc
            limit $1::int`,
    values: [query.limit, time ?? null, id ?? null, query.act ?? null, query.subject ?? null],
  })
}
