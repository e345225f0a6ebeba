import type { IncomingMessage } from 'node:http'
import { clientCertificateOf } from '../../clientCertificate.ts'
import type { Context } from '../../context.ts'
import { findBearer, type Bearer } from '../../db/oauth.ts'
import { Refusal } from '../../refusal.ts'
import { bearerHash } from '../../signing/permit.ts'
import { provenKey } from './dpop.ts'

/** The client that calls, as its access token says. */
export interface Caller {
  readonly clientId: string
  readonly scopes: ReadonlySet<string>
  /** The person who logged in for it: it is for that person's credentials alone. */
  readonly personId?: string
  /** The one credential that it is for. */
  readonly credentialId?: string
  /** The token is worth something only with this certificate, while its key is registered (RFC 8705, 3). */
  readonly boundTo?: { readonly thumbprint: string; readonly keys: readonly Buffer[] }
  /** The token is worth something only with a proof by this key, by its thumbprint (RFC 9449, 6.1). */
  readonly proofKey?: string
}

export type BearerProblem = 'missing' | 'malformed' | 'invalid' | 'expired' | 'unproven'

/** Why a bearer token does not authenticate; each protocol has its own words for it. */
export class BearerRefusal extends Refusal {
  readonly problem: BearerProblem

  constructor(problem: BearerProblem) {
    super(problem === 'malformed' ? 'invalid_request' : 'unauthenticated', SENTENCES[problem])
    this.problem = problem
  }
}

const SENTENCES: Readonly<Record<BearerProblem, string>> = {
  missing: 'An access token is required',
  malformed: 'Malformed authorization header',
  invalid: 'The access token is invalid',
  expired: 'The access token expired',
  unproven: 'The DPoP proof is missing or invalid',
}

/** RFC 6750, 2.1: b64token; RFC 9449, 7.1: the other scheme. Ours are 43 characters; nothing near the limit is one. */
const AUTHORIZATION = /^(Bearer|DPoP) +([A-Za-z0-9._~+/-]{1,512}=*)$/i

/** How long a lookup is believed: a token that was revoked, or whose client was disabled, works no longer than this. */
const CACHED_MS = 1_000
/** Tokens in use within a second on one replica; the oldest lookup gives way. */
const CACHED_MAX = 10_000

export type Authenticate = (request: IncomingMessage) => Promise<Caller>

/**
 * Authentication by an access token in the Authorization header, and by nothing else: a token in a query ends up in logs.
 * @throws BearerRefusal, or Refusal 'unavailable'
 */
export function bearerAuthentication(ctx: Context): Authenticate {
  const cache = new Map<string, { readonly until: number; readonly caller: Promise<Caller> }>()
  return async (request) => {
    const presented = presentedIn(request.headers.authorization)
    const idHash = bearerHash(presented.token)
    const id = idHash.toString('base64')
    const now = performance.now()
    const known = cache.get(id)
    if (known !== undefined && known.until > now)
      return proven(ctx, await known.caller, { request, presented })
    const caller = findBearer(ctx.db, idHash).then(callerOf)
    cache.delete(id)
    cache.set(id, { until: now + CACHED_MS, caller })
    const [oldest] = cache.keys()
    if (cache.size > CACHED_MAX && oldest !== undefined) cache.delete(oldest)
    // A refusal is not remembered: made-up tokens must not push good ones out, and a database may be back by now.
    caller.catch(() => cache.delete(id))
    return proven(ctx, await caller, { request, presented })
  }
}

/** Whether the token is in the hands that it was given to. */
async function proven(
  ctx: Context,
  caller: Caller,
  { request, presented }: { readonly request: IncomingMessage; readonly presented: Presented },
): Promise<Caller> {
  const { proofKey } = caller
  // A token that needs a proof is none without; and one that needs none says nothing of the key that a proof is made with.
  if (presented.isDpop !== (proofKey !== undefined)) throw new BearerRefusal('invalid')
  if (proofKey !== undefined) {
    const key = await provenKey(ctx, request, presented.token)
    if (typeof key === 'string' || key.thumbprint !== proofKey) throw new BearerRefusal('unproven')
  }
  return withCertificate(caller, request)
}

function withCertificate(caller: Caller, request: IncomingMessage): Caller {
  const { boundTo } = caller
  if (boundTo === undefined) return caller
  const shown = clientCertificateOf(request)
  const isTheirs =
    shown?.thumbprint === boundTo.thumbprint && boundTo.keys.some((key) => key.equals(shown.spkiHash))
  if (!isTheirs) throw new BearerRefusal('invalid')
  return caller
}

/** The token as it came. @throws BearerRefusal */
export function tokenOf(authorization: string | undefined): string {
  return presentedIn(authorization).token
}

interface Presented {
  readonly token: string
  /** By the scheme of RFC 9449, 7.1. */
  readonly isDpop: boolean
}

function presentedIn(authorization: string | undefined): Presented {
  if (authorization === undefined) throw new BearerRefusal('missing')
  const [, scheme, token] = AUTHORIZATION.exec(authorization) ?? []
  if (scheme === undefined || token === undefined) throw new BearerRefusal('malformed')
  return { token, isDpop: scheme.toLowerCase() === 'dpop' }
}

function callerOf(bearer: Bearer | undefined): Caller {
  if (bearer === undefined) throw new BearerRefusal('invalid')
  if (bearer.expired) throw new BearerRefusal('expired')
  const { clientId, personId, credentialId, thumbprint, keys, proofKey } = bearer
  const scopes = new Set(bearer.scope.split(' '))
  const only = {
    ...(personId === null ? {} : { personId }),
    ...(credentialId === null ? {} : { credentialId }),
  }
  return {
    clientId,
    scopes,
    ...only,
    ...(thumbprint === null ? {} : { boundTo: { thumbprint, keys: keys ?? [] } }),
    ...(proofKey === null ? {} : { proofKey }),
  }
}
