import { randomBytes, randomUUID } from 'node:crypto'
import { hashes, keyTypes, schemes, type HashName } from '../../hsm/algorithms.ts'
import type { ActivationRecord, AuthorisationRecord, KeyRecord, Sealed } from '../../hsm/records.ts'
import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { forgetFailures, reserveAttempt, returnAttempt, type Attempt } from '../db/attempts.ts'
import { insertAudit } from '../db/audit.ts'
import type { Queries } from '../db/database.ts'
import { createAuthorisation } from '../db/authorisations.ts'
import {
  credentialKey,
  credentialRecord,
  findActivation,
  findCredential,
  type CredentialRow,
} from '../db/credentials.ts'
import { Refusal, type RefusalCode } from '../refusal.ts'
import { inTurn } from './inTurn.ts'
import { bearerHash, checkUsable } from './permit.ts'
import { judgeOtp, type Spend } from './secondFactor.ts'
import { KDF, SALT_OCTETS, stretch } from './secrets.ts'
import { tokenRefusal } from './tokenRefusal.ts'

const SAD_OCTETS = 32
const WRONG = 'The authentication data is invalid'
/** A salt for credentials that do not exist, so that asking for one costs what asking for another does. */
const NOBODYS_SALT = randomBytes(SALT_OCTETS)

export interface AuthoriseRequest {
  readonly clientId: string
  readonly credentialId: string
  /** What the holder gave: a PIN is one secret. */
  readonly secrets: readonly string[]
  /** A one-time password, where the credential has a second factor. It counts besides the secrets, never instead. */
  readonly otp?: string | undefined
  /** For whom wrong secrets count, where it is not the client that asks: a page of ours, which anybody can open. */
  readonly countedAs?: string
  /** How many signatures. Under SCAL 2 the digests given now may be fewer. */
  readonly count: number
  /** The digests' hash; absent for Ed25519, whose inputs are messages. */
  readonly hash?: HashName
  /** Required under SCAL 2: each occurrence counts. */
  readonly digests?: readonly Buffer[]
}

export interface Authorised {
  /** Bearer value, 256 bits, base64url. Only its SHA-256 is stored. */
  readonly sad: string
  /** Seconds. */
  readonly expiresIn: number
}

/**
 * A holder's secrets become a SAD. The attempt is counted before the secrets are looked at; the token compares them
 * and seals what they authorise.
 * @throws Refusal credential_unknown (unknown and foreign alike, at the cost of a real one), credential_disabled,
 * certificate_expired, certificate_revoked, credential_locked, activation_failed, otp_failed (whatever the secrets
 * are: who has no good one-time password learns nothing of them)
 */
export async function authoriseCredential(ctx: Context, request: AuthoriseRequest): Promise<Authorised> {
  const sad = newSad()
  await activated(ctx, request, (made) => store(ctx, made, bearerHash(sad)))
  return { sad, expiresIn: ctx.config.csc.sadSeconds }
}

/** What a holder approved on the page. Nobody can sign by it before an authorization code gives it a bearer value. */
export type Approved = Pick<
  Sealed<AuthorisationRecord>,
  'authorisationId' | 'hash' | 'digests' | 'count' | 'expiresAt'
>

/** The same, without a SAD: the authorisation gets its bearer value when its code is redeemed. @throws as above */
export async function approveCredential(ctx: Context, request: AuthoriseRequest): Promise<Approved> {
  const { authorisation } = await activated(ctx, request, (made) => store(ctx, made, null))
  return authorisation
}

/**
 * Whether these are the secrets of the credential's holder, as for a login: what the token seals, one random digest, is
 * stored nowhere. Attempts count as they do everywhere.
 * @returns the holder's id
 * @throws as above
 */
