import { z } from 'zod'
import { auditEntry } from '../../audit.ts'
import type { Context } from '../../context.ts'
import { insertAudit } from '../../db/audit.ts'
import type { ClientRow } from '../../db/clients.ts'
import { findCredential } from '../../db/credentials.ts'
import { recogniseHolder } from '../../signing/activation.ts'
import { refuseUnusable } from './approval.ts'
import { CREDENTIAL_ID, MISSING_ID } from './asked.ts'
import { invalidRequest } from './authorizationError.ts'
import type { Answer, Decided } from './decided.ts'
import { locations, oneDetail } from './details.ts'
import type { Parameters } from './parameters.ts'
import { DELETION_TYPE } from './scopes.ts'
import type { Wish } from './wish.ts'

const detail = z.strictObject({
  type: z.literal(DELETION_TYPE, { error: 'Invalid parameter type' }),
  credentialID: z.string({ error: MISSING_ID }),
  locations,
})

/**
 * The scope credential-deletion, with details of its type, or with a credentialID beside it (CSC API v2.2, 8.2.2). Of any
 * mode: its PIN is typed on the page.
 * @throws AuthorizationError
 */
export async function deletionWish(
  ctx: Context,
  { id: clientId }: ClientRow,
  parameters: Parameters,
): Promise<Wish> {
  const { authorization_details: text, credentialID: given } = parameters
  const isDetailed = text !== undefined
  const id = isDetailed ? oneDetail(detail, text, parameters).credentialID : given
  if (id === undefined) throw invalidRequest(MISSING_ID)
  const credential = CREDENTIAL_ID.test(id) ? await findCredential(ctx.db, { id, clientId }) : undefined
  if (!credential?.keyId || credential.state === 'ended') {
    throw invalidRequest('Invalid parameter credentialID')
  }
  refuseUnusable(credential)
  return { scope: 'credential-deletion', credential, ...(isDetailed ? { detailType: DELETION_TYPE } : {}) }
}

/** The PIN of the credential itself approves its end. @throws Refusal */
export async function decideDeletion(ctx: Context, { consent, asked, typed }: Answer): Promise<Decided> {
  const { clientId } = consent
  const { credential, detailType: type } = asked
  if (credential === undefined) throw new Error('a deletion of nothing')
  const { id: credentialId } = credential
  const { pin, otp } = typed
  const personId = await recogniseHolder(ctx, { clientId, credentialId, secrets: [pin], otp })
  const subjects = [`credential:${credentialId}`, `client:${clientId}`]
  const facts = { act: 'credential.approve-deletion', actor: `person:${personId}`, subjects }
  await insertAudit(ctx.db, [auditEntry({ ...facts, kind: 'act' })])
  const detail = type === undefined ? {} : { detail: { type, credentialID: credentialId } }
  return { granted: { deleting: { credentialId, ...detail } } }
}
