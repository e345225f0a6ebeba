import { randomBytes, randomUUID } from 'node:crypto'
import { hashes, keyTypes, schemes, type HashName } from '../../hsm/algorithms.ts'
import type { ActivationRecord, AuthorisationRecord, KeyRecord, Sealed } from '../../hsm/records.ts'
import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { forgetFailures, reserveAttempt, returnAttempt } from '../db/attempts.ts'
import { insertAudit } from '../db/audit.ts'
import { createAuthorisation } from '../db/authorisations.ts'
import {
  credentialKey,
  credentialRecord,
  findActivation,
  findCredential,
  type CredentialRow,
} from '../db/credentials.ts'
import { Refusal } from '../refusal.ts'
import { inTurn } from './inTurn.ts'
import { bearerHash, checkUsable } from './permit.ts'
import { KDF, SALT_OCTETS, stretch } from './secrets.ts'
import { tokenRefusal } from './tokenRefusal.ts'

const SAD_OCTETS = 32
/** A salt for credentials that do not exist, so that asking for one costs what asking for another does. */
const NOBODYS_SALT = randomBytes(SALT_OCTETS)

export interface AuthoriseRequest {
  readonly clientId: string
  readonly credentialId: string
  /** What the holder gave: a PIN is one secret. */
  readonly secrets: readonly string[]
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
 * certificate_expired, certificate_revoked, credential_locked, activation_failed
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
  { clientId, credentialId, secrets }: Pick<AuthoriseRequest, 'clientId' | 'credentialId' | 'secrets'>,
): Promise<string> {
  const credential = await findCredential(ctx.db, { id: credentialId, clientId })
  const [scheme] = keyTypes[credential?.keyType ?? 'P-256'].schemes
  const hash = scheme && schemes[scheme].hash?.name
  const digests = [randomBytes(hash === undefined ? SAD_OCTETS : hashes[hash].length)]
  const request = {
    clientId,
    credentialId,
    secrets,
    count: 1,
    digests,
    ...(hash === undefined ? {} : { hash }),
  }
  const { personId } = await activated(ctx, request, (made) => recognised(ctx, request, made))
  ctx.metrics.activation('accepted')
  return personId
}

async function recognised(
  ctx: Context,
  { clientId, credentialId }: AuthoriseRequest,
  { attempt, personId }: Activated,
): Promise<void> {
  const subjects = [`credential:${credentialId}`, `person:${personId}`]
  const audit = auditEntry({ kind: 'act', act: 'recognise', actor: `client:${clientId}`, subjects })
  await ctx.db.transaction(async (tx) => {
    await insertAudit(tx, [audit])
    await forgetFailures(tx, attempt)
  })
}

interface Activated {
  readonly attempt: { readonly keyId: string; readonly clientId: string }
  readonly personId: string
  readonly authorisation: Sealed<AuthorisationRecord>
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
  // One at a time for a client and key: fifty right PINs at once must not look like fifty attempts at guessing.
  return inTurn(`${credential.keyId} ${request.clientId}`, async () => {
    const made = await activate(ctx, request, credential)
    await finish(made)
    return made
  })
}

async function refuseUnknown(ctx: Context, request: AuthoriseRequest): Promise<never> {
  await stretch(request.secrets, { salt: NOBODYS_SALT, ...KDF })
  await ctx.token.mac('credential', NOBODYS_SALT)
  throw new Refusal('credential_unknown', 'Invalid parameter credentialID')
}

async function activate(
  ctx: Context,
  request: AuthoriseRequest,
  credential: CredentialRow,
): Promise<Activated> {
  const key = credentialKey(credential)
  const attempt = { keyId: key.keyId, clientId: request.clientId }
  const activation = await findActivation(ctx.db, key)
  if (activation === undefined) throw new Error('a key without its verifier')

  // From here on the attempt counts as failed until the token says otherwise; so it does if we die.
  const now = await reserveAttempt(ctx.db, attempt)
  if (now === undefined) {
    ctx.metrics.activation('locked')
    throw new Refusal('credential_locked', 'Credential locked')
  }
  const authorisation = authorisationRecord(ctx, request, { keyId: key.keyId, now })
  const seal = await judge(ctx, request, { key, activation, credential, authorisation }).catch(
    async (error: unknown) => {
      await returnAttempt(ctx.db, attempt)
      throw tokenRefusal(ctx, error)
    },
  )
  if (seal === undefined) return refuseWrong(ctx, request, key.keyId)
  return { attempt, personId: credential.personId, authorisation: { ...authorisation, seal } }
}

/** The token's verdict on the secrets: the authorisation's seal, or undefined where they are wrong. */
async function judge(
  ctx: Context,
  request: AuthoriseRequest,
  found: {
    readonly key: Sealed<KeyRecord>
    readonly activation: Sealed<ActivationRecord>
    readonly credential: CredentialRow
    readonly authorisation: AuthorisationRecord
  },
): Promise<Buffer | undefined> {
  const stretched = await stretch(request.secrets, found.activation)
  return ctx.token.activate({ ...found, credential: credentialRecord(found.credential), stretched })
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

async function refuseWrong(ctx: Context, request: AuthoriseRequest, keyId: string): Promise<never> {
  const audit = auditEntry({
    kind: 'act',
    act: 'activation.failed',
    actor: `client:${request.clientId}`,
    subjects: [`credential:${request.credentialId}`, `key:${keyId}`],
  })
  await insertAudit(ctx.db, [audit])
  ctx.metrics.activation('wrong')
  throw new Refusal('activation_failed', 'The authentication data is invalid')
}

async function store(
  ctx: Context,
  { attempt, authorisation }: Activated,
  sadHash: Buffer | null,
): Promise<void> {
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
