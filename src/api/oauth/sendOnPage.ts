import type { Response } from 'express'
import type { Context } from '../../context.ts'
import { Refusal } from '../../refusal.ts'
import { sendCode } from '../../signing/sendCode.ts'
import { codeMessage } from '../http/codeMessage.ts'
import { note } from '../http/requestLog.ts'
import { CREDENTIAL_ID } from './asked.ts'

/** What a holder is told who asked for a code. */
export type Told = 'sent' | 'notSent'

/**
 * The holder asks for a code on a page. @param wish.isLogin nobody knows yet who it is: what is told is the same for any
 * number
 */
export async function sendOnPage(
  ctx: Context,
  response: Response,
  wish: {
    readonly clientId: string
    /** As typed, where somebody typed it. */
    readonly credentialId: string
    readonly isLogin: boolean
    readonly lang: string
  },
): Promise<Told> {
  const { clientId, isLogin, lang } = wish
  const credentialId = CREDENTIAL_ID.test(wish.credentialId) ? wish.credentialId : ''
  try {
    await sendCode(ctx, { clientId, credentialId, wording: codeMessage(lang) })
    return 'sent'
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    note(response, { refusal: error.code })
    return isLogin ? 'sent' : 'notSent'
  }
}
