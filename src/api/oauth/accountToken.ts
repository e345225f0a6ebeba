import { createHash } from 'node:crypto'
import { jwtVerify } from 'jose'
import { z } from 'zod'
import { isCompactJws } from '../../compactJws.ts'
import type { Context } from '../../context.ts'
import type { ClientRow } from '../../db/clients.ts'
import { seenFirst } from '../../db/seenOnce.ts'
import { clientSecret } from '../../signing/derived.ts'
import { invalidRequest } from './authorizationError.ts'
import type { Parameters } from './parameters.ts'

/** A client makes it when it sends its user here; clocks differ by less. */
const AGE_S = 300
const SKEW_S = 60
/** It is about 300 characters. */
const LENGTH_MAX = 2560

const claims = z.object({
  sub: z.guid(),
  iat: z.number(),
  jti: z.string().min(1).max(256),
  azp: z.string(),
})

/**
 * CSC API v2.2, 8.2.2: by an account_token a client says whose account it must be that logs in or approves. It is signed by
 * HS256 with the SHA-256 of the client's secret, and works once. In the request's place stands what it said from here on.
 * @throws AuthorizationError
 */
export async function withAccount(
  ctx: Context,
  client: ClientRow,
  { account_token: token, ...parameters }: Parameters,
): Promise<Parameters> {
  if (token === undefined) return parameters
  const claimed = await verified(ctx, client, token)
  if (claimed === undefined) throw invalidRequest('Invalid parameter account_token')
  const digest = createHash('sha256').update(`account_token ${client.id} ${claimed.jti}`).digest()
  // Longer than it would be believed.
  if (!(await seenFirst(ctx.db, { digest, expiresIn: AGE_S + 2 * SKEW_S })))
    throw invalidRequest('Invalid parameter account_token')
  return { ...parameters, account: claimed.sub }
}

async function verified(
  ctx: Context,
  client: ClientRow,
  token: string,
): Promise<z.infer<typeof claims> | undefined> {
  // A client that is let in by certificate has no secret that it knows.
  if (client.authentication !== 'secret' || token.length > LENGTH_MAX || !isCompactJws(token))
    return undefined
  const secret = await clientSecret(ctx, { id: client.id, version: client.secretVersion })
  const key = createHash('sha256').update(secret).digest()
  const payload = await jwtVerify(token, key, {
    algorithms: ['HS256'],
    currentDate: new Date(ctx.clock()),
  }).then(
    (result) => result.payload,
    () => undefined,
  )
  const result = claims.safeParse(payload)
  if (!result.success || result.data.azp !== client.id) return undefined
  const age = ctx.clock() / 1000 - result.data.iat
  return age >= -SKEW_S && age <= AGE_S ? result.data : undefined
}
