import type { Context } from '../../context.ts'
import type { ClientRow } from '../../db/clients.ts'
import { Refusal } from '../../refusal.ts'
import { approvalOf } from './approval.ts'
import { AuthorizationError, invalidRequest } from './authorizationError.ts'
import { creationWish } from './credentialCreation.ts'
import { deletionWish } from './credentialDeletion.ts'
import { impliedScope } from './details.ts'
import { knownClient } from './knownClient.ts'
import type { Parameters } from './parameters.ts'
import { scopes, type Scope } from './scopes.ts'
import type { Wish } from './wish.ts'

/** Where an answer goes, whatever it is. */
export interface Destination {
  readonly client: ClientRow
  readonly redirectUri: string
  readonly state: string | undefined
}

/** An authorization request that lacks nothing but its holder's word. */
export interface AuthorizationRequest extends Destination, Wish {
  /** As given; undefined: the client's only one is meant. The token endpoint compares. */
  readonly givenRedirectUri: string | undefined
  readonly codeChallenge: string
  /** The one key that the token may be bound to, by its thumbprint (RFC 9449, 10). */
  readonly proofKey: string | undefined
  readonly description: string | undefined
  /** The one person who may log in; undefined: whoever can. */
  readonly account: string | undefined
}

const STATE_MAX = 2048
const DESCRIPTION_MAX = 500
const CLIENT_DATA_MAX = 2048
const LANG_MAX = 35
/** In base64url (RFC 7636, 4.2; RFC 7638, 3). */
const SHA256 = /^[A-Za-z0-9_-]{43}$/

/**
 * Who asks, and where the answer goes, compared with what is registered (RFC 6749, 3.1.2.3).
 * @throws Refusal 'invalid_request': nobody is sent to an address that nobody registered
 */
export async function destinationOf(ctx: Context, parameters: Parameters): Promise<Destination> {
  const { client_id: id, redirect_uri: given, state } = parameters
  if (id === undefined) throw new Refusal('invalid_request', 'Missing parameter client_id')
  const client = await knownClient(ctx, id)
  if (client === undefined) throw new Refusal('invalid_request', 'Invalid parameter client_id')
  const [first, ...others] = client.redirectUris
  const redirectUri = given ?? (others.length === 0 ? first : undefined)
  if (redirectUri === undefined) throw new Refusal('invalid_request', 'Missing parameter redirect_uri')
  if (!client.redirectUris.some((registered) => isSame(registered, redirectUri))) {
    throw new Refusal('invalid_request', 'Invalid parameter redirect_uri')
  }
  return { client, redirectUri, state }
}

/** An app's own listener on this machine, and its port. */
const LOOPBACK = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(?::\d{1,5})?(?=[/?]|$)/

/** Two addresses, as strings; where an app listens on this machine, whatever its port (RFC 8252, 7.3). */
function isSame(registered: string, given: string): boolean {
  if (given === registered) return true
  if (!LOOPBACK.test(registered) || !URL.canParse(given)) return false
  return given.replace(LOOPBACK, '$1') === registered.replace(LOOPBACK, '$1')
}

/**
 * Everything else (RFC 6749, 4.1.1; RFC 7636; RFC 9396; CSC API v2.2, 8.2.2).
 * @throws AuthorizationError
 */
export async function authorizationRequest(
  ctx: Context,
  destination: Destination,
  parameters: Parameters,
): Promise<AuthorizationRequest> {
  checkResponse(parameters)
  const codeChallenge = challengeOf(parameters)
  checkTexts(parameters)
  const wish = await wishes[scopeOf(parameters)](ctx, destination.client, parameters)
  const { redirect_uri: givenRedirectUri, description, account, dpop_jkt: proofKey } = parameters
  if (proofKey !== undefined && !SHA256.test(proofKey)) throw invalidRequest('Invalid parameter dpop_jkt')
  if (account !== undefined && wish.credential !== undefined && wish.credential.personId !== account) {
    throw invalidRequest('Invalid parameter credentialID')
  }
  return { ...destination, ...wish, givenRedirectUri, codeChallenge, proofKey, description, account }
}

/** TABLE of what can be asked for. Each reads what is its own. */
const wishes: Readonly<
  Record<Scope, (ctx: Context, client: ClientRow, parameters: Parameters) => Wish | Promise<Wish>>
> = {
  service: () => ({ scope: 'service' }),
  credential: async (ctx, { id }, parameters) => {
    const approval = await approvalOf(ctx, id, parameters)
    return { scope: 'credential', approval, credential: approval.credential }
  },
  'credential-creation': creationWish,
  'credential-deletion': deletionWish,
}

function checkResponse(parameters: Parameters): void {
  const { response_type: type, response_mode: mode, request } = parameters
  if (request !== undefined) {
    throw new AuthorizationError('request_not_supported', 'Invalid parameter request')
  }
  if (type === undefined) throw invalidRequest('Missing parameter response_type')
  if (type !== 'code') {
    throw new AuthorizationError('unsupported_response_type', 'Invalid parameter response_type')
  }
  if (mode !== undefined && mode !== 'query') throw invalidRequest('Invalid parameter response_mode')
}

/** RFC 7636, 4.3: without a method it is plain, which shows the verifier to whoever sees the request. */
function challengeOf({ code_challenge: challenge, code_challenge_method: method }: Parameters): string {
  if (challenge === undefined) throw invalidRequest('Missing parameter code_challenge')
  if (method !== 'S256') throw invalidRequest('Invalid parameter code_challenge_method')
  if (!SHA256.test(challenge)) throw invalidRequest('Invalid parameter code_challenge')
  return challenge
}

function checkTexts(parameters: Parameters): void {
  const limits = [
    ['state', STATE_MAX],
    ['description', DESCRIPTION_MAX],
    ['clientData', CLIENT_DATA_MAX],
    ['lang', LANG_MAX],
  ] as const
  for (const [name, limit] of limits) {
    if ((parameters[name] ?? '').length > limit) throw invalidRequest(`Invalid parameter ${name}`)
  }
}

/** Details and scope say one thing. */
function scopeOf({ scope, authorization_details: details }: Parameters): Scope {
  const implied = details === undefined ? undefined : impliedScope(details)
  const meant = scopes.find((one) => one === (scope ?? implied ?? 'service'))
  if (meant !== undefined && (implied === undefined || implied === meant)) return meant
  throw new AuthorizationError('invalid_scope', 'Invalid parameter scope')
}
