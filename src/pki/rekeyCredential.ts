import type { KeyRecord } from '../../hsm/records.ts'
import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { insertAudit } from '../db/audit.ts'
import { findCredential, type CredentialRow } from '../db/credentials.ts'
import { useEnrolment, type Claim } from '../db/enrolments.ts'
import type { Destruction } from '../db/destructions.ts'
import { Refusal } from '../refusal.ts'
import { decideToDestroy } from '../signing/destroyKey.ts'
import { makeKey } from '../signing/makeKey.ts'
import { recertified } from '../signing/reseal.ts'
import { revokeAllOf } from '../signing/revocation.ts'
import { issuingAuthority } from './hierarchy.ts'
import type { Alongside, IssuedCertificate } from './issue.ts'
import { issueFor } from './issueFor.ts'
import { profiles } from './profiles.ts'
import { refuseChanged, replaceable, type Replaceable } from './replaceable.ts'
import { orderOf } from './rekey.ts'
import { certified, destroyed, withNewKey } from './replacingKey.ts'

/** A link that its holder is using, of a credential that has a key. */
export type RekeyingClaim = Claim & { readonly replaces: NonNullable<Claim['replaces']> }

/**
 * Re-keys a credential, by its holder, who has the link: the PIN that is set now makes the new key. One transaction gives the
 * credential its key, certificate and seal, spends the link, and decides that the old key is destroyed: what was authorised
 * with that one, and is not signed by then, ends. If we die before it: the credential is what it was, the link works again
 * after a minute, and recovery destroys the key that was made. If we die after it: recovery destroys the old one.
 * @throws Refusal not_found where the credential is not what the link was opened for
 */
export async function rekeyCredential(ctx: Context, claim: RekeyingClaim, pin: string): Promise<void> {
  const { it, credential, old } = await waiting(ctx, claim)
  const { naturalPersons: profile, endEntityDays } = ctx.config.ca
  const actor = `person:${credential.personId}`
  const days = Math.min(endEntityDays, profiles[profile].days)
  // First, so that no key is made that nobody could certify.
  await issuingAuthority(ctx)
  let destruction: Destruction | undefined
  await withNewKey(ctx, it, async (keyId) => {
    const { keyType } = credential
    const key = await makeKey(ctx, { keyId, keyType, purpose: 'signing', actor, secrets: [pin] })
    const order = { ...orderOf(it, { actor, days, reason: claim.replaces.reason }), profile, key }
    const alongside = async (made: IssuedCertificate): Promise<Alongside> => {
      const change = await rekeyed(ctx, it, { credential, key, made, actor })
      return async (tx) => {
        await change(tx)
        await revokeAllOf(tx, { keyId: old.keyId, actor })
        await useEnrolment(tx, claim.id)
        destruction = await decideToDestroy(tx, { keyId: old.keyId, actor })
      }
    }
    return issueFor(ctx, { ...order, alongside })
  })
  if (destruction !== undefined) await destroyed(ctx, destruction)
}

interface Waiting {
  readonly it: Replaceable
  readonly credential: CredentialRow
  readonly old: KeyRecord
}

/** The credential is as it was when the link was opened, or nearly. */
async function waiting(ctx: Context, { credentialId, replaces }: RekeyingClaim): Promise<Waiting> {
  const it = await replaceable(ctx, { id: replaces.id }, 're-key').catch((error: unknown) => {
    throw error instanceof Refusal && error.code === 'conflict' ? notWaiting(error) : error
  })
  const { credential, key: old } = it
  if (credential?.id !== credentialId || !('keyId' in old)) throw notWaiting()
  return { it, credential, old }
}

async function rekeyed(
  ctx: Context,
  it: Replaceable,
  to: {
    readonly credential: CredentialRow
    readonly key: KeyRecord
    readonly made: IssuedCertificate
    readonly actor: string
  },
): Promise<Alongside> {
  const { credential, key, made, actor } = to
  // As it is by now: its holder may have set up another second factor meanwhile.
  const now = await findCredential(ctx.db, { id: credential.id })
  if (now?.certificateId !== credential.certificateId) throw notWaiting()
  const change = await recertified(ctx, now, { key, certificate: made })
  const ids = [`key:${key.keyId}`, `certificate:${made.id}`, `certificate:${it.row.id}`]
  const subjects = [`credential:${credential.id}`, ...ids]
  const audit = auditEntry({ kind: 'act', act: 'credential.rekey', actor, subjects })
  return async (tx) => {
    await certified(tx, key.keyId)
    // The credential before the certificate: whoever deletes it locks them so, too.
    await change(tx)
    await refuseChanged(tx, it)
    await insertAudit(tx, [audit])
  }
}

const notWaiting = (cause?: unknown): Refusal =>
  new Refusal('not_found', 'This credential is not waiting for its holder.', { cause })
