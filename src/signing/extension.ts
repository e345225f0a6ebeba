import { randomUUID } from 'node:crypto'
import type { HashName } from '../../hsm/algorithms.ts'
import { MAX_CHAIN_MS, originOf, type AuthorisationRecord, type Sealed } from '../../hsm/records.ts'
import { auditEntry, type AuditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { createAuthorisation, findBySad } from '../db/authorisations.ts'
import { findUnused, takeOver, type Unused } from '../db/extensions.ts'
import { Refusal } from '../refusal.ts'
import { digestDetail, newSad, type Authorised } from './activation.ts'
import { bearerHash, checkSad, notAuthorised, noticing, unknownSad, type Possession } from './permit.ts'
import { tokenRefusal } from './tokenRefusal.ts'

/** Of one chain. Each stores a row for every occurrence that goes on, and nobody enters a PIN for it. */
export const MAX_EXTENSIONS = 100

export interface ExtendRequest extends Possession {
  readonly sad: string
  readonly clientId: string
  readonly credentialId: string
  readonly hash?: HashName
  /** Which of the digests that are left go on; all of them, where absent. Each occurrence counts. */
  readonly digests?: readonly Buffer[]
}

/**
 * A SAD for what another one has left, or, where digests are named, for some of it; the other one ends. Nothing is
 * activated: a signer seals only what was activated before, and the whole chain ends MAX_CHAIN_MS after its first expiry.
 * @throws Refusal permit_unknown (also where nothing is left), permit_expired, digest_not_authorised, conflict (too
 * often), credential_disabled, certificate_expired, certificate_revoked
 */
export async function extendAuthorisation(ctx: Context, request: ExtendRequest): Promise<Authorised> {
  // 1. What is left is read, and asked for at a signer. If we die before 2: nothing was written, the old SAD is good.
  const sadHash = bearerHash(request.sad)
  const found = await findBySad(ctx.db, sadHash)
  if (found === undefined) throw unknownSad()
  const { authorisationId } = found.authorisation
  const originId = originOf(found.authorisation).authorisationId
  const left = await findUnused(ctx.db, { authorisationId, originId })
  const record = await noticing(ctx, found, () => {
    checkSad(found, request)
    return extendedRecord(ctx, request, { old: found.authorisation, left })
  })
  const { key, authorisation: old, credential } = found
  const seal = await ctx.token
    .extend({ key, authorisation: old, credential, extended: record })
    .catch((error: unknown) => {
      throw tokenRefusal(ctx, error)
    })

  // 2. One transaction decides: the old SAD ends, what it has left is taken, the new one is stored with the audit act. If
  // we die after it: what was left dies with the SAD that nobody was told.
  const sad = newSad()
  const made = { authorisation: { ...record, seal }, sadHash: bearerHash(sad) }
  await ctx.db.transaction(async (tx) => {
    const taken = await takeOver(tx, {
      hash: sadHash,
      authorisationId,
      originId,
      successor: record.authorisationId,
    })
    const occurrences = occurrencesOf(record, taken)
    const audit = extensionAudit({ ...made.authorisation, count: occurrences.length }, old)
    await createAuthorisation(tx, { ...made, occurrences, audit })
  })
  return { sad, expiresIn: Math.floor((record.expiresAt - left.now) / 1000) }
}

function extendedRecord(
  ctx: Context,
  request: ExtendRequest,
  { old, left }: { old: AuthorisationRecord; left: Unused },
): AuthorisationRecord {
  const { digests: asked = left.digests, hash = old.hash } = request
  if (left.digests.length === 0) throw unknownSad()
  // Ed25519 signs messages: a client that names a hash says that they are digests of it.
  if (old.hash !== undefined && hash !== old.hash) throw notAuthorised()
  if (old.digests === undefined ? asked.length > left.digests.length : !isAmong(asked, left.digests)) {
    throw notAuthorised()
  }
  // A chain has one SAD that is good: whoever else extends it now takes this one's place, or the other way round.
  if (left.extensions >= MAX_EXTENSIONS) throw new Refusal('conflict', 'The SAD cannot be extended again')
  const origin = originOf(old)
  return {
    ...fieldsOf(old),
    authorisationId: randomUUID(),
    digests: old.digests && asked,
    // Where digests are not named, a client that names some now is not held to them: it goes on with the number.
    count: old.digests === undefined ? left.digests.length : asked.length,
    expiresAt: Math.min(left.now + ctx.config.csc.sadSeconds * 1000, origin.expiresAt + MAX_CHAIN_MS),
    origin,
  }
}

const fieldsOf = ({ keyId, credentialId, clientId, hash }: AuthorisationRecord) => ({
  keyId,
  credentialId,
  clientId,
  hash,
})

/** What goes on, of what was taken: a signature may have been faster since the record was sealed. */
function occurrencesOf(
  { digests, count }: AuthorisationRecord,
  taken: Buffer[] | undefined,
): readonly Buffer[] {
  if (taken === undefined || taken.length === 0) throw unknownSad()
  if (digests === undefined) return taken.slice(0, count)
  if (!isAmong(digests, taken)) throw notAuthorised()
  return digests
}

function extensionAudit(made: Sealed<AuthorisationRecord>, old: AuthorisationRecord): AuditEntry {
  const { clientId, credentialId, keyId, authorisationId, count } = made
  return auditEntry({
    kind: 'act',
    act: 'extend',
    actor: `client:${clientId}`,
    subjects: [
      `credential:${credentialId}`,
      `key:${keyId}`,
      `authorisation:${authorisationId}`,
      `authorisation:${old.authorisationId}`,
    ],
    detail: { count, ...digestDetail(made) },
  })
}

/** Each digest occurs among the others at least as often as among these. */
function isAmong(these: readonly Buffer[], others: readonly Buffer[]): boolean {
  const left = new Map<string, number>()
  for (const other of others) {
    const name = other.toString('latin1')
    left.set(name, (left.get(name) ?? 0) + 1)
  }
  return these.every((digest) => {
    const name = digest.toString('latin1')
    const count = (left.get(name) ?? 0) - 1
    left.set(name, count)
    return count >= 0
  })
}
