import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { insertAudit } from '../db/audit.ts'
import { findCredential, type CredentialRow } from '../db/credentials.ts'
import type { ReplacementReason } from '../db/replacements.ts'
import { Refusal } from '../refusal.ts'
import { recertified } from '../signing/reseal.ts'
import { issuingAuthority } from './hierarchy.ts'
import type { Alongside, IssuedCertificate } from './issue.ts'
import { issueFor } from './issueFor.ts'
import { refuseChanged, replaceable, type Replaceable, type Which } from './replaceable.ts'

const DAY_MS = 86_400_000

export interface ReplaceRequest {
  readonly which: Which
  /** As the audit log names who asks. */
  readonly actor: string
  readonly reason: ReplacementReason
  /** Fewer than it would be valid for otherwise. */
  readonly days?: number | undefined
}

/**
 * Renewal (EN 319 411-1, 6.3.6): another certificate over the same key, for the same subject, by the same profile. The one
 * that it replaces stays what it is. A credential has the new one, and its seal, from the transaction on that stores it.
 * @throws Refusal as replaceable; conflict where its key is compromised, where it would end no later, or where somebody else
 * replaces it; invalid_request
 */
export async function renew(ctx: Context, request: ReplaceRequest): Promise<IssuedCertificate> {
  const { which, actor, reason } = request
  const it = await replaceable(ctx, which, 'renewal')
  const { row, profile, subject, key, credential } = it
  refuseOtherProfile(ctx, it)
  const days = daysOf(ctx, it, request.days)
  await refuseNoGain(ctx, it, days)
  return issueFor(ctx, {
    profile: profile.name,
    subject,
    key,
    actor,
    days,
    replaces: { certificateId: row.id, by: 'renewal', reason },
    alongside: (made) => renewed(ctx, it, { made, actor, credential }),
  })
}

/** The policy that credentials get may have changed: then what is renewed would be of one that nobody gets any more. */
function refuseOtherProfile(ctx: Context, { row, credential }: Replaceable): void {
  const { naturalPersons } = ctx.config.ca
  if (credential === undefined || row.profile === naturalPersons) return
  const says = `Credentials get the profile ${naturalPersons} by now (ca.naturalPersons): re-key this one.`
  throw new Refusal('conflict', says)
}

/** As long as credentials are certified for; what is no credential's, as long as it was before. */
function daysOf(ctx: Context, it: Replaceable, asked: number | undefined): number {
  const { notBefore, notAfter } = it.row
  const before = Math.ceil((notAfter.getTime() + 1000 - notBefore.getTime()) / DAY_MS)
  if (it.credential === undefined) return asked ?? Math.min(before, it.profile.days)
  const most = Math.min(ctx.config.ca.endEntityDays, it.profile.days)
  if (asked !== undefined && asked > most)
    throw new Refusal(
      'invalid_request',
      `Credentials are certified for ${most} days at most (ca.endEntityDays).`,
    )
  return asked ?? most
}

/** A certificate that ends no later is no use to anybody. */
async function refuseNoGain(ctx: Context, { row }: Replaceable, days: number): Promise<void> {
  const { notAfter } = await issuingAuthority(ctx)
  if (notAfter !== undefined && notAfter <= row.notAfter)
    throw new Refusal('conflict', 'It ends with its issuer, which no certificate outlives.')
  if (ctx.clock() + days * DAY_MS < row.notAfter.getTime())
    throw new Refusal('conflict', 'It would end before the one that it replaces.')
}

async function renewed(
  ctx: Context,
  it: Replaceable,
  by: {
    readonly made: IssuedCertificate
    readonly actor: string
    readonly credential?: CredentialRow | undefined
  },
): Promise<Alongside> {
  const { made, actor, credential } = by
  if (credential === undefined) return (tx) => refuseChanged(tx, it)
  const { id, personId } = credential
  // As it is by now: its holder may have set up another second factor meanwhile.
  const now = await findCredential(ctx.db, { id })
  if (now?.certificateId !== it.row.id || !('keyId' in it.key))
    throw new Refusal('conflict', 'The credential was changed meanwhile.')
  const change = await recertified(ctx, now, { key: it.key, certificate: made })
  const subjects = [
    `credential:${id}`,
    `person:${personId}`,
    `certificate:${made.id}`,
    `certificate:${it.row.id}`,
  ]
  const audit = auditEntry({ kind: 'act', act: 'credential.renew', actor, subjects })
  return async (tx) => {
    // The credential before the certificate: whoever deletes it locks them so, too.
    await change(tx)
    await refuseChanged(tx, it)
    await insertAudit(tx, [audit])
  }
}
