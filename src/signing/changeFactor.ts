import { auditEntry, type AuditEntry, type AuditFacts } from '../audit.ts'
import type { Context } from '../context.ts'
import { insertAudit } from '../db/audit.ts'
import { listCredentials, setPendingSecondFactor, type CredentialRow } from '../db/credentials.ts'
import type { Queries } from '../db/database.ts'
import { findPerson, setContact } from '../db/persons.ts'
import { endTotp } from '../db/totp.ts'
import { Refusal } from '../refusal.ts'
import { contactMark } from './derived.ts'
import { resealed } from './reseal.ts'
import { secondFactorOf, sentFactor } from './secondFactor.ts'

/** A person has a handful. */
const CREDENTIALS_MAX = 1000

/** Takes the second factor away, so that the PIN alone suffices, until there is another one. */
export async function resetSecondFactor(ctx: Context, row: CredentialRow, actor: string): Promise<void> {
  const change = await changing(ctx, row, null)
  await ctx.db.transaction(async (tx) => {
    await change(tx)
    await insertAudit(tx, [factorChange(row, { act: 'second-factor.reset', actor })])
  })
}

/**
 * From now on a credential wants a code that is sent to its holder's contact, in place of what it wanted before.
 * @throws Refusal 'conflict' where the person has no contact
 */
export async function askForSentCodes(ctx: Context, row: CredentialRow, actor: string): Promise<void> {
  const contact = (await findPerson(ctx.db, row.personId))?.contact ?? undefined
  if (contact === undefined) throw new Refusal('conflict', 'The person has no contact.')
  const change = await changing(ctx, row, await sentTo(ctx, row, contact))
  const act = { act: 'second-factor.set', actor, detail: { kind: 'sent' } }
  await ctx.db.transaction(async (tx) => {
    await change(tx)
    await insertAudit(tx, [factorChange(row, act)])
  })
}

/** Another contact of a person, to which the codes of their credentials are sent from now on. All of it, or nothing. */
export async function changeContact(
  ctx: Context,
  to: { readonly personId: string; readonly contact: string; readonly actor: string },
): Promise<void> {
  const { personId, contact, actor } = to
  const rows = await listCredentials(ctx.db, { personId, limit: CREDENTIALS_MAX })
  const theirs = rows.filter((row) => row.state !== 'ended' && secondFactorOf(row)?.kind === 'sent')
  const changes: ((tx: Queries) => Promise<void>)[] = []
  for (const row of theirs) changes.push(await changing(ctx, row, await sentTo(ctx, row, contact)))
  const subjects = [`person:${personId}`, ...theirs.map(({ id }) => `credential:${id}`)]
  await ctx.db.transaction(async (tx) => {
    if (!(await setContact(tx, personId, contact))) throw new Refusal('conflict', 'The person was erased.')
    for (const change of changes) await change(tx)
    await insertAudit(tx, [auditEntry({ kind: 'act', act: 'person.contact', actor, subjects })])
  })
}

async function sentTo(ctx: Context, { id }: CredentialRow, contact: string): Promise<string> {
  return sentFactor(await contactMark(ctx, { credentialId: id, contact }))
}

/** A pending credential has no seal yet: it gets its own with the PIN. */
async function changing(
  ctx: Context,
  row: CredentialRow,
  secondFactor: string | null,
): Promise<(tx: Queries) => Promise<void>> {
  if (row.state === 'pending') {
    return async (tx) => {
      if (await setPendingSecondFactor(tx, row.id, secondFactor)) return
      throw new Refusal('conflict', 'The credential was changed meanwhile.')
    }
  }
  const seal = await resealed(ctx, row, secondFactor)
  return async (tx) => {
    await endTotp(tx, row.id)
    await seal(tx)
  }
}

/** What the audit log says of it. */
export function factorChange(
  row: CredentialRow,
  facts: Pick<AuditFacts, 'act' | 'actor' | 'detail'>,
): AuditEntry {
  const subjects = [`credential:${row.id}`, `person:${row.personId}`]
  return auditEntry({ ...facts, kind: 'act', subjects })
}
