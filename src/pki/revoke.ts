import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { insertAudit } from '../db/audit.ts'
import { certificateState } from '../db/certificates.ts'
import type { Queries } from '../db/database.ts'
import { othersOfItsKey } from '../db/replacements.ts'
import {
  findRevocation,
  reinstateCertificate,
  revokeCertificate,
  suspendCertificate,
  type Revocation,
  type RevocationReason,
} from '../db/revocations.ts'
import { Refusal } from '../refusal.ts'
import { wakePublisher } from './crlPublisher.ts'

/** Who wants a certificate's status changed. */
export interface StatusRequest {
  readonly certificateId: string
  /** Absent: the certificate is nobody's credential. */
  readonly credentialId?: string | undefined
  /** As the audit log names who asks. */
  readonly actor: string
  /** When the request came in, where that was not now: by phone, by letter. */
  readonly requestedAt?: Date | undefined
}

export interface RevokeRequest extends StatusRequest {
  readonly reason: RevocationReason
  /** Whatever the reason is, all certificates over the key: nothing is signed with it any more. */
  readonly ofItsKey?: boolean
}

/**
 * Revokes a certificate, once: asking again changes neither reason nor time, and is not recorded. From here on nothing is
 * signed with it: every reservation asks for the state by the same row. The lists that it stands in follow by themselves.
 * A key in other hands takes all certificates over it along (EN 319 411-1, 6.3.9): what was renewed, and what renewed it.
 * @throws Refusal 'conflict' for one that is its own issuer's: no list could say so
 */
export async function revoke(ctx: Context, request: RevokeRequest): Promise<Revocation> {
  const revocation = await ctx.db.transaction((tx) => revokeIn(tx, request))
  wakePublisher(ctx.db)
  return revocation
}

/** The same, as part of a transaction. */
export async function revokeIn(tx: Queries, request: RevokeRequest): Promise<Revocation> {
  const { reason } = request
  const made = await revokeCertificate(tx, request)
  if (made !== undefined) await record(tx, 'certificate.revoke', { request, detail: { reason } })
  const known = made ?? (await findRevocation(tx, request.certificateId))
  if (known === undefined) throw notPossible(await certificateState(tx, request.certificateId))
  if (request.ofItsKey === true || known.reason === 'keyCompromise')
    await revokeOthers(tx, request, known.reason)
  return known
}

/** Asked again until there is none: a renewal that was under way waits for what is locked here, or has ended meanwhile. */
async function revokeOthers(tx: Queries, request: RevokeRequest, reason: RevocationReason): Promise<void> {
  for (;;) {
    const others = await othersOfItsKey(tx, request.certificateId)
    if (others.length === 0) return
    for (const { id, credentialId } of others) {
      const other = { ...request, certificateId: id, credentialId: credentialId ?? request.credentialId }
      if ((await revokeCertificate(tx, { ...other, reason })) === undefined) continue
      await record(tx, 'certificate.revoke', { request: other, detail: { reason } })
    }
  }
}

/**
 * Suspends a certificate (certificateHold): nothing is signed with it until it is reinstated. Asking again changes nothing.
 * @throws Refusal 'conflict' for one that is revoked
 */
export async function suspend(ctx: Context, request: StatusRequest): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    if (await suspendCertificate(tx, request)) {
      await record(tx, 'certificate.suspend', { request })
      return
    }
    const state = await certificateState(tx, request.certificateId)
    if (state !== 'suspended') throw notPossible(state)
  })
  wakePublisher(ctx.db)
}

/**
 * Ends a suspension: the next lists do not have the certificate any more.
 * @throws Refusal 'conflict' for one that is revoked: that is for good
 */
export async function reinstate(ctx: Context, request: StatusRequest): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    if (await reinstateCertificate(tx, request)) {
      await record(tx, 'certificate.reinstate', { request })
      return
    }
    const state = await certificateState(tx, request.certificateId)
    if (state !== 'issued') throw notPossible(state)
  })
  wakePublisher(ctx.db)
}

async function record(
  tx: Queries,
  act: 'certificate.revoke' | 'certificate.suspend' | 'certificate.reinstate',
  { request, detail = {} }: { request: StatusRequest; detail?: Readonly<Record<string, string>> },
): Promise<void> {
  const { certificateId, credentialId, requestedAt, actor } = request
  const subjects = [
    `certificate:${certificateId}`,
    ...(credentialId === undefined ? [] : [`credential:${credentialId}`]),
  ]
  const said = {
    ...detail,
    ...(requestedAt === undefined ? {} : { requestedAt: requestedAt.toISOString() }),
  }
  const more = Object.keys(said).length === 0 ? {} : { detail: said }
  await insertAudit(tx, [auditEntry({ kind: 'act', act, actor, subjects, ...more })])
}

function notPossible(state: string | undefined): Refusal {
  if (state === undefined) return new Refusal('not_found', 'There is no such certificate.')
  if (state === 'issued') return new Refusal('conflict', "The certificate is its own issuer's.")
  return new Refusal('conflict', `The certificate is ${state}.`)
}
