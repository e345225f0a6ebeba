import { hash, randomUUID, X509Certificate } from 'node:crypto'
import type { KeyType } from '../../hsm/algorithms.ts'
import type { KeyRecord, Sealed } from '../../hsm/records.ts'
import { PublicKeys } from '../../hsm/verify.ts'
import { raise } from '../alarms.ts'
import { auditEntry, type AuditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { planCertificate, storeIssued, voidCertificate, type PlannedCertificate } from '../db/certificates.ts'
import type { Queries } from '../db/database.ts'
import type { Replacement } from '../db/replacements.ts'
import { Refusal } from '../refusal.ts'
import { permitForService } from '../signing/permit.ts'
import { sign } from '../signing/sign.ts'
import { refuseCompromised, refuseUnfit } from './allowed.ts'
import { trustedTime } from './clock.ts'
import { lint, type Finding } from './lint.ts'
import { extensionsOf } from './profileExtensions.ts'
import { profiles, type ProfileName } from './profiles.ts'
import { publication } from './publication.ts'
import type { Name } from './names.ts'
import { schemeOf, signed, tbsCertificate } from './tbsCertificate.ts'

const SERIAL_OCTETS = 16
/** Relying parties' clocks run behind a little; the certificate must not come from their future. */
const BACKDATE_MS = 60_000
const DAY_MS = 86_400_000

/** Who signs the certificate: its name, key and certificate. */
export interface Issuer {
  /** Null: the certificate is its own issuer's. */
  readonly certificateId: string | null
  /** DER of its Name, as its certificate has it. */
  readonly name: Buffer
  readonly key: Sealed<KeyRecord>
  /** What it issues ends with it. */
  readonly notAfter?: Date
}

/** A key that somebody else holds: it came with a PKCS#10. */
export interface OutsideKey {
  readonly keyType: KeyType
  /** DER. */
  readonly spki: Buffer
}

export interface CertificateRequest {
  readonly profile: ProfileName
  readonly subject: Name
  readonly key: KeyRecord | OutsideKey
  readonly issuer: Issuer
  /** Fewer days than the profile allows. */
  readonly days?: number | undefined
  /** Who asked, as the audit log names them; without: the service. */
  readonly actor?: string
  /** What it takes the place of. */
  readonly replaces?: Replacement | undefined
  /**
   * Made ready when the certificate is there: what is recorded in the transaction that stores it, which may begin anew. What
   * it throws ends the certificate.
   */
  readonly alongside?: ((made: IssuedCertificate) => Promise<Alongside>) | undefined
}

export type Alongside = (tx: Queries) => Promise<void>

export interface IssuedCertificate {
  readonly id: string
  readonly der: Buffer
}

/**
 * Issues a certificate. The serial and the exact octets to be signed are linted and durable before the token is asked, so
 * that whatever happens after, there is a record of what was meant; what comes out is compared with them.
 * @throws Refusal invalid_request, conflict (as refuseUnfit; a compromised key; what it replaces is replaced already);
 * 'unavailable' when the token or Postgres is away, a ClockRefusal where nobody knows the time: then nothing was planned
 */
export async function issue(ctx: Context, request: CertificateRequest): Promise<IssuedCertificate> {
  const { issuer } = request
  refuseUnfit(ctx, request)
  await refuseCompromised(ctx, request.key)
  // 1. Which octets, and 2. whether they are what the profile and its clauses want.
  const planned = await plan(ctx, request)
  const { id, tbs } = planned
  refuseFaulty(ctx, request, tbs)
  // 3. Planned, durable. If we die after this: recovery finds a serial that was planned, perhaps signed, and never left.
  if (!(await planCertificate(ctx.db, planned)))
    throw new Refusal('conflict', 'The certificate was replaced, or is about to be.')
  try {
    // 4. Signed by the token, and 5. what came out is what was planned.
    const certificate = signed(tbs, schemeOf(issuer.key), await signTbs(ctx, issuer.key, planned))
    checkIssued(certificate, tbs, issuer)
    // 6. Stored: only from here on there is a certificate, and only from here on anybody is given it.
    const made = { id, der: certificate }
    const alongside = await request.alongside?.(made)
    await storeIssued(ctx.db, { ...made, audit: issuedEntry(request, id) }, alongside)
    return made
  } catch (error) {
    // The serial stays taken. If Postgres is away, or we die: it stays 'planned' until recovery ends it.
    await voidCertificate(ctx.db, { id }).catch(() => undefined)
    throw error
  }
}

async function plan(ctx: Context, request: CertificateRequest): Promise<PlannedCertificate> {
  const { profile: name, subject, key, issuer } = request
  const profile = profiles[name]
  // First: no certificate comes from a time that is not trusted, and so none from the future.
  const validity = validityOf(request, trustedTime(ctx))
  const serial = await newSerial(ctx)
  const particulars = {
    serial,
    notBefore: validity.notBefore,
    spki: key.spki,
    issuerSpki: issuer.key.spki,
    issuerId: issuer.certificateId,
    semantics: subject.semantics,
  }
  const tbs = tbsCertificate({
    ...validity,
    serial,
    scheme: schemeOf(issuer.key),
    issuer: issuer.name,
    subject: subject.der,
    spki: key.spki,
    extensions: extensionsOf(profile, particulars, { ...ctx.config.ca, publication: publication(ctx) }),
  })
  const whose = 'keyId' in key ? { keyId: key.keyId } : { spki: key.spki }
  return {
    ...validity,
    ...whose,
    id: randomUUID(),
    serial,
    profile: name,
    subject: subject.text,
    issuerId: issuer.certificateId,
    instanceId: ctx.instanceId,
    tbs,
    replaces: request.replaces,
  }
}

/** Nothing that is asked for can lead here: whoever asks was refused before. */
function refuseFaulty(ctx: Context, { profile, issuer }: CertificateRequest, tbs: Buffer): void {
  const { name, key, notAfter } = issuer
  const found = lint(
    tbs,
    profiles[profile],
    issuer.certificateId === null ? undefined : { name, spki: key.spki, notAfter },
  )
  const errors = found.filter(({ severity }) => severity === 'error')
  if (errors.length === 0) return
  const says = 'a certificate was about to be signed that breaks a rule: it was not'
  raise(ctx.log, 'certificate_faulty', { says, profile, rules: errors.map(({ rule }) => rule) })
  throw new FaultyCertificate(errors)
}

/** What was about to be signed breaks a rule; the token was not asked. */
export class FaultyCertificate extends Error {
  readonly findings: readonly Finding[]

  constructor(findings: readonly Finding[]) {
    super(findings.map(({ rule, says }) => `${rule}: ${says}`).join('; '))
    this.name = 'FaultyCertificate'
    this.findings = findings
  }
}

async function signTbs(
  ctx: Context,
  key: Sealed<KeyRecord>,
  { id, tbs }: PlannedCertificate,
): Promise<Buffer> {
  const permit = permitForService({
    key,
    scheme: schemeOf(key),
    messages: [tbs],
    act: 'certificate.sign',
    subjects: [`certificate:${id}`],
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

function validityOf(request: CertificateRequest, now: number): { notBefore: Date; notAfter: Date } {
  const days = Math.min(request.days ?? Infinity, profiles[request.profile].days)
  const start = Math.floor((now - BACKDATE_MS) / 1000) * 1000
  // The last second is part of the validity (RFC 5280, 4.1.2.5).
  const end = start + days * DAY_MS - 1000
  return {
    notBefore: new Date(start),
    notAfter: new Date(Math.min(end, request.issuer.notAfter?.getTime() ?? end)),
  }
}

const issuerKeys = new PublicKeys()

/** What was signed is what was planned, and the issuer's public key says so. */
function checkIssued(certificate: Buffer, planned: Buffer, issuer: Issuer): void {
  // Certificate ::= SEQUENCE { tbsCertificate … }: with two octets of length, as every certificate has.
  const carriesPlanned =
    certificate[1] === 0x82 && certificate.subarray(4, 4 + planned.length).equals(planned)
  if (!carriesPlanned) throw new Error('the certificate is not the one that was planned')
  if (!new X509Certificate(certificate).verify(issuerKeys.get(issuer.key.spki)))
    throw new Error("the certificate does not verify with its issuer's key")
}

function issuedEntry(request: CertificateRequest, id: string): AuditEntry {
  const { profile, key, replaces, actor = 'service' } = request
  const isOurs = 'keyId' in key
  return auditEntry({
    kind: 'act',
    act: 'certificate.issue',
    actor,
    subjects: [
      `certificate:${id}`,
      ...(isOurs ? [`key:${key.keyId}`] : []),
      ...(replaces === undefined ? [] : [`certificate:${replaces.certificateId}`]),
    ],
    detail: {
      profile,
      ...(isOurs ? {} : { spki: hash('sha256', key.spki, 'hex') }),
      ...(replaces === undefined ? {} : { by: replaces.by, reason: replaces.reason }),
    },
  })
}
