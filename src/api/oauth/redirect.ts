import type { Response } from 'express'
import type { Context } from '../../context.ts'
import { note } from '../http/requestLog.ts'
import type { AuthorizationError } from './authorizationError.ts'
import type { Destination } from './request.ts'

/** RFC 6749, 4.1.2.1. */
export function refuseTo(
  ctx: Context,
  response: Response,
  { destination, error }: { readonly destination: Destination; readonly error: AuthorizationError },
): void {
  note(response, { refusal: error.code })
  sendTo(ctx, response, {
    destination,
    answer: { error: error.code, error_description: error.message },
  })
}

/**
 * To the client's registered address, by GET whatever the request was: a form with a PIN must not be posted there. The
 * issuer is named, so that a client of several is not deceived (RFC 9207).
 */
export function sendTo(
  ctx: Context,
  response: Response,
  {
    destination,
    answer,
  }: { readonly destination: Destination; readonly answer: Readonly<Record<string, string>> },
): void {
  const { redirectUri, state } = destination
  const query = new URLSearchParams({
    ...answer,
    ...(state === undefined ? {} : { state }),
    iss: `${ctx.config.baseUrl}/oauth2`,
  })
  const glue = redirectUri.includes('?') ? '&' : '?'
  response.statusCode = response.req.method === 'POST' ? 303 : 302
  response.setHeader('Location', `${redirectUri}${glue}${query.toString()}`)
  response.end()
}
