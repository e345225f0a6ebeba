import { hash } from 'node:crypto'
import { schemes, keyTypes, type SchemeName } from '../../hsm/algorithms.ts'
import { purposes } from '../../hsm/purposes.ts'
import type { AuthorisationRecord, CredentialRecord, KeyRecord, Sealed } from '../../hsm/records.ts'
import type { SealedRecords } from '../../hsm/types.ts'
import type { Context } from '../context.ts'
import type { Accepted } from '../db/asynchronous.ts'
import { findBySad, type Found } from '../db/authorisations.ts'
import { positionsOf } from '../db/occurrences.ts'
import type { Usability } from '../db/credentials.ts'
import type { TimestampRecord } from '../db/timestamps.ts'
import { Refusal, type RefusalCode } from '../refusal.ts'
import { believingSads } from './believed.ts'
import { step } from './step.ts'
import { tokenRefusal } from './tokenRefusal.ts'

/** What a permit allows: this key, this scheme, these inputs, for this actor. */
export interface Grant {
  readonly key: Sealed<KeyRecord>
  readonly scheme: SchemeName
  /** Digests as given, or messages, as the key's purpose says. */
  readonly inputs: readonly Buffer[]
  /** What Postgres reserves and records by in their place, where they are messages of somebody's: their SHA-256. */
  readonly recorded?: readonly Buffer[]
  /** The verb of the audit log. */
  readonly act: string
  readonly actor: string
  readonly subjects: readonly string[]
  /** Whose turn it is in the token's queue. */
  readonly flow: string
  /** Of an asynchronous request, whose inputs were reserved when it was accepted: its id. */
  readonly accepted?: string
  /** Where the inputs were reserved when the key was activated for them: the attempt's id. */
  readonly reserved?: string
  /** Of a timestamp, in place of the inputs: they hold the time, and are made when the reservation is durable. */
  readonly timed?: Timed
  /** When the permit was asked for, by performance.now(). */
  readonly askedAt: number
  /** Present where a holder activated the key; absent for a service's own rule. */
  readonly activated?: {
    readonly authorisation: Sealed<AuthorisationRecord>
    /** Absent: the key is used without one. */
    readonly credential?: Sealed<CredentialRecord>
  }
}

/** A message that says when it was made. */
export interface Timed {
  readonly record: TimestampRecord
  /** Makes it, once, of the time that it is then. @throws Refusal where nobody knows the time */
  make(): Buffer
  /** What was made says so. */
  readonly genTime: Date
  /** Whether it is later by now than the accuracy of that time allows: then nothing may leave. */
  isLate(): boolean
}

/** May sign these inputs with this key, each once. Redeemed by sign() and never again. */
export class Permit {
  #grant: Grant | undefined

  constructor(grant: Grant) {
    this.#grant = grant
  }

  redeem(): Grant {
    const grant = this.#grant
    if (grant === undefined) throw new Error('a permit is redeemed once')
    this.#grant = undefined
    return grant
  }
}

/** How it is shown that a SAD which is a bound access token is in the hands that it was given to. */
export interface Possession {
  /** The request was authenticated by it, with the proof that this takes. */
  readonly isBearer?: boolean
  /** Thumbprint of the certificate that the request was let in with (RFC 8705, 3). */
  readonly certificate?: string | undefined
}

export interface SadRequest extends Possession {
  readonly sad: string
  readonly clientId: string
  readonly credentialId: string
  readonly scheme: SchemeName
  /** In the order in which signatures are wanted; each occurrence counts. */
  readonly digests: readonly Buffer[]
}

/** SHA-256 of a bearer value: what the database knows of it. */
export function bearerHash(bearer: string): Buffer {
  return hash('sha256', bearer, 'buffer')
}

/**
 * A permit from a SAD. These are the refusals that cost nothing; the reservation asks again, by the database's clock.
 * @throws Refusal permit_unknown, permit_expired, credential_disabled, certificate_expired, certificate_revoked,
 * algorithm_not_allowed, digest_not_authorised
 */
export function permitFromSad(ctx: Context, request: SadRequest): Promise<Permit> {
  return step(ctx, 'authorise', () => permitted(ctx, request))
}

const findBelieved = believingSads(findBySad, (found) => refusalOf(found) === undefined)

async function permitted(ctx: Context, request: SadRequest): Promise<Permit> {
  const askedAt = performance.now()
  const asked = { sadHash: bearerHash(request.sad), signatures: request.digests.length }
  const found = await findBelieved(ctx, asked)
  if (found === undefined) throw unknownSad()
  await noticing(ctx, found, () => {
    checkCovers(found, request)
  })
  return new Permit({ askedAt, ...grantOf(found, request) })
}

function grantOf(
  { key, credential, authorisation }: Found,
  { clientId, scheme, digests }: Pick<SadRequest, 'clientId' | 'scheme' | 'digests'>,
): Omit<Grant, 'askedAt'> {
  return {
    key,
    scheme,
    inputs: digests,
    act: 'sign',
    actor: `client:${clientId}`,
    subjects: [
      `credential:${credential.credentialId}`,
      `key:${key.keyId}`,
      `person:${credential.personId}`,
      `authorisation:${authorisation.authorisationId}`,
    ],
    flow: clientId,
    activated: { authorisation, credential },
  }
}

/** A permit for what was reserved when a request was accepted. Whether it may still be used, its attempt's opening says. */
export function permitForAccepted(found: Found, accepted: Accepted): Permit {
  const { id, clientId, scheme, inputs: digests } = accepted
  const grant = grantOf(found, { clientId, scheme, digests })
  return new Permit({ ...grant, accepted: id, askedAt: performance.now() })
}

