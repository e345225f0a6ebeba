import { createPublicKey, X509Certificate } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import { TRANSCRIPT_TYPE } from '../../hsm/ceremonyTranscript.ts'
import type { KeyType, SchemeName } from '../../hsm/algorithms.ts'
import type { KeyRecord } from '../../hsm/records.ts'
import type { TokenInfo } from '../../hsm/types.ts'
import type { Context } from '../context.ts'
import { approvalsOf, type CeremonyRow } from '../db/ceremonies.ts'
import { findOperator } from '../db/operators.ts'
import { permitForService } from '../signing/permit.ts'
import { sign } from '../signing/sign.ts'
import { version } from '../version.ts'
import type { CeremonyBook } from './ceremonyBook.ts'
import { existingRoot } from './ceremonyCheck.ts'
import { TRANSCRIPT_VERSION, transcriptSchema, type Transcript } from './ceremonyDocument.ts'
import type { CeremonyPlan } from './ceremonyPlan.ts'
import { RUN_STEP, stepsOf, type CertificateStep, type KeyStep } from './ceremonySteps.ts'
import { keyOf, madeCertificate, type KeyFacts } from './ceremonyWork.ts'

interface Made {
  readonly ceremony: CeremonyRow
  readonly plan: CeremonyPlan
  readonly book: CeremonyBook
}

/** TABLE of the keys that sign transcripts (RFC 7518, 3.1). The signer takes these two algorithms and no other. */
const ways: Readonly<
  Partial<Record<KeyType, { readonly alg: 'ES256' | 'PS256'; readonly scheme: SchemeName }>>
> = {
  'P-256': { alg: 'ES256', scheme: 'ecdsa-sha256' },
  'RSA-3072': { alg: 'PS256', scheme: 'pss-sha256' },
}

/** The transcript of what was done, signed by the ceremony's own key: a flattened JWS (RFC 7515, 7.2.2) and a line feed. */
export async function signedTranscript(ctx: Context, made: Made): Promise<Buffer> {
  const transcript = transcriptSchema.parse(await transcriptOf(ctx, made))
  const key = await keyOf(ctx, made, 'transcript')
  const way = ways[key.keyType]
  if (way === undefined) throw new Error(`a ${key.keyType} key signs no transcript`)
  const header = { alg: way.alg, kid: await thumbprint(key), typ: TRANSCRIPT_TYPE }
  const [protectedHeader, payload] = [header, transcript].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  )
  const permit = permitForService({
    key,
    scheme: way.scheme,
    messages: [Buffer.from(`${protectedHeader ?? ''}.${payload ?? ''}`)],
    act: 'ceremony.transcript',
    subjects: [`ceremony:${made.ceremony.id}`],
  })
  const [signature] = await sign(ctx, permit)
  if (signature === undefined) throw new Error('no signature')
  const jws = { payload, protected: protectedHeader, signature: signature.toString('base64url') }
  return Buffer.from(`${JSON.stringify(jws)}\n`)
}

function thumbprint({ spki }: KeyRecord): Promise<string> {
  return calculateJwkThumbprint(
    createPublicKey({ key: spki, format: 'der', type: 'spki' }).export({ format: 'jwk' }),
  )
}

async function transcriptOf(ctx: Context, { ceremony, plan, book }: Made): Promise<Transcript> {
  const { baseUrl, profile } = ctx.config
  const steps = stepsOf(plan)
  return {
    format: TRANSCRIPT_VERSION,
    ceremony: ceremony.id,
    service: { version, baseUrl, profile },
    plan: {
      sha256: ceremony.planSha256.toString('hex'),
      octets: ceremony.plan.toString('base64'),
      submittedAt: ceremony.submittedAt.toISOString(),
      submittedBy: await shownOperator(ctx, ceremony.submittedBy),
    },
    approvals: await shownApprovals(ctx, ceremony, book),
    keys: steps.filter((step) => step.kind === 'key').map((step) => shownKey(book, step)),
    certificates: await shownCertificates(
      ctx,
      book,
      steps.filter((step) => step.kind === 'certificate'),
    ),
    ...(plan.existingRoot === undefined ? {} : { existingRoot: await shownRoot(ctx, plan.existingRoot) }),
    steps: await shownSteps(ctx, book),
  }
}

async function shownOperator(ctx: Context, id: string | null) {
  if (id === null) return null
  const operator = await findOperator(ctx.db, id)
  if (operator === undefined) throw new Error('an operator has gone')
  return { id, name: operator.name, thumbprint: operator.thumbprint }
}

/** Those that counted when it was last run. */
async function shownApprovals(ctx: Context, ceremony: CeremonyRow, book: CeremonyBook) {
  const { approvers } = book.lastRun as { approvers: string[] }
  const approvals = await approvalsOf(ctx.db, ceremony.id)
  return approvals
    .filter((approval) => approvers.includes(approval.operatorId))
    .map(({ operatorId: id, name, thumbprint, roles, publicKey, approvedAt, signature }) => ({
      ...{ id, name, thumbprint, roles, publicKey },
      at: approvedAt.toISOString(),
      signature,
    }))
}

function shownKey(book: CeremonyBook, { part, name }: KeyStep): Transcript['keys'][number] {
  const { keyId, token, attributes, publicKey } = book.factsOf(name) as unknown as KeyFacts
  return { part, keyId, token: shownToken(token), attributes, publicKey } as Transcript['keys'][number]
}

/** In this order, and nothing else that a later version may learn of a token. */
function shownToken(token: TokenInfo): TokenInfo {
  const { label, serial, manufacturer, model, firmware } = token
  const { modulePath, moduleSha256, libraryVersion, libraryDescription } = token
  return {
    ...{ label, serial, manufacturer, model, firmware },
    ...{ modulePath, moduleSha256, libraryVersion, libraryDescription },
  }
}

async function shownCertificates(ctx: Context, book: CeremonyBook, steps: readonly CertificateStep[]) {
  const shown: Transcript['certificates'] = []
  for (const { part } of steps) {
    const { id, der } = await madeCertificate(ctx, book, part)
    const certificate = new X509Certificate(der)
    shown.push({ part, id, sha256: plainHex(certificate), pem: certificate.toString() })
  }
  return shown
}

async function shownRoot(ctx: Context, sha256: string) {
  const { der } = await existingRoot(ctx, sha256)
  return { sha256, pem: new X509Certificate(der).toString() }
}

const plainHex = ({ fingerprint256 }: X509Certificate): string =>
  fingerprint256.replaceAll(':', '').toLowerCase()

async function shownSteps(ctx: Context, book: CeremonyBook) {
  const shown: Transcript['steps'] = []
  for (const { at, step, event, facts } of book.events) {
    const { by } = facts as { by?: string | null }
    const who = step === RUN_STEP ? { by: await shownOperator(ctx, by ?? null) } : {}
    shown.push({ at: at.toISOString(), step, event, ...who })
  }
  return shown
}