export async function recogniseHolder(
  ctx: Context,
  asking: Pick<AuthoriseRequest, 'clientId' | 'credentialId' | 'secrets' | 'otp' | 'countedAs'>,
): Promise<string> {
  const { clientId, credentialId } = asking
  const credential = await findCredential(ctx.db, { id: credentialId, clientId })
  const [scheme] = keyTypes[credential?.keyType ?? 'P-256'].schemes
  const hash = scheme && schemes[scheme].hash?.name
  const digests = [randomBytes(hash === undefined ? SAD_OCTETS : hashes[hash].length)]
  const request = { ...asking, count: 1, digests, ...(hash === undefined ? {} : { hash }) }
  const { personId } = await activated(ctx, request, (made) => recognised(ctx, request, made))
  ctx.metrics.activation('accepted')
  return personId
}

async function recognised(
  ctx: Context,
  { clientId, credentialId }: AuthoriseRequest,
  made: Activated,
): Promise<void> {
  const { attempt, personId } = made
  const subjects = [`credential:${credentialId}`, `person:${personId}`]
  const audit = auditEntry({ kind: 'act', act: 'recognise', actor: `client:${clientId}`, subjects })
  await ctx.db.transaction(async (tx) => {
    await spend(tx, made)
    await insertAudit(tx, [audit])
    await forgetFailures(tx, attempt)
  })
}

interface Activated {
  readonly attempt: Attempt
  readonly personId: string
  readonly authorisation: Sealed<AuthorisationRecord>
  readonly spend: Spend
}

/** @throws Refusal 'otp_failed': of two who came with one password, this one was slower */
async function spend(tx: Queries, made: Activated): Promise<void> {
  if (!(await made.spend(tx))) throw new Refusal('otp_failed', WRONG)
}

/** @param finish what makes a success known; the next attempt for this client and key waits for it */
async function activated(
  ctx: Context,
  request: AuthoriseRequest,
  finish: (made: Activated) => Promise<void>,
): Promise<Activated> {
  const credential = await findCredential(ctx.db, { id: request.credentialId, clientId: request.clientId })
  if (credential === undefined || credential.keyId === null) return refuseUnknown(ctx, request)
  checkUsable(credential)
  const { keyId } = credential
  const attempt = { keyId, clientId: request.countedAs ?? request.clientId }
  // One at a time for a client and key: fifty right PINs at once must not look like fifty attempts at guessing.
  return inTurn(`${keyId} ${attempt.clientId}`, async () => {
    try {
      const made = await activate(ctx, request, { credential, attempt })
      await finish(made)
      return made
    } catch (error) {
      if (error instanceof Refusal) await recordWrong(ctx, { ...request, keyId }, error.code)
      throw error
    }
  })
}

async function refuseUnknown(ctx: Context, request: AuthoriseRequest): Promise<never> {
  if (request.otp !== undefined) await ctx.token.mac('totp-seed', NOBODYS_SALT)
  await stretch(request.secrets, { salt: NOBODYS_SALT, ...KDF }, request.clientId)
  await ctx.token.mac('credential', NOBODYS_SALT)
  throw new Refusal('credential_unknown', 'Invalid parameter credentialID')
}

async function activate(
  ctx: Context,
  request: AuthoriseRequest,
  { credential, attempt }: { readonly credential: CredentialRow; readonly attempt: Attempt },
): Promise<Activated> {
  const key = credentialKey(credential)
  const activation = await findActivation(ctx.db, key)
  if (activation === undefined) throw new Error('a key without its verifier')

  // From here on the attempt counts as failed until the token says otherwise; so it does if we die.
  const now = await reserveAttempt(ctx.db, attempt)
  if (now === undefined) {
    ctx.metrics.activation('locked')
    throw new Refusal('credential_locked', 'Credential locked')
  }
  const authorisation = authorisationRecord(ctx, request, { keyId: key.keyId, now })
  const verdict = await judge(ctx, request, { key, activation, credential, authorisation, now }).catch(
    async (error: unknown) => {
      await returnAttempt(ctx.db, attempt)
      throw tokenRefusal(ctx, error)
    },
  )
  const { seal, otp } = verdict
  if (otp === undefined) throw new Refusal('otp_failed', WRONG)
  if (seal === undefined) throw new Refusal('activation_failed', WRONG)
  return { attempt, personId: credential.personId, authorisation: { ...authorisation, seal }, spend: otp }
}

