import type { Context } from '../../context.ts'
import { Refusal, type RefusalCode } from '../../refusal.ts'
import { approveCredential } from '../../signing/activation.ts'
import { wantsOtp } from '../../signing/secondFactor.ts'
import { isOtp } from '../../signing/totp.ts'
import { AuthorizationError } from './authorizationError.ts'
import { issueCode, type CodePayload } from './codes.ts'
import { decideCreation, newPinSlip } from './credentialCreation.ts'
import { decideDeletion } from './credentialDeletion.ts'
import { slip, type Answer, type AskedAgain, type Decided, type Outcome, type Typed } from './decided.ts'
import { logIn } from './logIn.ts'
import type { Scope } from './scopes.ts'
import type { Wish } from './wish.ts'

/** More than a PIN can have, and less than would cost anything to hash. */
export const PIN_MAX = 256

/** What is done with what the holder typed. */
interface Decision {
  decide(ctx: Context, answer: Answer): Promise<Decided | AskedAgain>
  /** What is wrong with it that costs no attempt, besides what is wrong everywhere. */
  readonly slip?: (typed: Typed) => AskedAgain | undefined
}

/** TABLE of what can be asked for. */
const decisions: Readonly<Record<Scope, Decision>> = {
  service: {
    decide: async (ctx, { consent: { clientId }, asked: { account }, typed }) => ({
      granted: { login: await logIn(ctx, { clientId, account }, typed) },
    }),
  },
  credential: { decide: async (ctx, answer) => ({ granted: { approved: await approvedBy(ctx, answer) } }) },
  'credential-creation': { decide: decideCreation, slip: newPinSlip },
  'credential-deletion': { decide: decideDeletion },
}

/** PIN and one-time code become a code for the client: for a token of the scope that it asked for. */
export async function decide(ctx: Context, answer: Answer): Promise<Outcome> {
  const { consent, asked, typed } = answer
  const decision = decisions[asked.scope]
  const wrong = slipIn(asked, typed) ?? decision.slip?.(typed)
  if (wrong !== undefined) return wrong
  try {
    const decided = await decision.decide(ctx, answer)
    if ('kind' in decided) return decided
    const { granted, undo } = decided
    const code = await issueCode(ctx, consent.id, {
      clientId: consent.clientId,
      codeChallenge: asked.codeChallenge,
      ...(asked.givenRedirectUri === undefined ? {} : { redirectUri: asked.givenRedirectUri }),
      ...(asked.proofKey === undefined ? {} : { proofKey: asked.proofKey }),
      ...granted,
    })
    if (code !== undefined) return { kind: 'code', code }
    await undo?.()
    return { kind: 'gone' }
  } catch (error) {
    return outcomeOf(error, asked.credential !== undefined)
  }
}

/** What is no attempt yet. */
function slipIn({ credential }: Wish, { pin, credentialId, otp }: Typed): AskedAgain | undefined {
  if (pin === '' || pin.length > PIN_MAX) return slip('missing')
  if (credential === undefined && credentialId === '') return slip('missing')
  if (otp === undefined) {
    return credential !== undefined && wantsOtp(credential) ? slip('missing') : undefined
  }
  return isOtp(otp) ? undefined : slip(credential === undefined ? 'login' : 'otp', 'otp_invalid')
}

async function approvedBy(
  ctx: Context,
  { consent: { clientId }, asked: { approval }, typed: { pin, otp } }: Answer,
): Promise<NonNullable<CodePayload['approved']>> {
  if (approval === undefined) throw new Error('an approval of nothing')
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

function outcomeOf(error: unknown, isNamed: boolean): Outcome {
  if (error instanceof AuthorizationError) return { kind: 'refuse', error }
  if (!(error instanceof Refusal)) throw error
  const refusal = error.code
  if (refusal === 'unavailable') return { kind: 'ask again', mistake: 'unavailable', status: 503, refusal }
  if (tryAgain.has(refusal)) {
    const name = refusal === 'otp_failed' ? 'otp' : 'pin'
    return { kind: 'ask again', mistake: isNamed ? name : 'login', status: 400, refusal }
  }
  return { kind: 'refuse', error: new AuthorizationError('access_denied', error.message) }
}
