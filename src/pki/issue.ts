import 'reflect-metadata'
import { createPublicKey, randomUUID, type webcrypto, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { keyTypes, type SchemeName } from '../../hsm/algorithms.ts'
import type { KeyRecord, Sealed } from '../../hsm/records.ts'
import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { planCertificate, storeIssued, voidCertificate } from '../db/certificates.ts'
import { permitForService } from '../signing/permit.ts'
import { sign } from '../signing/sign.ts'
import { hsmCrypto, hsmKey } from './hsmCrypto.ts'
import { profiles, type ProfileName } from './profiles.ts'

const SERIAL_OCTETS = 16
/** Relying parties' clocks run behind a little; the certificate must not come from their future. */
const BACKDATE_MS = 60_000
const DAY_MS = 86_400_000

/** Who signs the certificate: its name, key and certificate. */
export interface Issuer {
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
  /** OID of what the certificate is issued under (RFC 5280, 4.2.1.4). */
  readonly policy?: string
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
  const id = randomUUID()
  const plan = { id, serial: await newSerial(ctx), ...validityOf(ctx, request) }
  try {
    const { der, tbs } = await generate(ctx, request, plan)
    checkIssued(der, tbs, request.issuer)
    await storeIssued(ctx.db, { id, der, audit: issuedEntry(request, id) })
    return { id, der }
  } catch (error) {
    // The serial stays taken. If Postgres is away, or we die: it stays 'planned', and was never handed out.
    await voidCertificate(ctx.db, id).catch(() => undefined)
    throw error
  }
}

interface Plan {
  readonly id: string
  readonly serial: Buffer
  readonly notBefore: Date
  readonly notAfter: Date
}

async function generate(
  ctx: Context,
  request: CertificateRequest,
  plan: Plan,
): Promise<{ der: Buffer; tbs: Buffer | undefined }> {
  const { issuer } = request
  const scheme = schemeOf(issuer.key)
  let planned: Buffer | undefined
  const crypto = hsmCrypto((tbs) => {
    planned = tbs
    return signTbs(ctx, request, { ...plan, tbs, scheme })
  })
  const made = await x509.X509CertificateGenerator.create(
    {
      serialNumber: plan.serial.toString('hex'),
      subject: request.subject,
      issuer: issuer.name,
      notBefore: plan.notBefore,
      notAfter: plan.notAfter,
      publicKey: new x509.PublicKey(request.key.spki),
      signingKey: hsmKey(issuer.key, scheme),
      extensions: await extensions(request, crypto),
    },
    crypto,
  )
  return { der: Buffer.from(made.rawData), tbs: planned }
}

async function signTbs(
  ctx: Context,
  { profile, key, issuer }: CertificateRequest,
  { scheme, ...plan }: Plan & { readonly tbs: Buffer; readonly scheme: SchemeName },
): Promise<Buffer> {
  // If we die after this: a serial that was planned, and perhaps signed, and never left.
  await planCertificate(ctx.db, { ...plan, profile, keyId: key.keyId, issuerId: issuer.certificateId })
  const permit = permitForService({
    key: issuer.key,
    scheme,
    messages: [plan.tbs],
    act: 'certificate.sign',
    subjects: [`certificate:${plan.id}`],
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

function schemeOf(key: KeyRecord): SchemeName {
  const [preferred] = keyTypes[key.keyType].schemes
  if (preferred === undefined) throw new Error('a key type without a scheme')
  return preferred
}

async function extensions(request: CertificateRequest, crypto: webcrypto.Crypto): Promise<x509.Extension[]> {
  const { authority, keyUsage } = profiles[request.profile]
  const subjectKey = await keyIdentifier(request.key.spki, crypto)
  const issuerKey = await keyIdentifier(request.issuer.key.spki, crypto)
  const { policy } = request
  return [
    new x509.AuthorityKeyIdentifierExtension(issuerKey),
    new x509.SubjectKeyIdentifierExtension(subjectKey),
    ...(authority ? [new x509.BasicConstraintsExtension(true, authority.pathLength, true)] : []),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- a set of the library's flags is a number
    new x509.KeyUsagesExtension(keyUsage, true),
    ...(policy === undefined ? [] : [new x509.CertificatePolicyExtension([policy])]),
  ]
}

/** Leftmost 160 bits of the SHA-256 of the public key's BIT STRING (RFC 7093, 2, method 1), in hex. */
async function keyIdentifier(spki: Buffer, crypto: webcrypto.Crypto): Promise<string> {
  const identifier = await new x509.PublicKey(spki).getKeyIdentifier('SHA-256', crypto)
  return Buffer.from(identifier).subarray(0, 20).toString('hex')
}

/** What was signed is what was planned, and the issuer's public key says so. */
function checkIssued(der: Buffer, planned: Buffer | undefined, issuer: Issuer): void {
  // Certificate ::= SEQUENCE { tbsCertificate … }: with two octets of length, as every certificate has.
  const carriesPlanned =
    planned !== undefined && der[1] === 0x82 && der.subarray(4, 4 + planned.length).equals(planned)
  if (!carriesPlanned) throw new Error('the certificate is not the one that was planned')
  const issuerKey = createPublicKey({ key: issuer.key.spki, format: 'der', type: 'spki' })
  if (!new X509Certificate(der).verify(issuerKey))
    throw new Error("the certificate does not verify with its issuer's key")
}

function issuedEntry(request: CertificateRequest, id: string) {
  return auditEntry({
    kind: 'act',
    act: 'certificate.issue',
    actor: 'service',
    subjects: [`certificate:${id}`, `key:${request.key.keyId}`],
    detail: { profile: request.profile },
  })
}
