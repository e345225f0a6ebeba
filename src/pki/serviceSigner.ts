import { X509Certificate } from 'node:crypto'
import type { KeyRecord, Sealed } from '../../hsm/records.ts'
import type { Context } from '../context.ts'
import { newestCertificate, type CertificateRow } from '../db/certificates.ts'
import { findKey, keyRecord } from '../db/keys.ts'
import { oneAtATime } from '../db/startLock.ts'
import { makeKey } from '../signing/makeKey.ts'
import { trustedTime } from './clock.ts'
import { issuingAuthority } from './hierarchy.ts'
import { issue, type Issuer } from './issue.ts'
import { authorityName } from './names.ts'

/** A key of the service with the certificate that says what it signs: a responder, a time-stamping unit. */
export interface ServiceSigner {
  readonly certificateId: string
  /** DER. */
  readonly certificate: Buffer
  readonly key: Sealed<KeyRecord>
  readonly notBefore: Date
  readonly notAfter: Date
}

export type ServiceProfile = 'ocsp' | 'tsu'

const NAMES: Readonly<Record<ServiceProfile, string>> = { ocsp: 'OCSP responder', tsu: 'Time-stamping unit' }

/** The one that signs now; made where there is none, by one replica. */
export async function serviceSigner(ctx: Context, profile: ServiceProfile): Promise<ServiceSigner> {
  const found = await newestCertificate(ctx.db, profile)
  if (found !== undefined) return signerOf(ctx, found)
  await oneAtATime(ctx.db, async () => {
    if ((await newestCertificate(ctx.db, profile)) === undefined) await makeServiceSigner(ctx, profile)
  })
  const made = await newestCertificate(ctx.db, profile)
  if (made === undefined) throw new Error(`there is no certificate for ${profile}`)
  return signerOf(ctx, made)
}

/**
 * A new key and its certificate, which signs from now on: roll-over.
 * @param by absent: the authority that issues now
 */
export async function makeServiceSigner(ctx: Context, profile: ServiceProfile, by?: Issuer): Promise<void> {
  const { ca } = ctx.config
  // First, so that no key is made that nobody could certify.
  trustedTime(ctx)
  const issuer = by ?? (await issuingAuthority(ctx))
  const key = await makeKey(ctx, { keyType: SERVICE_KEY_TYPE, purpose: profile, actor: 'service' })
  const { der } = await issue(ctx, {
    profile,
    subject: authorityName({ ...ca, name: nameOf(profile, key.keyId) }),
    key,
    issuer,
  })
  ctx.log.info(
    { profile, subject: new X509Certificate(der).subject.replaceAll('\n', ', ') },
    'service key made',
  )
}

/** A time-stamping unit has a name that no other one has (EN 319 422, 6.2): some of its key's id is in it. */
function nameOf(profile: ServiceProfile, keyId: string): string {
  return profile === 'tsu' ? `${NAMES.tsu} ${keyId.slice(0, 8)}` : NAMES[profile]
}

/** Small, quick, and of 128 bits of strength. */
const SERVICE_KEY_TYPE = 'P-256'

async function signerOf(ctx: Context, row: CertificateRow): Promise<ServiceSigner> {
  const key = await findKey(ctx.db, row.keyId)
  if (key === undefined) throw new Error('a service certificate without its key')
  const { id: certificateId, der: certificate, notBefore, notAfter } = row
  return { certificateId, certificate, key: keyRecord(key), notBefore, notAfter }
}
