import type { Context } from '../../context.ts'
import { giveBearer } from '../../db/bearers.ts'
import type { Queries } from '../../db/database.ts'
import { storeOauthObject } from '../../db/oauth.ts'
import { keepPrepared } from '../../pki/createCredential.ts'
import { bearerHash } from '../../signing/permit.ts'
import { newBearer } from './bearer.ts'
import { accessTokenModel } from './binding.ts'
import type { CodePayload, Redeemed, Redemption } from './codes.ts'
import type { Scope } from './scopes.ts'
import { giveServiceTokens } from './serviceTokens.ts'

/** A code that is good, and all that its token is made of. */
export interface Redeeming extends Redemption {
  readonly idHash: Buffer
  readonly payload: CodePayload
}
type Issue = (ctx: Context, tx: Queries, redeeming: Redeeming) => Promise<Redeemed | 'over'>

/** TABLE of what codes are for, by the member of theirs that says so. */
const issues = {
  login: issueServiceTokens,
  approved: issueSad,
  created: issueCreationToken,
  deleting: issueDeletionToken,
} as const satisfies Readonly<Partial<Record<keyof CodePayload, Issue>>>
export type Purpose = keyof typeof issues

/** What a code is for. */
export function purposeOf(payload: CodePayload): Purpose {
  const purpose = (Object.keys(issues) as Purpose[]).find((name) => payload[name] !== undefined)
  if (purpose === undefined) throw new Error('a code for nothing')
  return purpose
}

/** @returns 'over' where what it was for has ended meanwhile */
export function issueToken(ctx: Context, tx: Queries, redeeming: Redeeming): Promise<Redeemed | 'over'> {
  return issues[purposeOf(redeeming.payload)](ctx, tx, redeeming)
}

async function issueServiceTokens(
  ctx: Context,
  tx: Queries,
  { idHash: grantHash, payload, binding, clientId }: Redeeming,
): Promise<Redeemed> {
  const { login } = payload
  if (login === undefined) throw new Error('tokens for nobody')
  const seconds = ctx.config.oauth.refreshSeconds
  const given = await giveServiceTokens(ctx, tx, { clientId, login, binding, grantHash, seconds })
  return { ...given, payload }
}

/** The token is the SAD: the authorisation that the token sealed when the holder gave the PIN gets its value now. */
async function issueSad(_ctx: Context, tx: Queries, redeeming: Redeeming): Promise<Redeemed | 'over'> {
  const { approved } = redeeming.payload
  if (approved === undefined) throw new Error('an approval of nothing')
  const accessToken = newBearer()
  const { authorisationId, credentialId } = approved
  const expiresIn = await giveBearer(tx, { authorisationId, sadHash: bearerHash(accessToken) })
  if (expiresIn === undefined) return 'over'
  const about = { scope: 'credential', credentialId, authorisationId } as const
  return storeToken(tx, redeeming, { accessToken, about, expiresIn })
}

/** It lives as long as a SAD: what it is for is done at once. */
async function issueCreationToken(
  ctx: Context,
  tx: Queries,
  redeeming: Redeeming,
): Promise<Redeemed | 'over'> {
  const { created } = redeeming.payload
  if (created === undefined) throw new Error('a creation of nothing')
  const { credentialId } = created
  const expiresIn = ctx.config.csc.sadSeconds
  if (!(await keepPrepared(tx, credentialId, expiresIn))) return 'over'
  const about = { scope: 'credential-creation', credentialId } as const
  return storeToken(tx, redeeming, { accessToken: newBearer(), about, expiresIn })
}

async function issueDeletionToken(ctx: Context, tx: Queries, redeeming: Redeeming): Promise<Redeemed> {
  const { deleting } = redeeming.payload
  if (deleting === undefined) throw new Error('a deletion of nothing')
  const about = { scope: 'credential-deletion', credentialId: deleting.credentialId } as const
  const expiresIn = ctx.config.csc.sadSeconds
  return storeToken(tx, redeeming, { accessToken: newBearer(), about, expiresIn })
}

interface Given {
  readonly accessToken: string
  readonly about: { readonly scope: Scope; readonly credentialId: string; readonly authorisationId?: string }
  readonly expiresIn: number
}

async function storeToken(
  tx: Queries,
  { idHash: grantHash, payload, binding, clientId }: Redeeming,
  { accessToken, about, expiresIn }: Given,
): Promise<Redeemed> {
  await storeOauthObject(tx, {
    model: accessTokenModel(binding),
    idHash: bearerHash(accessToken),
    payload: { ...about, ...binding },
    clientId,
    grantHash,
    expiresIn,
  })
  return { accessToken, expiresIn, payload }
}
