import { createHash } from 'node:crypto'
import type { Request, Response } from 'express'
import type { Context } from '../../context.ts'
import type { ApprovalRow } from '../../db/approvals.ts'
import { findClient } from '../../db/clients.ts'
import { findCredential } from '../../db/credentials.ts'
import { Refusal, type RefusalCode } from '../../refusal.ts'
import { approveWish, denyWish, openWish } from '../../signing/outOfBand.ts'
import { wantsOtp } from '../../signing/secondFactor.ts'
import { isOtp, typedOtp } from '../../signing/totp.ts'
import { note } from '../http/requestLog.ts'
import type { Approval } from './approval.ts'
import { answeredPage, consentPage, failedPage, linkPage, type Dress, type Shown } from './consentPage.ts'
import { PIN_MAX } from './decide.ts'
import { readForm } from './form.ts'
import { languageOf } from './language.ts'
import { sendPage } from './pages.ts'
import { sendOnPage } from './sendOnPage.ts'
import type { Mistake } from './strings.ts'

/** A code, a PIN, a one-time code, and which button. */
const BODY_LIMIT = 4096
const CODE = /^[A-Za-z0-9_-]{43}$/

/** Where the link of a message leads. The code is in the fragment, which no server sees. */
export function showLink(ctx: Context, request: Request, response: Response): void {
  const page = linkPage(dressOf(ctx, request))
  sendPage(response, { status: 200, page, hasFragment: true })
}

const dressOf = (ctx: Context, request: Request): Dress => ({
  service: ctx.config.csc.name,
  language: languageOf(request, undefined),
})

/**
 * What a client asks out of band (CSC API v2.2, 11.8 and 11.9), to whoever has the code of the message; and what the holder
 * says to it. Nothing is approved without the PIN.
 */
export async function answerWish(ctx: Context, request: Request, response: Response): Promise<void> {
  const form = await readForm(request, BODY_LIMIT)
  const dress = dressOf(ctx, request)
  // First from the field of the link's page, then from the form that was shown for it.
  const code = form.get('token') ?? (form.get('code') ?? '').trim()
  const wish = CODE.test(code) ? await openWish(ctx, code) : undefined
  const shown = wish && (await shownOf(ctx, dress, { wish, code }))
  if (wish === undefined || shown === undefined) {
    refuse(response, dress)
    return
  }
  const answer = form.get('answer')
  if (answer === 'deny') {
    await denyWish(ctx, wish)
    sendPage(response, { status: 200, page: answeredPage(dress, 'denied') })
  } else if (answer === 'approve' && form.get('shown') === markOf(wish)) {
    await approve(ctx, response, { wish, shown, form })
  } else if (answer === 'send') {
    const { clientId, credentialId } = wish
    const lang = dress.language
    const told = await sendOnPage(ctx, response, { clientId, credentialId, isLogin: false, lang })
    sendPage(response, { status: 200, page: consentPage(ctx, { ...shown, told }) })
  } else {
    sendPage(response, { status: 200, page: consentPage(ctx, shown) })
  }
}

/** As the credential and the client are now. @returns undefined: one of them cannot be used any more */
async function shownOf(
  ctx: Context,
  dress: Dress,
  { wish, code }: { readonly wish: ApprovalRow; readonly code: string },
): Promise<(Shown & { readonly approval: Approval }) | undefined> {
  const { clientId, credentialId, asked } = wish
  const client = await findClient(ctx.db, clientId)
  const credential = await findCredential(ctx.db, { id: credentialId, clientId })
  if (client?.state !== 'enabled' || credential?.mode !== 'oob') return undefined
  const { count, digests, description } = asked
  const documents = digests?.map((digest) => ({ digest: Buffer.from(digest, 'base64') }))
  const approval = { credential, credentialId, count, ...(documents === undefined ? {} : { documents }) }
  const request = { scope: 'credential', client, credential, approval, description } as const
  return { ...dress, token: code, mark: markOf(wish), approval, request }
}

/**
 * Goes with the form, so that what is approved is what was shown: whoever alters the request in the database meanwhile has
 * the holder look at it again.
 */
function markOf({ asked, clientId, credentialId }: ApprovalRow): string {
  return createHash('sha256')
    .update(JSON.stringify([asked, clientId, credentialId]))
    .digest('base64url')
}

async function approve(
  ctx: Context,
  response: Response,
  given: {
    readonly wish: ApprovalRow
    readonly shown: Shown & { readonly approval: Approval }
    readonly form: URLSearchParams
  },
): Promise<void> {
  const { wish, shown, form } = given
  const [pin, otp] = [form.get('pin') ?? '', typedOtp(form.get('otp'))]
  const slip = slipIn(shown.approval, { pin, otp })
  const mistake = slip ?? (await mistakeIn(() => approveWish(ctx, wish, { pin, otp })))
  if (mistake === undefined) {
    sendPage(response, { status: 200, page: answeredPage(shown, 'approved') })
    return
  }
  const { name, status, refusal } = mistake
  note(response, { refusal })
  const page = name === 'gone' ? failedPage(shown, name) : consentPage(ctx, { ...shown, mistake: name })
  sendPage(response, { status, page })
}

interface Wrong {
  readonly name: Mistake
  readonly status: number
  readonly refusal: string
}

/** What is no attempt yet. */
function slipIn(
  { credential }: Approval,
  { pin, otp }: { readonly pin: string; readonly otp: string | undefined },
): Wrong | undefined {
  const missing = { name: 'missing', status: 400, refusal: 'invalid_request' } as const
  if (pin === '' || pin.length > PIN_MAX) return missing
  if (otp === undefined) return wantsOtp(credential) ? missing : undefined
  return isOtp(otp) ? undefined : { name: 'otp', status: 400, refusal: 'otp_invalid' }
}

const mistakes: Readonly<Partial<Record<RefusalCode, readonly [number, Mistake]>>> = {
  activation_failed: [400, 'pin'],
  otp_failed: [400, 'otp'],
  credential_locked: [400, 'locked'],
  credential_disabled: [400, 'locked'],
  certificate_expired: [400, 'locked'],
  certificate_revoked: [400, 'locked'],
  certificate_suspended: [400, 'locked'],
  credential_unknown: [404, 'gone'],
  not_found: [404, 'gone'],
  unavailable: [503, 'unavailable'],
}

async function mistakeIn(work: () => Promise<void>): Promise<Wrong | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    const known = error instanceof Refusal ? mistakes[error.code] : undefined
    if (known === undefined || !(error instanceof Refusal)) throw error
    return { name: known[1], status: known[0], refusal: error.code }
  }
}

function refuse(response: Response, dress: Dress): void {
  note(response, { refusal: 'not_found' })
  sendPage(response, { status: 404, page: failedPage(dress, 'gone') })
}
