import { z } from 'zod'
import type { Context } from '../../context.ts'
import { findCredential } from '../../db/credentials.ts'
import type { Queries } from '../../db/database.ts'
import { consumeOauthObject, deleteTokensOf, REFRESH_TOKEN, storeOauthObject } from '../../db/oauth.ts'
import { Refusal } from '../../refusal.ts'
import { bearerHash, checkUsable } from '../../signing/permit.ts'
import { newBearer } from './bearer.ts'
import { accessTokenModel, type Binding } from './binding.ts'

const loginSchema = z.object({ personId: z.string(), credentialId: z.string() })
/** Who logged in, and with which credential. */
type Login = z.infer<typeof loginSchema>

export interface ServiceTokens {
  readonly accessToken: string
  /** Seconds. */
  readonly expiresIn: number
  readonly refreshToken: string
}

interface Given {
  readonly clientId: string
  readonly login: Login
  readonly binding: Binding
  /** Of the code that the login ended in: all that comes from it is one family. */
  readonly grantHash: Buffer
  /** That the login may be made use of, from now. */
  readonly seconds: number
}

/** A service token for the person's credentials alone, and what renews it, once. */
export async function giveServiceTokens(ctx: Context, tx: Queries, given: Given): Promise<ServiceTokens> {
  const [accessToken, refreshToken] = [newBearer(), newBearer()]
  const { clientId, login, binding, grantHash, seconds } = given
  const expiresIn = Math.min(ctx.config.oauth.tokenSeconds, seconds)
  await storeOauthObject(tx, {
    model: accessTokenModel(binding),
    idHash: bearerHash(accessToken),
    payload: { scope: 'service', personId: login.personId, ...binding },
    clientId,
    grantHash,
    expiresIn,
  })
  await storeOauthObject(tx, {
    model: REFRESH_TOKEN,
    idHash: bearerHash(refreshToken),
    payload: { login },
    clientId,
    grantHash,
    expiresIn: seconds,
  })
  return { accessToken, expiresIn, refreshToken }
}

/**
 * RFC 6749, 6. A refresh token works once (RFC 9700, 4.14.2): one that comes again was in two hands, and ends all that came
 * from its login. The login holds while its credential could sign.
 */
export async function renewTokens(
  ctx: Context,
  given: {
    readonly clientId: string
    readonly refreshToken: string
    readonly binding: Binding
  },
): Promise<ServiceTokens | 'unknown' | 'expired'> {
  const { clientId, refreshToken, binding } = given
  const idHash = bearerHash(refreshToken)
  return ctx.db.transaction(async (tx) => {
    const consumed = await consumeOauthObject(tx, { model: REFRESH_TOKEN, idHash, clientId })
    if (consumed === undefined) return 'unknown'
    const { grantHash, seconds, verdict, payload } = consumed
    if (grantHash === null) throw new Error('a refresh token that came from nowhere')
    if (verdict === 'expired' || seconds < 1) return 'expired'
    const { login } = z.object({ login: loginSchema }).parse(payload)
    if (verdict === 'again' || !(await isGood(tx, clientId, login))) {
      await deleteTokensOf(tx, grantHash)
      return 'unknown'
    }
    return giveServiceTokens(ctx, tx, { clientId, login, binding, grantHash, seconds })
  })
}

async function isGood(tx: Queries, clientId: string, { credentialId, personId }: Login): Promise<boolean> {
  const credential = await findCredential(tx, { id: credentialId, clientId })
  if (credential?.personId !== personId) return false
  try {
    checkUsable(credential)
    return true
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}
