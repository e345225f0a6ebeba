import { createPublicKey, randomUUID, X509Certificate } from 'node:crypto'
import type * as x509 from '@peculiar/x509'
import type { KeyRecord, Sealed } from '../../hsm/records.ts'
import { auditEntry, type AuditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { planCertificate, storeIssued, voidCertificate } from '../db/certificates.ts'
import { permitForService } from '../signing/permit.ts'
import { sign } from '../signing/sign.ts'
import { profiles, type ProfileName } from './profiles.ts'
import { schemeOf, signed, tbsCertificate } from './tbsCertificate.ts'

const SERIAL_OCTETS = 16
/** Relying parties' clocks run behind a little; the certificate must not come from their future. */
const BACKDATE_MS = 60_000
const DAY_MS = 86_400_000

/** Who signs the certificate: its name, key and certificate. */
export interface Issuer {
  /** Null: the certificate is its own issuer's. */
  readonly certificateId: string | null
  readonly name: x509.Name
  readonly key: Sealed<KeyRecord>
}

export interface CertificateRequest {
  readonly profile: ProfileName
  readonly subject: x509.Name
  readonly key: KeyRecord
  readonly issuer: Issuer
  /** Fewer days than the profile allows. */
  readonly days?: number
}

export interface IssuedCertificate {
  readonly id: string
  readonly der: Buffer
}

/**
 * Issues a certificate. The serial and the exact octets to be signed are durable before the token is asked, so that
 * whatever happens after, there is a record of what was meant; what comes out is compared with them.
 */
export async function issue(ctx: Context, request: CertificateRequest): Promise<IssuedCertificate> {
  const { profile, key, issuer } = request
  const id = randomUUID()
  // 1. Which octets.
  const plan = { serial: await newSerial(ctx), ...validityOf(ctx, request) }
  const scheme = schemeOf(issuer.key)
  const tbs = tbsCertificate({
    ...plan,
    profile: profiles[profile],
    scheme,
    issuer: der(issuer.name),
    subject: der(request.subject),
    spki: key.spki,
    issuerSpki: issuer.key.spki,
  })
  // 2. Planned, durable. If we die after this: a serial that was planned, and perhaps signed, and never left.
  await planCertificate(ctx.db, {
    ...plan,
    id,
    profile,
    tbs,
    keyId: key.keyId,
    issuerId: issuer.certificateId,
  })
  try {
    // 3. Signed by the token, and 4. what came out is what was planned.
    const certificate = signed(tbs, scheme, await signTbs(ctx, { request, id, tbs }))
    checkIssued(certificate, tbs, issuer)
    // 5. Stored: only from here on there is a certificate.
    await storeIssued(ctx.db, { id, der: certificate, audit: issuedEntry(request, id) })
    return { id, der: certificate }
  } catch (error) {
    // The serial stays taken. If Postgres is away, or we die: it stays 'planned', and was never handed out.
    await voidCertificate(ctx.db, id).catch(() => undefined)
    throw error
  }
}

async function signTbs(
  ctx: Context,
  planned: { readonly request: CertificateRequest; readonly id: string; readonly tbs: Buffer },
): Promise<Buffer> {
  const { key } = planned.request.issuer
  const permit = permitForService({
    key,
    scheme: schemeOf(key),
    messages: [planned.tbs],
    act: 'certificate.sign',
    subjects: [`certificate:${planned.id}`],
  })
  const [signature] = await sign(ctx, permit)
  if (signature === undefined) throw new Error('no signature')
  return signature
}

/** 126 random bits, never zero and never negative: the first octet is 01xxxxxx. */
async function newSerial(ctx: Context): Promise<Buffer> {
  const serial = await ctx.token.random(SERIAL_OCTETS)
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  return serial
}

function validityOf(ctx: Context, request: CertificateRequest): { notBefore: Date; notAfter: Date } {
  const days = Math.min(request.days ?? Infinity, profiles[request.profile].days)
  const start = Math.floor((ctx.clock() - BACKDATE_MS) / 1000) * 1000
  // The last second is part of the validity (RFC 5280, 4.1.2.5).
  return { notBefore: new Date(start), notAfter: new Date(start + days * DAY_MS - 1000) }
}

const der = (name: x509.Name): Buffer => Buffer.from(name.toArrayBuffer())

/** What was signed is what was planned, and the issuer's public key says so. */
function checkIssued(certificate: Buffer, planned: Buffer, issuer: Issuer): void {
  // Certificate ::= SEQUENCE { tbsCertificate … }: with two octets of length, as every certificate has.
  const carriesPlanned =
    certificate[1] === 0x82 && certificate.subarray(4, 4 + planned.length).equals(planned)
  if (!carriesPlanned) throw new Error('the certificate is not the one that was planned')
  const issuerKey = createPublicKey({ key: issuer.key.spki, format: 'der', type: 'spki' })
  if (!new X509Certificate(certificate).verify(issuerKey))
    throw new Error("the certificate does not verify with its issuer's key")
}

function issuedEntry(request: CertificateRequest, id: string): AuditEntry {
  return auditEntry({
    kind: 'act',
    act: 'certificate.issue',
    actor: 'service',
    subjects: [`certificate:${id}`, `key:${request.key.keyId}`],
    detail: { profile: request.profile },
  })
}