/** Refusals that sealed columns decide. An expiry is left to the signer: one that was moved can only deny before it. */
const BY_SEALED_ROWS: ReadonlySet<RefusalCode> = new Set([
  'permit_unknown',
  'algorithm_not_allowed',
  'digest_not_authorised',
])

/**
 * For a refusal by what sealed rows say: if somebody altered them, that is worse than a refusal.
 * @throws TokenError, with the alarm raised, if a seal is broken
 */
export async function noticeAltered(ctx: Context, code: RefusalCode, records: SealedRecords): Promise<void> {
  if (BY_SEALED_ROWS.has(code)) await checkSealed(ctx, records)
}

/**
 * Whether rows are as they were sealed. What was made outside the token has no seal, so a key's public half is believed by it.
 * @throws TokenError, with the alarm raised, if a seal is broken; Refusal 'unavailable' when the token is away
 */
export async function checkSealed(ctx: Context, records: SealedRecords): Promise<void> {
  await ctx.token.check(records).catch((error: unknown) => {
    throw tokenRefusal(ctx, error)
  })
}

/** What a check says of sealed rows; if it says no, whether they were altered. */
export async function noticing<T>(ctx: Context, records: SealedRecords, check: () => T): Promise<T> {
  try {
    return check()
  } catch (refusal) {
    if (refusal instanceof Refusal) await noticeAltered(ctx, refusal.code, records)
    throw refusal
  }
}

export const unknownSad = (): Refusal => new Refusal('permit_unknown', 'Invalid parameter SAD')

export const notAuthorised = (): Refusal =>
  new Refusal('digest_not_authorised', 'Hash is not authorized by the SAD')

function checkCovers(found: Found, request: SadRequest): void {
  checkSad(found, request)
  checkScheme(found.key, request.scheme)
  checkDigests(found.authorisation, request)
}

/**
 * Whether a SAD is this client's, for this credential, and may be used now. One that is bound to a key is none beside
 * another token: the request's proof, if there is one, is of that token (RFC 9449, 4.3).
 * @throws Refusal permit_unknown, permit_expired, credential_disabled, certificate_expired, certificate_revoked
 */
export function checkSad(
  found: Found,
  asking: Possession & { readonly clientId: string; readonly credentialId: string },
): void {
  const { authorisation, credential, boundTo } = found
  const isTheirs =
    authorisation.clientId === asking.clientId && credential.credentialId === asking.credentialId
  // One that had expired may be of a key that the credential has no more: when it got another, the others were taken back.
  const isOfItsKey = found.expired || authorisation.keyId === credential.keyId
  if (!isTheirs || !isOfItsKey) throw unknownSad()
  const isShown = boundTo === undefined || asking.isBearer === true || asking.certificate === boundTo
  if (!isShown) throw unknownSad()
  const refusal = refusalOf(found)
  if (refusal !== undefined) throw refusal
}

/** What forbids the use of a SAD now, whatever it is used for. */
function refusalOf(found: Found): Refusal | undefined {
  return found.expired ? new Refusal('permit_expired', 'SAD expired') : unusable(found)
}

export interface ServiceRequest {
  readonly key: Sealed<KeyRecord>
  readonly scheme: SchemeName
  readonly messages: readonly Buffer[]
  readonly act: string
  readonly subjects: readonly string[]
  /** As the audit log names who asked; absent: the service. */
  readonly actor?: string
  /** Absent: that of the key's purpose. */
  readonly flow?: string
  /** In place of messages. */
  readonly timed?: Timed
}

/** A permit by a service's own rule. It never reaches a key that a person's secret activates. */
export function permitForService(request: ServiceRequest): Permit {
  if (purposes[request.key.purpose].activated)
    throw new Error("a service's rule never reaches a person's key")
  checkScheme(request.key, request.scheme)
  const { key, scheme, act, timed, actor = 'service', flow = key.purpose } = request
  return new Permit({
    key,
    scheme,
    inputs: request.messages,
    act,
    actor,
    subjects: [`key:${key.keyId}`, ...request.subjects],
    flow,
    ...(timed === undefined ? {} : { timed }),
    askedAt: performance.now(),
  })
}

/** @throws Refusal credential_disabled, certificate_revoked, certificate_suspended, certificate_expired */
export function checkUsable(credential: Usability): void {
  const refusal = unusable(credential)
  if (refusal !== undefined) throw refusal
}

function unusable(credential: Usability): Refusal | undefined {
  if (credential.state !== 'enabled' || credential.keyState !== 'enabled') {
    return new Refusal('credential_disabled', 'The credential identified by credentialID is disabled')
  }
  if (credential.certificateState === 'revoked') {
    return new Refusal('certificate_revoked', 'Signing certificate is revoked')
  }
  if (credential.certificateState === 'suspended') {
    return new Refusal('certificate_suspended', 'Signing certificate is suspended')
  }
  if (credential.certificateState !== 'issued' || credential.certificateExpired !== false) {
    return new Refusal('certificate_expired', 'Signing certificate is expired')
  }
  return undefined
}

function checkScheme(key: KeyRecord, scheme: SchemeName): void {
  if (!keyTypes[key.keyType].schemes.includes(scheme)) {
    throw new Refusal('algorithm_not_allowed', 'The key does not sign with this algorithm')
  }
}

function checkDigests(authorisation: AuthorisationRecord, request: SadRequest): void {
  if (schemes[request.scheme].hash?.name !== authorisation.hash) throw notAuthorised()
  if (request.digests.length > authorisation.count) throw notAuthorised()
  if (authorisation.digests === undefined) return
  const authorised = positionsOf(authorisation.digests)
  if (!request.digests.every((digest) => authorised.has(digest.toString('latin1')))) throw notAuthorised()
}
