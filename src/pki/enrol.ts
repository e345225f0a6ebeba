import { createHash } from 'node:crypto'
import { canonicalCredential, type CredentialRecord, type KeyRecord } from '../../hsm/records.ts'
import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { insertAudit } from '../db/audit.ts'
import { enableCredential, findCredential, type CredentialRow } from '../db/credentials.ts'
import { claimEnrolment, unclaimEnrolment, useEnrolment, type Claim } from '../db/enrolments.ts'
import { findPerson, type PersonRow } from '../db/persons.ts'
import { Refusal } from '../refusal.ts'
import { makeKey } from '../signing/makeKey.ts'
import { bearerHash } from '../signing/permit.ts'
import { checkNewPin } from '../signing/secrets.ts'
import { tokenRefusal } from '../signing/tokenRefusal.ts'
import { trustedTime } from './clock.ts'
import { issuingAuthority } from './hierarchy.ts'
import { issue, type IssuedCertificate, type Issuer } from './issue.ts'
import { personName, type NaturalPerson } from './names.ts'
import { rekeyCredential } from './rekeyCredential.ts'

export interface EnrolRequest {
  /** The one-time code of the link. */
  readonly code: string
  readonly pin: string
}

/**
 * The holder sets the PIN, and with it the key comes into being: nobody ever holds a key that is not theirs, and the
 * PIN is known to nobody else. If we die on the way, the link works again after a minute and the half-made key is
 * destroyed at the next start. A link of a credential that has a key makes it another one (rekey.ts).
 * @throws Refusal not_found (unknown, used and expired codes alike), invalid_request (a PIN that is easy to guess), unavailable
 * (also while nobody knows the time: the link works again afterwards)
 */
export async function enrol(ctx: Context, request: EnrolRequest): Promise<{ credentialId: string }> {
  checkNewPin(request.pin)
  const claim = await claimEnrolment(ctx.db, bearerHash(request.code))
  if (claim === undefined) throw new Refusal('not_found', 'This link is not valid, has expired or was used.')
  try {
    const { replaces } = claim
    if (replaces === undefined) await makeCredential(ctx, claim, request.pin)
    else await rekeyCredential(ctx, { ...claim, replaces }, request.pin)
  } catch (error) {
    await unclaimEnrolment(ctx.db, claim.id).catch(() => undefined)
    throw error
  }
  return { credentialId: claim.credentialId }
}

async function makeCredential(ctx: Context, claim: Claim, pin: string): Promise<void> {
  const credential = await findCredential(ctx.db, { id: claim.credentialId })
  if (credential?.state !== 'pending')
    throw new Refusal('not_found', 'This credential is not waiting for its holder.')
  const actor = `person:${credential.personId}`
  const { key, certificate, seal } = await makeWithPin(ctx, credential, { pin })
  await ctx.db.transaction(async (tx) => {
    await enableCredential(tx, {
      id: credential.id,
      keyId: key.keyId,
      certificateId: certificate.id,
      multisign: credential.multisign,
      seal,
    })
    await useEnrolment(tx, claim.id)
    const subjects = [`credential:${credential.id}`, `key:${key.keyId}`, `certificate:${certificate.id}`]
    await insertAudit(tx, [auditEntry({ kind: 'act', act: 'credential.enrol', actor, subjects })])
  })
}

/**
 * What a pending credential becomes a credential by: key and verifier in one operation of the token, the certificate, and the
 * seal over all of it. Nothing refers to it yet.
 */
export async function makeWithPin(
  ctx: Context,
  credential: CredentialRow,
  { pin, keyId }: { readonly pin: string; readonly keyId?: string },
): Promise<{ readonly key: KeyRecord; readonly certificate: IssuedCertificate; readonly seal: Buffer }> {
  // First, so that no key is made that nobody could certify.
  trustedTime(ctx)
  const issuer = await issuingAuthority(ctx)
  const key = await makeKey(ctx, {
    keyType: credential.keyType,
    purpose: 'signing',
    actor: `person:${credential.personId}`,
    secrets: [pin],
    ...(keyId === undefined ? {} : { keyId }),
  })
  const certificate = await certify(ctx, credential, { key, issuer })
  const seal = await sealCredential(ctx, credential, { key, certificate })
  return { key, certificate, seal }
}

async function certify(
  ctx: Context,
  credential: CredentialRow,
  { key, issuer }: { readonly key: KeyRecord; readonly issuer: Issuer },
): Promise<IssuedCertificate> {
  const person = naturalPerson(await findPerson(ctx.db, credential.personId))
  return issue(ctx, {
    profile: ctx.config.ca.naturalPersons,
    subject: personName(person),
    key,
    issuer,
    days: ctx.config.ca.endEntityDays,
  })
}

function naturalPerson(row: PersonRow | undefined): NaturalPerson {
  if (!row?.givenName || !row.surname || !row.country) {
    throw new Refusal('not_found', 'The person of this credential was erased.')
  }
  const { id, givenName, surname, country, serialNumber } = row
  // Without an identifier of their own, the person's id tells namesakes apart.
  return { givenName, surname, country, serialNumber: serialNumber ?? id }
}

async function sealCredential(
  ctx: Context,
  credential: CredentialRow,
  made: { key: KeyRecord; certificate: IssuedCertificate },
): Promise<Buffer> {
  const record: CredentialRecord = {
    credentialId: credential.id,
    keyId: made.key.keyId,
    personId: credential.personId,
    clientId: credential.clientId,
    certificate: createHash('sha256').update(made.certificate.der).digest(),
    scal: credential.scal,
    mode: credential.mode,
    multisign: credential.multisign,
    secondFactor: credential.secondFactor ?? undefined,
  }
  return ctx.token
    .mac('credential', canonicalCredential(record), made.key.tokenSerial)
    .catch((error: unknown) => {
      throw tokenRefusal(ctx, error)
    })
}
