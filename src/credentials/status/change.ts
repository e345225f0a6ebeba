import { auditEntry } from '../../audit.ts'
import type { Context } from '../../context.ts'
import { insertAudit } from '../../db/audit.ts'
import { changeEntry, findEntries, type EntryRow } from '../../db/statusLists.ts'
import { Refusal } from '../../refusal.ts'
import { STATUS, type Status } from './statusBits.ts'

/** TABLE of changes: to what, from what, and their verbs of the audit log. Revoking is for good (Bitstring Status List, 2.2). */
const changes = {
  revoke: { to: STATUS.invalid, from: [STATUS.valid, STATUS.suspended] },
  suspend: { to: STATUS.suspended, from: [STATUS.valid] },
  reinstate: { to: STATUS.valid, from: [STATUS.suspended] },
} as const satisfies Record<string, { to: Status; from: readonly Status[] }>
export type StatusChange = keyof typeof changes

const WORDS: Readonly<Record<number, string>> = {
  [STATUS.valid]: 'valid',
  [STATUS.invalid]: 'revoked',
  [STATUS.suspended]: 'suspended',
}

export interface StatusChangeRequest {
  readonly clientId: string
  readonly change: StatusChange
  /** The credential's id, or its entry. */
  readonly of:
    | { readonly credentialId: string }
    | { readonly entry: { readonly listId: string; readonly index: number } }
}

/**
 * Changes the status of a client's credential. Relying parties see it within 5 s. To what it is already is no change.
 * @throws Refusal not_found (unknown and foreign alike), conflict (several credentials have the id; the status does not allow
 * it, or was changed meanwhile)
 */
export async function changeStatus(ctx: Context, request: StatusChangeRequest): Promise<void> {
  const { clientId, change, of } = request
  const [entry, other] = await findEntries(ctx.db, { clientId, ...of })
  if (entry === undefined) throw new Refusal('not_found', 'There is no such credential.')
  if (other !== undefined) throw new Refusal('conflict', 'Several credentials have this id: name the entry.')
  const { to, from } = changes[change]
  if (entry.status === to) return
  if (!from.some((status) => status === entry.status)) {
    throw new Refusal('conflict', `The credential is ${WORDS[entry.status] ?? ''}.`)
  }
  await ctx.db.transaction(async (tx) => {
    const { listId, index, status } = entry
    if (!(await changeEntry(tx, { listId, index, from: status, to })))
      throw new Refusal('conflict', 'The status was changed meanwhile.')
    await insertAudit(tx, [entryOf(request, entry)])
  })
}

function entryOf({ clientId, change }: StatusChangeRequest, entry: EntryRow): ReturnType<typeof auditEntry> {
  return auditEntry({
    kind: 'act',
    act: `status.${change}`,
    actor: `client:${clientId}`,
    subjects: [`issuer:${entry.issuerId}`, `status-list:${entry.listId}`],
    detail: { index: entry.index },
  })
}
