/** Whether a certificate may be replaced (EN 319 411-1, 6.3.6 and 6.3.7), and what it certifies. */
import { createPublicKey, X509Certificate } from 'node:crypto'
import { keyTypes } from '../../hsm/algorithms.ts'
import { purposes } from '../../hsm/purposes.ts'
import type { KeyRecord } from '../../hsm/records.ts'
import type { Context } from '../context.ts'
import { findCredential, type CredentialRow } from '../db/credentials.ts'
import type { Queries } from '../db/database.ts'
import { findKey, keyRecord } from '../db/keys.ts'
import { findPerson } from '../db/persons.ts'
import { findReplaced, lockedState, type ReplacedBy, type ReplacedRow } from '../db/replacements.ts'
import type { RevocationReason } from '../db/revocations.ts'
import { Refusal } from '../refusal.ts'
import { refuseAltered } from '../signing/reseal.ts'
import { tbsOf } from './describe.ts'
import type { OutsideKey } from './issue.ts'
import type { CertificateSubject } from './issueFor.ts'
import { issuerById } from './issuers.ts'
import { readTbs } from './lintParse.ts'
import { keyTypeOf } from './pkcs10.ts'
import { profiles, type ProfileRow } from './profiles.ts'
import { subjectIn } from './subjectIn.ts'
import { rsaWeakness } from './weakKeys.ts'

/** A certificate that may be replaced. */
export interface Replaceable {
  readonly row: ReplacedRow
  readonly profile: ProfileRow
  readonly subject: CertificateSubject
  /** What it certifies. */
  readonly key: KeyRecord | OutsideKey
  /** Whose it is; absent: nobody's, its key is another's or the service's own. */
  readonly credential?: CredentialRow
}

export type Which = { readonly id: string } | { readonly serial: Buffer }

/**
 * Of a revoked one's reasons, those that say nothing against its subject: another key may take the place of its key
 * (RFC 3647, 4.7). With the others, what was verified does not hold any more.
 */
const REKEYED_AFTER: ReadonlySet<RevocationReason> = new Set(['unspecified', 'keyCompromise', 'superseded'])

/**
 * @throws Refusal not_found; conflict: nobody has it, it is suspended, revoked or expired, it was replaced already, its
 * profile is not one that is replaced, or its credential, key or person is not what it was
 */
export async function replaceable(ctx: Context, which: Which, by: ReplacedBy): Promise<Replaceable> {
  const row = await findReplaced(ctx.db, which)
  if (row === undefined) throw new Refusal('not_found', 'There is no such certificate.')
  const profile = profileOf(row)
  refuseState(row, by)
  const { der, spki } = row
  if (der === null || spki === null) throw new Error('an issued certificate without its octets')
  await refuseForged(ctx, row)
  const tbs = readTbs(tbsOf(der))
  // What is certified again is what was certified: the certificate's own word for it counts, which its issuer signed.
  if (!tbs.spki.der.equals(spki)) throw new Error('a certificate over another key than is recorded')
  const subject = subjectIn(tbs, profile.subject)
  if (row.keyId === null) return { row, profile, subject, key: outsideKey(spki) }
  const { key, credential } = await ownKey(ctx, row, row.keyId)
  return { row, profile, subject, key, ...(credential === undefined ? {} : { credential }) }
}

/** In the transaction that stores what replaces it: its state is as it was, and stays so until then. @throws Refusal conflict */
export async function refuseChanged(tx: Queries, { row }: Replaceable): Promise<void> {
  const state = await lockedState(tx, row.id)
  if (state !== row.state) throw new Refusal('conflict', `The certificate is ${state} by now.`)
}

function profileOf({ profile: name }: ReplacedRow): ProfileRow {
  const profile = (profiles as Readonly<Record<string, ProfileRow | undefined>>)[name]
  if (profile === undefined) throw new Refusal('conflict', `The profile ${name} is not issued any more.`)
  if (profile.subject === 'authority')
    throw new Refusal('conflict', `Certificates of the profile ${name} have a roll-over of their own.`)
  return profile
}

function refuseState(row: ReplacedRow, by: ReplacedBy): void {
  const { state, successor } = row
  const reason = row.revocationReason ?? 'unspecified'
  if (state === 'revoked' && !(by === 're-key' && REKEYED_AFTER.has(reason)))
    throw new Refusal('conflict', `The certificate is revoked (${reason}).`)
  if (state !== 'issued' && state !== 'revoked') throw new Refusal('conflict', `The certificate is ${state}.`)
  // Who asks for another one goes by this one: it must be valid (REG-6.3.6-02, REG-6.3.7-03).
  if (row.expired) throw new Refusal('conflict', 'The certificate has expired: have another one issued.')
  if (successor !== null) {
    const serial = successor.toString('hex').toUpperCase()
    throw new Refusal('conflict', `The certificate was replaced by ${serial}.`)
  }
}

/** Its octets are its issuer's, whatever anybody wrote into the database. */
async function refuseForged(ctx: Context, { der, issuerId }: ReplacedRow): Promise<void> {
  if (der === null || issuerId === null) throw new Error('a certificate without its octets or its issuer')
  const { key } = await issuerById(ctx, issuerId)
  const issuerKey = createPublicKey({ key: key.spki, format: 'der', type: 'spki' })
  if (!new X509Certificate(der).verify(issuerKey))
    throw new Error("a certificate that does not verify with its issuer's key")
}

/** A key that somebody else holds, by the rules of today. @throws Refusal conflict */
function outsideKey(spki: Buffer): OutsideKey {
  const keyType = keyTypeOf(spki)
  if (keyType === undefined)
    throw new Refusal('conflict', 'Its key is of a kind that is not certified any more.')
  const weakness = keyTypes[keyType].family === 'RSA' ? rsaWeakness(spki) : undefined
  if (weakness !== undefined) throw new Refusal('conflict', `Its key is weak: ${weakness}.`)
  return { keyType, spki }
}

async function ownKey(
  ctx: Context,
  { credentialId, isCredentials }: ReplacedRow,
  keyId: string,
): Promise<Pick<Replaceable, 'key' | 'credential'>> {
  const row = await findKey(ctx.db, keyId)
  if (row === undefined) throw new Error('a certificate without its key')
  if (row.state !== 'enabled') throw new Refusal('conflict', `Its key is ${row.state}.`)
  const key = keyRecord(row)
  if (!purposes[key.purpose].activated) return { key }
  const credential =
    credentialId === null || isCredentials !== true
      ? undefined
      : await findCredential(ctx.db, { id: credentialId })
  if (credential === undefined) throw new Refusal('conflict', 'It is not the certificate of a credential.')
  if (credential.state !== 'enabled') throw new Refusal('conflict', `The credential is ${credential.state}.`)
  const person = await findPerson(ctx.db, credential.personId)
  if (person?.state !== 'enabled' || person.surname === null)
    throw new Refusal('conflict', 'The person is disabled or erased.')
  await refuseAltered(ctx, credential)
  return { key, credential }
}
