import { z } from 'zod'
import type { Context } from '../../context.ts'
import { keptCertificate } from '../../db/certificateSearch.ts'
import { replacementReasons, type ReplacementReason } from '../../db/replacements.ts'
import { keyOfPkcs10, pkcs10OfPem } from '../../pki/pkcs10.ts'
import { reasonFor, rekey } from '../../pki/rekey.ts'
import { renew } from '../../pki/renew.ts'
import { replaceable } from '../../pki/replaceable.ts'
import { Refusal } from '../../refusal.ts'
import { linkBody, openLink } from './credentials.ts'
import { actorOf, found, parsed, recordAct, type Call, type Endpoint, type Reply } from './endpoint.ts'
import { shown } from './shownCertificate.ts'
import { PKCS10_MAX, whichOf } from './values.ts'

const reasons = Object.keys(replacementReasons) as ReplacementReason[]

const renewSchema = z.strictObject({
  /** A key in other hands is not certified again. */
  reason: z.enum(reasons).exclude(['compromise']).default('expiry'),
  days: z.int().optional(),
})
const rekeySchema = z.strictObject({
  /** Absent: expiry, or, where it is revoked, what goes with that. */
  reason: z.enum(reasons).optional(),
  days: z.int().optional(),
  /** PEM of a PKCS#10, where the key is in other hands. */
  request: z.string().min(1).max(PKCS10_MAX).optional(),
})

/** Another certificate over the same key. */
export const renewEndpoint: Endpoint = async (ctx, call) => {
  const { reason, days } = parsed(renewSchema, call.body)
  const { id } = await renew(ctx, { which: whichOf(call), actor: actorOf(call), reason, days })
  return created(ctx, id)
}

/** Another certificate over another key; of a credential, the link by which its holder makes that. */
export const rekeyEndpoint: Endpoint = async (ctx, call) => {
  const { reason, days, request } = parsed(rekeySchema, call.body)
  const which = whichOf(call)
  const newKey = request === undefined ? undefined : keyOfPkcs10(pkcs10OfPem(request))
  const { credential, row } = await replaceable(ctx, which, 're-key')
  if (credential === undefined) {
    const { id } = await rekey(ctx, { which, actor: actorOf(call), reason, days, newKey })
    return created(ctx, id)
  }
  if (newKey !== undefined)
    throw new Refusal('conflict', 'A credential has its key in the token: it takes no request.')
  if (days !== undefined)
    throw new Refusal('invalid_request', 'days: credentials are certified for ca.endEntityDays')
  return linkFor(ctx, call, {
    credentialId: credential.id,
    replaces: { id: row.id, reason: reasonFor(row, reason) },
  })
}

async function created(ctx: Context, id: string): Promise<Reply> {
  return { status: 201, body: await shown(ctx, found(await keptCertificate(ctx.db, { id }), 'certificate')) }
}

async function linkFor(
  ctx: Context,
  call: Call,
  opened: { readonly credentialId: string; readonly replaces: { id: string; reason: ReplacementReason } },
): Promise<Reply> {
  const { credentialId, replaces } = opened
  const made = await ctx.db.transaction(async (tx) => {
    const subjects = [`credential:${credentialId}`, `certificate:${replaces.id}`]
    const detail = { reason: replaces.reason }
    await recordAct(tx, { act: 'credential.rekey-link', actor: actorOf(call), subjects, detail })
    return openLink(ctx, tx, opened)
  })
  return { status: 201, body: linkBody(made) }
}
