import type { Context } from '../../context.ts'
import { Refusal, type RefusalCode } from '../../refusal.ts'
import { approveCredential, recogniseHolder } from '../../signing/activation.ts'
import type { Approval } from './approval.ts'
import { CREDENTIAL_ID } from './asked.ts'
import { AuthorizationError } from './authorizationError.ts'
import { issueCode, type CodePayload } from './codes.ts'
import type { AuthorizationRequest } from './request.ts'
import type { Mistake } from './strings.ts'

/** More than a PIN can have, and less than would cost anything to hash. */
const PIN_MAX = 256

/** What became of what the holder typed. */
export type Outcome =
  | { readonly kind: 'code'; readonly code: string }
  /** The client is told, and the consent ends. */
  | { readonly kind: 'refuse'; readonly error: AuthorizationError }
  /** The holder is told, and may try again. */
  | {
      readonly kind: 'ask again'
      readonly mistake: Mistake
      readonly status: number
      readonly refusal: string
    }
  /** The consent had ended. */
  | { readonly kind: 'gone' }

export interface Typed {
  readonly pin: string
  /** At a login alone. */
  readonly credentialId: string
}
interface Answer {
  readonly consent: { readonly id: string; readonly clientId: string }
  readonly asked: AuthorizationRequest
  readonly typed: Typed
}

const missing: Outcome = { kind: 'ask again', mistake: 'missing', status: 400, refusal: 'invalid_request' }

/** The PIN becomes a code: for a token of the scope credential, or for a login. */
export async function decide(ctx: Context, { consent, asked, typed }: Answer): Promise<Outcome> {
  const { approval } = asked
  const { clientId } = consent
  if (typed.pin === '' || typed.pin.length > PIN_MAX) return missing
  if (approval === undefined && typed.credentialId === '') return missing
  const base = {
    clientId,
    codeChallenge: asked.codeChallenge,
    ...(asked.givenRedirectUri === undefined ? {} : { redirectUri: asked.givenRedirectUri }),
  }
  try {
    const payload: CodePayload =
      approval === undefined
        ? { ...base, login: await logIn(ctx, { clientId, account: asked.account }, typed) }
        : { ...base, approved: await approvedBy(ctx, { clientId, approval }, typed.pin) }
    const code = await issueCode(ctx, consent.id, payload)
    return code === undefined ? { kind: 'gone' } : { kind: 'code', code }
  } catch (error) {
    return outcomeOf(error, approval !== undefined)
  }
}

async function logIn(
  ctx: Context,
  { clientId, account }: { readonly clientId: string; readonly account: string | undefined },
  { pin, credentialId: typed }: Typed,
): Promise<NonNullable<CodePayload['login']>> {
  // No credential has the empty id: it costs what an unknown one does.
  const credentialId = CREDENTIAL_ID.test(typed) ? typed : ''
  const personId = await recogniseHolder(ctx, { clientId, credentialId, secrets: [pin] })
  if (account !== undefined && personId !== account) {
    throw new Refusal('credential_unknown', 'Invalid parameter credentialID')
  }
  return { credentialId, personId }
}

async function approvedBy(
  ctx: Context,
  { clientId, approval }: { readonly clientId: string; readonly approval: Approval },
  pin: string,
): Promise<NonNullable<CodePayload['approved']>> {
  const { credentialId, count, documents, hash, type, hashAlgorithmOID } = approval
  const approved = await approveCredential(ctx, {
    clientId,
    credentialId,
    secrets: [pin],
    count,
    ...(hash === undefined ? {} : { hash }),
    ...(documents === undefined ? {} : { digests: documents.map(({ digest }) => digest) }),
  })
  const shown = documents?.map(({ digest, label }) => ({
    hash: digest.toString('base64'),
    ...(label === undefined ? {} : { label }),
  }))
  return {
    authorisationId: approved.authorisationId,
    credentialId,
    count: approved.count,
    ...(type === undefined ? {} : { type }),
    ...(hashAlgorithmOID === undefined ? {} : { hashAlgorithmOID }),
    ...(shown === undefined ? {} : { documents: shown }),
  }
}

/** At a login the holder named the credential: whatever is wrong with it may be a mistake in typing, and is told so. */
const tryAgain: ReadonlySet<RefusalCode> = new Set(['activation_failed', 'credential_unknown'])

function outcomeOf(error: unknown, isApproval: boolean): Outcome {
  if (!(error instanceof Refusal)) throw error
  const refusal = error.code
  if (refusal === 'unavailable') return { kind: 'ask again', mistake: 'unavailable', status: 503, refusal }
  if (tryAgain.has(refusal)) {
    return { kind: 'ask again', mistake: isApproval ? 'pin' : 'login', status: 400, refusal }
  }
  return { kind: 'refuse', error: new AuthorizationError('access_denied', error.message) }
}
