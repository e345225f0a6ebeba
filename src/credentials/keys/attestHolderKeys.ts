import { raise } from '../../alarms.ts'
import type { Context } from '../../context.ts'
import { holderKeyRecord, type HolderKeyRow } from '../../db/holderKeys.ts'
import { trustedTime } from '../../pki/clock.ts'
import { Refusal } from '../../refusal.ts'
import { checkSealed } from '../../signing/permit.ts'
import type { Secured } from '../formats/format.ts'
import { attestKeys } from '../formats/keyAttestation.ts'
import { issuerKey, type IssuerKey } from '../issuers.ts'
import { usableKey } from './findKey.ts'

/** An issuer that an operator has disabled comes back when he enables it. */
const RETRY_AFTER_S = 60

export interface Attesting {
  readonly clientId: string
  /** Ids or identifiers of enabled keys, each key once. */
  readonly names: readonly string[]
  /** The credential issuer's. */
  readonly nonce?: string | undefined
}

/**
 * Says in the operator's name that keys are in the token (OpenID4VCI 1.0, D.1), and of the token what the configuration says.
 * The keys sign nothing. All are attested, or none.
 * @throws Refusal not_implemented where there are no attestations, unavailable, as usableKey, invalid_request, conflict
 */
export async function attestHolderKeys(
  ctx: Context,
  { clientId, names, nonce }: Attesting,
): Promise<Secured> {
  const { attestation } = ctx.config
  if (attestation === undefined) throw new Refusal('not_implemented', 'There are no key attestations here.')
  const now = trustedTime(ctx)
  const keys: HolderKeyRow[] = []
  // One after the other: a request with many keys takes no more of the signers at a time than one with a single key.
  for (const name of names) keys.push(await attestable(ctx, await usableKey(ctx, { clientId, name })))
  if (new Set(keys.map(({ keyId }) => keyId)).size !== keys.length)
    throw new Refusal('invalid_request', 'identifiers: two of them are of one key')
  const { issuer, keyStorage, userAuthentication, certification, validSeconds } = attestation
  const key = await attester(ctx, issuer, { clientId, keys })
  const claims = { keyStorage, userAuthentication, certification, nonce }
  const expires = new Date(now + validSeconds * 1000)
  return attestKeys({ key, now: new Date(now), expires, attested: keys, ...claims })
}

/**
 * A key that was made in the token for a holder, by its seal: whoever only writes the database gets no key of his own attested.
 * That it is there still, its row says: one that was destroyed signs for nobody.
 * @throws Error, with the alarm raised, for an altered row; Refusal conflict
 */
async function attestable(ctx: Context, row: HolderKeyRow): Promise<HolderKeyRow> {
  await checkSealed(ctx, { key: holderKeyRecord(row) })
  if (row.purpose !== 'holder') {
    const says = 'the row of a key of the key service was altered; it is not attested'
    raise(ctx.log, 'seal_broken', { says, key: row.keyId })
    throw new Error(says)
  }
  if (row.tokenSerial !== attestedSerial(ctx))
    throw new Refusal('conflict', 'The key is in another token than attestations are about.')
  return row
}

/** The configuration names one, or has no other. */
function attestedSerial({ config, token }: Context): string | undefined {
  const name = config.attestation?.token
  return (name === undefined ? token.all[0] : token.named(name))?.token.serial
}

/** @throws Refusal unavailable: whom the configuration names may not sign now, which is nothing of the caller's */
async function attester(
  ctx: Context,
  issuerId: string,
  { clientId, keys }: { readonly clientId: string; readonly keys: readonly HolderKeyRow[] },
): Promise<IssuerKey> {
  const subjects = keys.map(({ keyId }) => `key:${keyId}`)
  const issuing = { act: 'key.attest', actor: `client:${clientId}`, subjects, flow: clientId }
  return issuerKey(ctx, { issuerId }, issuing).catch((error: unknown) => {
    if (!(error instanceof Refusal) || error.code !== 'not_found') throw error
    const says = 'Key attestations are not signed at the moment.'
    throw new Refusal('unavailable', says, { retryAfter: RETRY_AFTER_S, cause: error })
  })
}
