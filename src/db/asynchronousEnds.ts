import type { RefusalCode } from '../refusal.ts'
import { byteas } from './binary.ts'
import type { Queries } from './database.ts'
import { enqueue } from './jobs.ts'

/** Seconds for which it is tried to notify a client; an operator may have it tried again. */
export const NOTIFY_FOR_S = 86_400

/** What a notification's job knows. */
export interface NotificationPayload {
  readonly responseID: string
  readonly clientID: string
  readonly uri: string
}

interface Ended {
  readonly clientId: string
  readonly responseUri: string | null
}

const KEPT = `inputs = null, expires_at = now() + validity_ms * interval '1 millisecond'`
const ENDED = `client_id as "clientId", response_uri as "responseUri"`

/** An accepted request comes to nothing, in the transaction that decides so. Any other attempt's id changes nothing. */
export async function endAsynchronous(
  tx: Queries,
  ended: { readonly id: string; readonly failure: RefusalCode },
): Promise<void> {
  const rows = await tx.query<Ended>({
    name: 'asynchronous-fail',
    text: `update asynchronous_signature set state = 'failed', failure = $2::text, ${KEPT}
            where id = $1::uuid and state in ('accepted', 'begun') returning ${ENDED}`,
    values: [ended.id, ended.failure],
  })
  await notify(tx, ended.id, rows)
}

/** Its signatures, in the transaction that completes its attempt. */
export async function storeSignatures(
  tx: Queries,
  made: { readonly id: string; readonly signatures: readonly Buffer[] },
): Promise<void> {
  const rows = await tx.query<Ended>({
    name: 'asynchronous-sign',
    text: `update asynchronous_signature set state = 'signed', signatures = $2::bytea[], ${KEPT}
            where id = $1::uuid and state = 'begun' returning ${ENDED}`,
    values: [made.id, byteas(made.signatures)],
  })
  if (rows.length !== 1) throw new Error('an attempt without the request that it belongs to')
  await notify(tx, made.id, rows)
}

/** The client is told if, and only if, the result is there. */
async function notify(tx: Queries, id: string, [ended]: readonly Ended[]): Promise<void> {
  if (ended === undefined || ended.responseUri === null) return
  const { clientId, responseUri: uri } = ended
  const payload: NotificationPayload = { responseID: id, clientID: clientId, uri }
  // A receiver of two clients has a lane for each: neither waits for what the other is told.
  const lane = `${clientId} ${new URL(uri).host}`
  await enqueue(tx, { kind: 'notification', lane, payload: { ...payload }, giveUpAfterS: NOTIFY_FOR_S })
}
