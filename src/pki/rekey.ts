/** Re-key (EN 319 411-1, 6.3.7): another certificate for the same subject, over another key. */
import type { KeyRecord } from '../../hsm/records.ts'
import type { Context } from '../context.ts'
import type { Queries } from '../db/database.ts'
import type { ReplacedRow, ReplacementReason } from '../db/replacements.ts'
import { Refusal } from '../refusal.ts'
import { makeKey } from '../signing/makeKey.ts'
import type { Alongside, IssuedCertificate, OutsideKey } from './issue.ts'
import { issueFor, type IssueOrder } from './issueFor.ts'
import { refuseChanged, replaceable, type Replaceable } from './replaceable.ts'
import { certified, withNewKey } from './replacingKey.ts'
import type { ReplaceRequest } from './renew.ts'

/**
 * Re-keys what is no credential's: by a key that somebody else holds, which came with a PKCS#10, or, where the key is the
 * service's own, by one that is made in the token. The old key and its certificate stay what they are.
 * @throws Refusal as replaceable; conflict where the one that holds the key is another one; invalid_request
 */
export async function rekey(
  ctx: Context,
  request: Omit<ReplaceRequest, 'reason'> & {
    /** Absent: as reasonFor has it. */
    readonly reason: ReplacementReason | undefined
    readonly newKey: OutsideKey | undefined
  },
): Promise<IssuedCertificate> {
  const { which, actor, newKey, days } = request
  const it = await replaceable(ctx, which, 're-key')
  const { row, key, credential } = it
  const reason = reasonFor(row, request.reason)
  if (credential !== undefined)
    throw new Refusal('conflict', 'It is of a credential, whose holder makes the key: open a link for that.')
  const isOurs = 'keyId' in key
  if (isOurs && newKey !== undefined)
    throw new Refusal('conflict', 'Its key is in the token, and so is the next one: it takes no request.')
  if (isOurs) return rekeyOurs(ctx, it, { key, actor, reason, days })
  if (newKey === undefined)
    throw new Refusal(
      'invalid_request',
      'request: its key is in other hands, and so is the next one: a PKCS#10 has it',
    )
  if (newKey.spki.equals(key.spki))
    throw new Refusal('invalid_request', 'request: it has the same key: renew the certificate')
  return issueFor(ctx, {
    ...orderOf(it, { actor, days, reason }),
    key: newKey,
    alongside: () => Promise.resolve((tx: Queries) => refuseChanged(tx, it)),
  })
}

/**
 * Why a certificate is re-keyed, where nobody says: because it was revoked, or ends soon.
 * @throws Refusal conflict: a key in other hands is revoked first, so that relying parties learn of it
 */
export function reasonFor(
  { revocationReason }: Pick<ReplacedRow, 'revocationReason'>,
  asked: ReplacementReason | undefined,
): ReplacementReason {
  if (asked === 'compromise' && revocationReason !== 'keyCompromise')
    throw new Refusal('conflict', 'Revoke it for keyCompromise first.')
  if (revocationReason === null) return asked ?? 'expiry'
  return asked ?? (revocationReason === 'keyCompromise' ? 'compromise' : 'request')
}

/** What is asked for in its place. */
export function orderOf(
  { row, profile, subject }: Replaceable,
  { actor, days, reason }: Pick<ReplaceRequest, 'actor' | 'days' | 'reason'>,
): Omit<IssueOrder, 'key'> {
  const replaces = { certificateId: row.id, by: 're-key', reason } as const
  return { profile: profile.name, subject, actor, days, replaces }
}

async function rekeyOurs(
  ctx: Context,
  it: Replaceable,
  by: Pick<ReplaceRequest, 'actor' | 'days' | 'reason'> & { readonly key: KeyRecord },
): Promise<IssuedCertificate> {
  const { keyType, purpose, tokenSerial } = by.key
  return withNewKey(ctx, it, async (keyId) => {
    const key = await makeKey(ctx, { keyId, keyType, purpose, tokenSerial, actor: by.actor })
    const alongside: Alongside = async (tx) => {
      await certified(tx, keyId)
      await refuseChanged(tx, it)
    }
    return issueFor(ctx, { ...orderOf(it, by), key, alongside: () => Promise.resolve(alongside) })
  })
}
