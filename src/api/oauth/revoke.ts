import type { Request, Response } from 'express'
import type { Context } from '../../context.ts'
import { revokeToken } from '../../db/oauth.ts'
import { bearerHash } from '../../signing/permit.ts'
import { revokeAuthorisation, revokeByHash } from '../../signing/revocation.ts'
import { note } from '../http/requestLog.ts'
import { asClient } from './asClient.ts'
import { readForm } from './form.ts'
import { errors } from './library.ts'
import type { ServeLibrary } from './library.ts'

/** A token, a client's credentials, and clientData. */
const BODY_LIMIT = 16 * 1024
const HINTS = ['access_token', 'refresh_token']

/**
 * RFC 7009; CSC API v2.2, 8.2.5. Answered by 200 without a body, as clients in the field want it, also where there was no
 * such token (RFC 7009, 2.2): what matters to the client is that there is none now. A token of the scope credential is a
 * SAD, and ends as one, together with what it was extended to.
 */
export async function revoke(
  { ctx, serve }: { readonly ctx: Context; readonly serve: ServeLibrary },
  request: Request,
  response: Response,
): Promise<void> {
  const form = await readForm(request, BODY_LIMIT)
  await asClient(serve, { request, response, form }, async (koa, clientId) => {
    const [token = '', ...more] = form.getAll('token')
    const hint = form.get('token_type_hint')
    if (token === '' || more.length > 0) {
      throw new errors.InvalidRequest('Missing (or invalid type) string parameter token')
    }
    if (hint !== null && !HINTS.includes(hint)) {
      throw new errors.InvalidRequest('Invalid string parameter token_type_hint')
    }
    const idHash = bearerHash(token)
    await ctx.db.transaction(async (tx) => {
      const gone = await revokeToken(tx, { idHash, clientId })
      const authorisationId = gone?.['authorisationId']
      // The value of a token that was extended is gone from its authorisation: what came of it is found by the id.
      if (typeof authorisationId === 'string') await revokeAuthorisation(tx, { authorisationId, clientId })
      else await revokeByHash(tx, { sadHash: idHash, clientId })
    })
    note(koa.res, { client: clientId })
    koa.status = 200
    koa.body = ''
    koa.remove('Content-Type')
  })
}
