import { auditEntry } from '../../audit.ts'
import type { Context } from '../../context.ts'
import { insertAudit } from '../../db/audit.ts'
import { changeEntry, findEntries, type EntryRow } from '../../db/statusLists.ts'
import { Refusal } from '../../refusal.ts'
import { STATUS, type Status } from './statusBits.ts'

interface ChangeRow {
  readonly to: Status
  readonly from: readonly Status[]
  /** What a credential has to name its entry for, so that relying parties hear of it. */
  readonly purpose: 'revocation' | 'suspension'
}

/** TABLE of changes, by their verbs of the audit log. Revoking is for good (Bitstring Status List, 2.2). */
const changes = {
  revoke: { to: STATUS.invalid, from: [STATUS.valid, STATUS.suspended], purpose: 'revocation' },
  suspend: { to: STATUS.suspended, from: [STATUS.valid], purpose: 'suspension' },
  reinstate: { to: STATUS.valid, from: [STATUS.suspended], purpose: 'suspension' },
} as const satisfies Record<string, ChangeRow>
export type StatusChange = keyof typeof changes

const WORDS: Readonly<Record<number, string>> = {
  [STATUS.valid]: 'valid',
  [STATUS.invalid]: 'revoked',
  [STATUS.suspended]: 'suspended',
}

export interface StatusChangeRequest {
  readonly clientId: string
  readonly change: StatusChange
  readonly credentialId: string
  /** Where several credentials have the id: the one that is meant. */
  readonly entry?: { readonly listId: string; readonly index: number } | undefined
}

/**
 * Changes the status of a client's credential. Relying parties see it within 5 s. To what it is already is no change.
 * @throws Refusal not_found (unknown and foreign alike), conflict (several credentials have the id; the status does not allow
 * it, or was changed meanwhile; the credential names no list of the kind)
 */
export async function changeStatus(ctx: Context, request: StatusChangeRequest): Promise<void> {
  const { change } = request
  const [entry, other] = await findEntries(ctx.db, request)
  if (entry === undefined) throw new Refusal('not_found', 'There is no such credential.')
  if (other !== undefined)
    throw new Refusal(
      'conflict',
      'Several credentials have this id: name list and index of the one that is meant.',
    )
  const { to, from, purpose } = changes[change]
  if (entry.status === to) return
  if (!from.some((status) => status === entry.status)) {
    throw new Refusal('conflict', `The credential is ${WORDS[entry.status] ?? ''}.`)
  }
  if (entry.purposes?.includes(purpose) === false) {
    throw new Refusal('conflict', `The credential names no list for ${purpose}: nobody would hear of it.`)
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
