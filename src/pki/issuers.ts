import type { Context } from '../context.ts'
import { findCertificate, newestCertificate, type CertificateRow } from '../db/certificates.ts'
import { findKey, keyRecord } from '../db/keys.ts'
import { Fields, inside } from '../der/read.ts'
import { TAG } from '../der/tags.ts'
import type { Issuer } from './issue.ts'

/** The authority of a profile that issues now; undefined: there is none whose certificate is valid. */
export async function currentIssuer(ctx: Context, profile: 'root' | 'issuing'): Promise<Issuer | undefined> {
  const certificate = await newestCertificate(ctx.db, profile)
  return certificate && issuerOf(ctx, certificate)
}

interface IssuerFacts {
  readonly notBefore: Date
}

/** An authority by the id of its certificate. */
export async function issuerById(ctx: Context, certificateId: string): Promise<Issuer & IssuerFacts> {
  const certificate = await findCertificate(ctx.db, certificateId)
  if (certificate === undefined) throw new Error('there is no such authority')
  return { ...(await issuerOf(ctx, certificate)), notBefore: certificate.notBefore }
}

/** The authority that a certificate is of. */
export async function issuerOf(
  ctx: Context,
  certificate: Pick<CertificateRow, 'id' | 'keyId' | 'der' | 'notAfter'>,
): Promise<Issuer> {
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
