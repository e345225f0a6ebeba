import { createHash } from 'node:crypto'
import type { TokenInfo, KeyAttributes } from '../../hsm/types.ts'
import type { Context } from '../context.ts'
import { certificateOfKey, findCertificate, type CertificateRow } from '../db/certificates.ts'
import { findKey, keyRecord } from '../db/keys.ts'
import { makeKey } from '../signing/makeKey.ts'
import type { CeremonyBook } from './ceremonyBook.ts'
import { checkName, existingRoot, tokenFor } from './ceremonyCheck.ts'
import type { CeremonyPlan } from './ceremonyPlan.ts'
import type { CertificateStep, KeyStep, Step } from './ceremonySteps.ts'
import { issue, type Issuer } from './issue.ts'
import { issuerOf } from './issuers.ts'
import { authorityName } from './names.ts'

interface Work {
  readonly plan: CeremonyPlan
  readonly book: CeremonyBook
  readonly actor: string
}

/** What is recorded of a key: as the token told it when the key was made. */
export interface KeyFacts {
  readonly keyId: string
  readonly token: TokenInfo
  readonly attributes: ReturnType<typeof shownAttributes>
  /** Base64 of the SubjectPublicKeyInfo. */
  readonly publicKey: string
}

export interface CertificateFacts {
  readonly certificateId: string
  readonly sha256: string
}

/** Does one step, which is recorded before and after. */
export async function perform(ctx: Context, work: Work, step: Step): Promise<void> {
  await work.book.begin(ctx.db, step.name)
  if (step.kind === 'key') await makeStepKey(ctx, work, step)
  else await certify(ctx, work, step)
}

/**
 * The key and the record that the step is done are stored together. If we die before that, the key's own intent is there, by
 * which the next start destroys what the token has made.
 */
async function makeStepKey(ctx: Context, { book, actor }: Work, step: KeyStep): Promise<void> {
  const { keyType, purpose } = step
  const { token } = tokenFor(ctx, step)
  await makeKey(ctx, {
    keyType,
    purpose,
    actor,
    tokenSerial: token.serial,
    stored: async (tx, { key, attributes }) => {
      const publicKey = key.spki.toString('base64')
      const facts: KeyFacts = {
        keyId: key.keyId,
        token: token.info,
        attributes: shownAttributes(attributes),
        publicKey,
      }
      await book.done(tx, step.name, { ...facts })
    },
  })
}

/** If we die between the certificate and its record, it is found by its key, which has no other one. */
async function certify(ctx: Context, work: Work, step: CertificateStep): Promise<void> {
  const key = await keyOf(ctx, work, step.part)
  const made = await certificateOfKey(ctx.db, key.keyId)
  const { id, der } = made ?? (await issued(ctx, work, { step, key }))
  const facts: CertificateFacts = {
    certificateId: id,
    sha256: createHash('sha256').update(der).digest('hex'),
  }
  await work.book.found(ctx.db, step.name, { ...facts })
}

async function issued(
  ctx: Context,
  work: Work,
  { step, key }: { readonly step: CertificateStep; readonly key: Issuer['key'] },
): Promise<{ id: string; der: Buffer }> {
  const { profile, part, days } = step
  if (part === 'root' || part === 'issuing') await checkName(ctx, work.plan, part)
  const subject = authorityName({ ...work.plan, name: step.subject })
  const issuer = await issuerFor(ctx, work, step)
  return issue(ctx, {
    profile,
    subject,
    key,
    issuer: issuer ?? { certificateId: null, name: subject.der, key },
    days,
  })
}

/** Undefined: the certificate is its own issuer's. */
async function issuerFor(
  ctx: Context,
  { plan, book }: Work,
  step: CertificateStep,
): Promise<Issuer | undefined> {
  if (step.issuer === undefined) return undefined
  if (step.issuer === 'root' && plan.existingRoot !== undefined)
    return issuerOf(ctx, await existingRoot(ctx, plan.existingRoot))
  return issuerOf(ctx, await madeCertificate(ctx, book, step.issuer))
}

/** The certificate that a step of this ceremony made. */
export async function madeCertificate(
  ctx: Context,
  book: CeremonyBook,
  part: CertificateStep['part'],
): Promise<CertificateRow> {
  const { certificateId } = book.factsOf(`${part} certificate`) as unknown as CertificateFacts
  const certificate = await findCertificate(ctx.db, certificateId)
  if (certificate === undefined) throw new Error(`the ${part} certificate has gone`)
  return certificate
}

export async function keyOf(
  ctx: Context,
  { book }: Pick<Work, 'book'>,
  part: KeyStep['part'],
): Promise<Issuer['key']> {
  const { keyId } = book.factsOf(`${part} key`) as unknown as KeyFacts
  const key = await findKey(ctx.db, keyId)
  if (key === undefined) throw new Error(`the ${part} key has gone`)
  return keyRecord(key)
}

/** As the token tells them; null: it does not tell. */
function shownAttributes(read: KeyAttributes) {
  const flags = Object.entries(read.flags).map(([flag, value]) => [flag, value ?? null] as const)
  return {
    ckaId: read.ckaId.toString('hex'),
    label: read.label,
    keyType: read.keyType ?? null,
    flags: Object.fromEntries(flags),
    allowedMechanisms: read.allowedMechanisms ?? null,
  }
}