/**
 * The token's verdict on the secrets, which is the authorisation's seal, and ours on the one-time password; undefined where
 * wrong. Both are asked for whatever the other one says, so that either mistake takes as long.
 */
async function judge(
  ctx: Context,
  request: AuthoriseRequest,
  found: {
    readonly key: Sealed<KeyRecord>
    readonly activation: Sealed<ActivationRecord>
    readonly credential: CredentialRow
    readonly authorisation: AuthorisationRecord
    readonly now: number
  },
): Promise<{ readonly seal: Buffer | undefined; readonly otp: Spend | undefined }> {
  const { key, activation, credential, authorisation, now } = found
  const otp = await judgeOtp(ctx, credential, { clientId: request.clientId, otp: request.otp, now })
  const stretched = await stretch(request.secrets, activation, request.clientId)
  const records = { key, activation, authorisation, credential: credentialRecord(credential) }
  return { seal: await ctx.token.activate({ ...records, stretched }), otp }
}

function authorisationRecord(
  ctx: Context,
  request: AuthoriseRequest,
  found: { keyId: string; now: number },
): AuthorisationRecord {
  return {
    authorisationId: randomUUID(),
    keyId: found.keyId,
    credentialId: request.credentialId,
    clientId: request.clientId,
    hash: request.hash,
    digests: request.digests,
    // Under SCAL 2 an authorisation is for what it names; the number that was asked for only bounds it.
    count: request.digests?.length ?? request.count,
    expiresAt: found.now + ctx.config.csc.sadSeconds * 1000,
  }
}

/** What the audit log says was wrong. Other refusals are none of the holder's secrets. */
const wrong: Readonly<Partial<Record<RefusalCode, string>>> = {
  activation_failed: 'secret',
  otp_failed: 'otp',
}

async function recordWrong(
  ctx: Context,
  { clientId, credentialId, keyId }: AuthoriseRequest & { readonly keyId: string },
  code: RefusalCode,
): Promise<void> {
  const what = wrong[code]
  if (what === undefined) return
  const audit = auditEntry({
    kind: 'act',
    act: 'activation.failed',
    actor: `client:${clientId}`,
    subjects: [`credential:${credentialId}`, `key:${keyId}`],
    detail: { wrong: what },
  })
  await insertAudit(ctx.db, [audit])
  ctx.metrics.activation('wrong')
}

async function store(ctx: Context, made: Activated, sadHash: Buffer | null): Promise<void> {
  const { attempt, authorisation } = made
  const audit = auditEntry({
    kind: 'act',
    act: 'authorise',
    actor: `client:${attempt.clientId}`,
    subjects: [
      `credential:${authorisation.credentialId}`,
      `key:${attempt.keyId}`,
      `authorisation:${authorisation.authorisationId}`,
    ],
    detail: { count: authorisation.count, ...digestDetail(authorisation) },
  })
  await ctx.db.transaction(async (tx) => {
    await spend(tx, made)
    await createAuthorisation(tx, { authorisation, sadHash, audit })
    await forgetFailures(tx, attempt)
  })
  ctx.metrics.activation('accepted')
}

export const newSad = (): string => randomBytes(SAD_OCTETS).toString('base64url')

/** What the audit log says of an authorisation's hash and digests. */
export function digestDetail({ hash, digests }: AuthorisationRecord): { hash?: string; digests?: string[] } {
  return {
    ...(hash === undefined ? {} : { hash }),
    ...(digests === undefined ? {} : { digests: digests.map((digest) => digest.toString('hex')) }),
  }
}
