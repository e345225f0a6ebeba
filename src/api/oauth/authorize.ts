import type { Request, Response } from 'express'
import type { Context } from '../../context.ts'
import { Refusal } from '../../refusal.ts'
import { note } from '../http/requestLog.ts'
import { withAccount } from './accountToken.ts'
import { AuthorizationError, invalidRequest } from './authorizationError.ts'
import { openConsent } from './consent.ts'
import { readDetails } from './details.ts'
import { readForm } from './form.ts'
import { pushedParameters, readParameters, type Parameters } from './parameters.ts'
import { formLimit, takePushed } from './pushedAuthorize.ts'
import { refuseTo } from './redirect.ts'
import { authorizationRequest, destinationOf } from './request.ts'

/**
 * RFC 6749, 4.1.1; CSC API v2.2, 8.2.2. A good request gets a page of its own, and its parameters leave the address.
 *
 * Ours and not the library's. That one logs a person in, keeps a session, and issues codes by it for as long as it lives;
 * here each request is approved by its holder's PIN, once, and no session outlives it. The PIN goes to the token together
 * with the hashes, and the seal that it makes has to travel with the code to become the access token, which the library's
 * grants have no room for. Nor does it take the CSC API's parameters without authorization_details and a resource.
 */
export async function authorize(ctx: Context, request: Request, response: Response): Promise<void> {
  const { parameters, isPushed } = await parametersOf(ctx, request)
  const destination = await destinationOf(ctx, parameters)
  note(response, { client: destination.client.id })
  try {
    if (destination.client.requirePushed && !isPushed) throw invalidRequest(NOT_PUSHED)
    const checked = await withAccount(ctx, destination.client, parameters)
    const asked = await authorizationRequest(ctx, destination, checked)
    await openConsent(ctx, response, { parameters: checked, clientId: asked.client.id })
  } catch (error) {
    if (!(error instanceof AuthorizationError)) throw error
    refuseTo(ctx, response, { destination, error })
  }
}

/** RFC 9126, 5. Whoever begins a request may try five PINs: where the client pushes, that is nobody but the client. */
const NOT_PUSHED = 'The authorization request of this client must be pushed'

async function parametersOf(
  ctx: Context,
  request: Request,
): Promise<{ readonly parameters: Parameters; readonly isPushed: boolean }> {
  const form = request.method === 'POST' ? await readForm(request, formLimit(ctx)) : queryOf(request)
  const brought = readDetails(ctx, readParameters(form))
  const { request_uri: requestUri, client_id: clientId } = brought
  if (requestUri === undefined) return { parameters: brought, isPushed: false }
  if (clientId === undefined) throw new Refusal('invalid_request', 'Missing parameter client_id')
  const pushed = await takePushed(ctx, requestUri, clientId)
  return { parameters: pushedParameters(pushed, brought), isPushed: true }
}

function queryOf({ originalUrl }: Request): URLSearchParams {
  const start = originalUrl.indexOf('?')
  return new URLSearchParams(start === -1 ? '' : originalUrl.slice(start + 1))
}
