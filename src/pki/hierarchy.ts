import { X509Certificate } from 'node:crypto'
import type { Context } from '../context.ts'
import { findCertificate, newestCertificate, type CertificateRow } from '../db/certificates.ts'
import { findKey, keyRecord } from '../db/keys.ts'
import { oneAtATime } from '../db/startLock.ts'
import { Fields, inside } from '../der/read.ts'
import { TAG } from '../der/tags.ts'
import { makeKey } from '../signing/makeKey.ts'
import { issue, type Issuer } from './issue.ts'
import { authorityName } from './names.ts'
import type { ProfileName } from './profiles.ts'

/** Root and issuing authority, keys in the token, made by the first start that finds none. One replica makes them. */
export async function ensureHierarchy(ctx: Context): Promise<void> {
  if (await newestCertificate(ctx.db, 'issuing')) return
  await oneAtATime(ctx.db, async () => {
    if (await newestCertificate(ctx.db, 'issuing')) return
    const root = (await currentIssuer(ctx, 'root')) ?? (await makeAuthority(ctx, 'root'))
    await makeAuthority(ctx, 'issuing', root)
  })
}

/** The authority that issues now. */
export async function issuingAuthority(ctx: Context): Promise<Issuer> {
  const issuer = await currentIssuer(ctx, 'issuing')
  if (issuer === undefined) throw new Error('there is no issuing authority')
  return issuer
}

/** The root's certificate, DER: what relying parties trust. */
export async function rootCertificate(ctx: Context): Promise<Buffer> {
  const root = await newestCertificate(ctx.db, 'root')
  if (root === undefined) throw new Error('there is no root')
  return root.der
}

async function makeAuthority(ctx: Context, profile: 'root' | 'issuing', by?: Issuer): Promise<Issuer> {
  const { ca } = ctx.config
  const name = authorityName({ ...ca, name: profile === 'root' ? ca.rootName : ca.issuingName })
  const key = await makeKey(ctx, { keyType: ca.keyType, purpose: 'ca', actor: 'service' })
  const issuer = by ?? { certificateId: null, name: name.der, key }
  const { id, der } = await issue(ctx, { profile, subject: name, key, issuer })
  ctx.log.info(
    { profile, subject: new X509Certificate(der).subject.replaceAll('\n', ', ') },
    'authority made',
  )
  return { certificateId: id, name: name.der, key, notAfter: new Date(new X509Certificate(der).validTo) }
}

async function currentIssuer(ctx: Context, profile: ProfileName): Promise<Issuer | undefined> {
  const certificate = await newestCertificate(ctx.db, profile)
  return certificate && issuerOf(ctx, certificate)
}

/** An authority by its certificate. */
export async function issuerById(ctx: Context, certificateId: string): Promise<Issuer & IssuerFacts> {
  const certificate = await findCertificate(ctx.db, certificateId)
  if (certificate === undefined) throw new Error('there is no such authority')
  return { ...(await issuerOf(ctx, certificate)), notBefore: certificate.notBefore }
}

interface IssuerFacts {
  readonly notBefore: Date
}

/** An authority by its certificate. */
export async function issuerOf(ctx: Context, certificate: CertificateRow): Promise<Issuer> {
  const key = await findKey(ctx.db, certificate.keyId)
  if (key === undefined) throw new Error('an authority without its key')
  return {
    certificateId: certificate.id,
    name: subjectOf(certificate.der),
    key: keyRecord(key),
    notAfter: certificate.notAfter,
  }
}

/** DER of the subject, as the certificate has it (RFC 5280, 4.1): what it issues bears exactly these octets. */
export function subjectOf(certificate: Buffer): Buffer {
  const [tbs] = inside(certificate, TAG.SEQUENCE)
  const fields = new Fields(inside(tbs?.whole ?? Buffer.alloc(0), TAG.SEQUENCE))
  fields.optional(TAG.context(0))
  fields.take(TAG.INTEGER)
  // signature, issuer and validity
  for (let n = 0; n < 3; n++) fields.take(TAG.SEQUENCE)
  return fields.take(TAG.SEQUENCE).whole
}
