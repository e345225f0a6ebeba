import type { HashName } from '../../hsm/algorithms.ts'
import type { Queries } from './database.ts'
import { waitToSend, type SendLimits } from './sendLimits.ts'

/** What a holder is asked to approve, as it is stored. */
export interface AskedApproval {
  readonly count: number
  readonly hash?: HashName
  /** Base64. */
  readonly digests?: readonly string[]
  readonly description?: string
}

export interface ApprovalRow {
  readonly id: string
  readonly clientId: string
  readonly credentialId: string
  readonly personId: string
  readonly asked: AskedApproval
  readonly state: 'pending' | 'approved' | 'denied' | 'given'
  /** By the database's clock. */
  readonly expired: boolean
}

const COLUMNS = `id, client_id as "clientId", credential_id as "credentialId", person_id as "personId", asked, state,
  expires_at <= now() as expired`

/**
 * Notes a wish whose holder is about to be sent a link. Call it in a transaction.
 * @returns the seconds after which trying again makes sense; 0: it is noted
 */
export async function insertApproval(
  q: Queries,
  made: Pick<ApprovalRow, 'id' | 'clientId' | 'credentialId' | 'personId' | 'asked'> & {
    readonly handleHash: Buffer
    readonly linkHash: Buffer
  },
  limits: SendLimits,
): Promise<number> {
  const retryAfter = await waitToSend(q, { table: 'approval', ...made }, limits)
  if (retryAfter > 0) return retryAfter
  await q.query({
    text: `with old as (
        delete from approval where created_at < now() - interval '1 day' and client_id = $4::text)
      insert into approval (id, handle_hash, link_hash, client_id, credential_id, person_id, asked, expires_at)
      values ($1::uuid, $2::bytea, $3::bytea, $4::text, $5::text, $6::uuid, $7::jsonb,
              now() + $8::int * interval '1 second')`,
    values: [
      made.id,
      made.handleHash,
      made.linkHash,
      made.clientId,
      made.credentialId,
      made.personId,
      JSON.stringify(made.asked),
      limits.seconds,
    ],
  })
  return 0
}

/** What a holder's link stands for. */
export async function findApprovalByLink(q: Queries, linkHash: Buffer): Promise<ApprovalRow | undefined> {
  const rows = await q.query<ApprovalRow>({
    text: `select ${COLUMNS} from approval where link_hash = $1::bytea`,
    values: [linkHash],
  })
  return rows[0]
}

/** What a client's handle stands for. Another client's stands for nothing. */
export async function findApprovalByHandle(
  q: Queries,
  of: { readonly handleHash: Buffer; readonly clientId: string },
): Promise<ApprovalRow | undefined> {
  const rows = await q.query<ApprovalRow>({
    text: `select ${COLUMNS} from approval where handle_hash = $1::bytea and client_id = $2::text`,
    values: [of.handleHash, of.clientId],
  })
  return rows[0]
}

/** The holder's word, once. @param authorisationId null: no. @returns false where it was said before, or too late */
export async function answerApproval(
  q: Queries,
  id: string,
  authorisationId: string | null,
): Promise<boolean> {
  const rows = await q.query({
    text: `update approval
              set state = case when $2::uuid is null then 'denied' else 'approved' end, authorisation_id = $2::uuid
            where id = $1::uuid and state = 'pending' and expires_at > now()
            returning 1`,
    values: [id, authorisationId],
  })
  return rows.length === 1
}

/** Takes what was approved, to be given to the client: of all who ask, one gets it. @returns the authorisation's id */
export async function takeApproval(q: Queries, id: string): Promise<string | undefined> {
  const rows = await q.query<{ authorisationId: string }>({
    text: `update approval set state = 'given' where id = $1::uuid and state = 'approved'
           returning authorisation_id as "authorisationId"`,
    values: [id],
  })
  return rows[0]?.authorisationId
}

/** Nobody was told of it: it ends. */
export async function voidApproval(q: Queries, id: string): Promise<void> {
  await q.query({ text: `update approval set state = 'denied' where id = $1::uuid`, values: [id] })
}
