import type { Context } from '../../context.ts'
import { findClient } from '../../db/clients.ts'
import { isCovered, isResponseUri } from '../../deliveries/responseUris.ts'
import { Refusal } from '../../refusal.ts'

/** The least that leaves a client time to come back for a result. */
const MIN_VALIDITY_MS = 10_000

/** Members of asynchronous operation (CSC API v2.2, 11.13 and 11.14). */
export interface AskedMode {
  readonly operationMode: 'S' | 'A'
  readonly validity_period?: number | undefined
  readonly response_uri?: string | undefined
}

export interface AskedLater {
  readonly validityMs: number
  readonly responseUri?: string
}

const refused = (message: string): Refusal => new Refusal('invalid_request', message)

/** @returns undefined where the answer is waited for. @throws Refusal 'invalid_request' in the standard's phrases */
export async function askedLater(
  ctx: Context,
  clientId: string,
  { operationMode, validity_period: validity, response_uri: responseUri }: AskedMode,
): Promise<AskedLater | undefined> {
  if (operationMode === 'S') {
    // Who sends them waits for something that will not come.
    if (validity !== undefined) throw refused('Invalid parameter validity_period')
    if (responseUri !== undefined) throw refused('Invalid parameter response_uri')
    return undefined
  }
  const { resultSeconds, maxResultSeconds } = ctx.config.csc
  const validityMs = validity ?? resultSeconds * 1000
  if (validityMs < MIN_VALIDITY_MS || validityMs > maxResultSeconds * 1000) {
    throw refused('Out of bounds parameter validity_period')
  }
  if (responseUri === undefined) return { validityMs }
  const client = await findClient(ctx.db, clientId)
  if (!isResponseUri(responseUri) || !isCovered(client?.responseUris ?? [], responseUri)) {
    throw refused('Invalid parameter response_uri')
  }
  return { validityMs, responseUri }
}
