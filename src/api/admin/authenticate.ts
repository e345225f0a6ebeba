import { createHash } from 'node:crypto'
import { compactVerify, decodeProtectedHeader, importJWK } from 'jose'
import { z } from 'zod'
import type { PublicJwk } from '../../../config/operators.ts'
import type { ClientCertificate } from '../../clientCertificate.ts'
import { isCompactJws } from '../../compactJws.ts'
import type { Context } from '../../context.ts'
import { isOperatorsKey } from '../../db/clientCertificates.ts'
import { findOperatorByThumbprint, spendOperatorRequest, type OperatorRow } from '../../db/operators.ts'
import { Refusal } from '../../refusal.ts'
import { REQUEST_TYPE } from './identity.ts'

const ALGORITHMS = ['ES256', 'EdDSA']
/** Long enough for machines that keep time by NTP, short enough that a stolen request is soon worth nothing. */
const WINDOW_S = 60
/** A signed request is about 600 characters. */
const MAX_TOKEN = 4096

const headerSchema = z.object({
  typ: z.literal(REQUEST_TYPE),
  alg: z.enum(ALGORITHMS),
  kid: z.string().min(1).max(100),
})

const claimsSchema = z.strictObject({
  /** Method and whole URL of the request, its query included. */
  htm: z.string(),
  htu: z.string(),
  /** Seconds since 1970. */
  iat: z.int().min(0),
  jti: z.string().min(16).max(128),
  /** base64url of SHA-256 over the body's octets; over none where there is no body. */
  bdh: z.string(),
})
type Claims = z.infer<typeof claimsSchema>

export interface SignedRequest {
  readonly authorization: string | undefined
  readonly method: string
  /** As the operator sees it: scheme, host, path and query. */
  readonly url: string
  readonly body: Buffer
  /** Where the listener requires certificates: the one that came, which must be the operator's as well. */
  readonly certificate?: { readonly shown: ClientCertificate | undefined }
}

/**
 * Who signed this request. Each request is signed with the operator's own key over its method, URL and body, and is
 * accepted once: there is no session and no bearer value that could be stolen.
 * @throws Refusal 'unauthenticated'
 */
export async function authenticateOperator(ctx: Context, request: SignedRequest): Promise<OperatorRow> {
  const token = /^Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i.exec(
    request.authorization ?? '',
  )?.[1]
  if (token === undefined || token.length > MAX_TOKEN) throw refused('The request is not signed.')
  if (!isCompactJws(token)) throw refused(NOT_OURS)
  const { operator, claims } = await verified(ctx, token)
  if (request.certificate !== undefined) await checkCertificate(ctx, operator, request.certificate.shown)
  if (claims.htm !== request.method || claims.htu !== request.url) {
    throw refused(`The signature is for another request than ${request.method} ${request.url}.`)
  }
  if (claims.bdh !== createHash('sha256').update(request.body).digest('base64url')) {
    throw refused('The body is not the one that was signed.')
  }
  await spend(ctx, operator, claims)
  return operator
}

/** An unknown key, a wrong signature and a malformed one are told apart by nobody. */
const NOT_OURS = 'The signature is not that of an operator of this service.'

async function verified(ctx: Context, token: string): Promise<{ operator: OperatorRow; claims: Claims }> {
  const header = headerSchema.safeParse(headerOf(token))
  if (!header.success) throw refused(NOT_OURS)
  const operator = await findOperatorByThumbprint(ctx.db, header.data.kid)
  if (operator === undefined) throw refused(NOT_OURS)
  const payload = await payloadOf(token, operator.publicKey, header.data.alg)
  const claims = claimsSchema.safeParse(payload)
  if (!claims.success) throw refused(NOT_OURS)
  return { operator, claims: claims.data }
}

function headerOf(token: string): unknown {
  try {
    return decodeProtectedHeader(token)
  } catch {
    return undefined
  }
}

async function payloadOf(token: string, publicKey: PublicJwk, alg: string): Promise<unknown> {
  try {
    const key = await imported(publicKey, alg)
    const { payload } = await compactVerify(token, key, { algorithms: [alg] })
    return JSON.parse(Buffer.from(payload).toString('utf8'))
  } catch {
    return undefined
  }
}

type ImportedKey = Awaited<ReturnType<typeof importJWK>>

/** Operators' keys: to import one takes as long as to verify with it. */
const keys = new Map<string, ImportedKey>()
/** More than a service has operators. */
const MAX_KEYS = 1_000

async function imported(publicKey: PublicJwk, alg: string): Promise<ImportedKey> {
  const name = JSON.stringify([alg, publicKey])
  const known = keys.get(name)
  if (known !== undefined) return known
  const key = await importJWK(publicKey, alg)
  if (keys.size >= MAX_KEYS) keys.clear()
  keys.set(name, key)
  return key
}

/** Who stole a key file lacks the certificate's key, and the other way round. */
async function checkCertificate(
  ctx: Context,
  operator: OperatorRow,
  shown: ClientCertificate | undefined,
): Promise<void> {
  const asked = shown && { operatorId: operator.id, spkiHash: shown.spkiHash }
  if (asked === undefined || !(await isOperatorsKey(ctx.db, asked))) throw refused(NOT_OURS)
}

/** Last, so that a request that was altered on its way does not spend the one that was meant. */
async function spend(ctx: Context, operator: OperatorRow, claims: Claims): Promise<void> {
  const idHash = createHash('sha256').update(`${operator.thumbprint} ${claims.jti}`).digest()
  const verdict = await spendOperatorRequest(ctx.db, { idHash, issuedAt: claims.iat, windowS: WINDOW_S })
  if (verdict === 'stale') {
    throw refused(`The request was not signed within ${WINDOW_S} seconds of now: check this machine's clock.`)
  }
  if (verdict === 'seen') throw refused('The request was used before.')
}

function refused(message: string): Refusal {
  return new Refusal('unauthenticated', message)
}
