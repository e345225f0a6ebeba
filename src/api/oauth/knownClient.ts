import type { Context } from '../../context.ts'
import { findClient, type ClientRow } from '../../db/clients.ts'

/** Ids that may be in the table; others need not be asked for, and some (NUL) Postgres would not take. */
const CLIENT_ID = /^[A-Za-z0-9_-]{1,64}$/

/** @returns undefined: unknown, or disabled */
export async function knownClient(ctx: Context, id: string): Promise<ClientRow | undefined> {
  const client = CLIENT_ID.test(id) ? await findClient(ctx.db, id) : undefined
  return client?.state === 'enabled' ? client : undefined
}
