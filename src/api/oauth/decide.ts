import type { Context } from '../../context.ts'
import { Refusal, type RefusalCode } from '../../refusal.ts'
import { approveCredential, recogniseHolder } from '../../signing/activation.ts'
import { wantsOtp } from '../../signing/secondFactor.ts'
import { isOtp } from '../../signing/totp.ts'
import type { Approval } from './approval.ts'
import { CREDENTIAL_ID } from './asked.ts'
import { AuthorizationError } from './authorizationError.ts'
import { issueCode, type CodePayload } from './codes.ts'
import type { AuthorizationRequest } from './request.ts'
import type { Mistake } from './strings.ts'

/** More than a PIN can have, and less than would cost anything to hash. */
export const PIN_MAX = 256

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
  /** Absent: the field was left empty, or was not there. */
  readonly otp?: string | undefined
}
interface Answer {
  readonly consent: { readonly id: string; readonly clientId: string }
  readonly asked: AuthorizationRequest
  readonly typed: Typed
}

const missing: Outcome = { kind: 'ask again', mistake: 'missing', status: 400, refusal: 'invalid_request' }

/** PIN and one-time code become a code for the client: for a token of the scope credential, or for a login. */
export async function decide(ctx: Context, { consent, asked, typed }: Answer): Promise<Outcome> {
  const { approval } = asked
  const { clientId } = consent
  const slip = slipIn(approval, typed)
  if (slip !== undefined) return slip
  const base = {
    clientId,
    codeChallenge: asked.codeChallenge,
    ...(asked.givenRedirectUri === undefined ? {} : { redirectUri: asked.givenRedirectUri }),
    ...(asked.proofKey === undefined ? {} : { proofKey: asked.proofKey }),
  }
  try {
    const payload: CodePayload =
      approval === undefined
        ? { ...base, login: await logIn(ctx, { clientId, account: asked.account }, typed) }
        : { ...base, approved: await approvedBy(ctx, { clientId, approval }, typed) }
    const code = await issueCode(ctx, consent.id, payload)
    return code === undefined ? { kind: 'gone' } : { kind: 'code', code }
  } catch (error) {
    return outcomeOf(error, approval !== undefined)
  }
}

/** What is no attempt yet. */
function slipIn(approval: Approval | undefined, typed: Typed): Outcome | undefined {
  const { pin, credentialId, otp } = typed
  if (pin === '' || pin.length > PIN_MAX) return missing
  if (approval === undefined && credentialId === '') return missing
  if (otp === undefined) return approval !== undefined && wantsOtp(approval.credential) ? missing : undefined
  if (isOtp(otp)) return undefined
  const mistake = approval === undefined ? 'login' : 'otp'
  return { kind: 'ask again', mistake, status: 400, refusal: 'otp_invalid' }
}

async function logIn(
  ctx: Context,
  { clientId, account }: { readonly clientId: string; readonly account: string | undefined },
  { pin, credentialId: typed, otp }: Typed,
): Promise<NonNullable<CodePayload['login']>> {
  // No credential has the empty id: it costs what an unknown one does.
  const credentialId = CREDENTIAL_ID.test(typed) ? typed : ''
  const personId = await recogniseHolder(ctx, { clientId, credentialId, secrets: [pin], otp })
  if (account !== undefined && personId !== account) {
    throw new Refusal('credential_unknown', 'Invalid parameter credentialID')
  }
  return { credentialId, personId }
}

async function approvedBy(
  ctx: Context,
  { clientId, approval }: { readonly clientId: string; readonly approval: Approval },
  { pin, otp }: Typed,
): Promise<NonNullable<CodePayload['approved']>> {
  const { credentialId, count, documents, hash, type, hashAlgorithmOID } = approval
  const approved = await approveCredential(ctx, {
    clientId,
    credentialId,
    secrets: [pin],
    otp,
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
const tryAgain: ReadonlySet<RefusalCode> = new Set(['activation_failed', 'otp_failed', 'credential_unknown'])

function outcomeOf(error: unknown, isApproval: boolean): Outcome {
  if (!(error instanceof Refusal)) throw error
  const refusal = error.code
  if (refusal === 'unavailable') return { kind: 'ask again', mistake: 'unavailable', status: 503, refusal }
  if (tryAgain.has(refusal)) {
    const name = refusal === 'otp_failed' ? 'otp' : 'pin'
    return { kind: 'ask again', mistake: isApproval ? name : 'login', status: 400, refusal }
  }
  return { kind: 'refuse', error: new AuthorizationError('access_denied', error.message) }
}
