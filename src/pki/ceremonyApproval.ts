import { calculateJwkThumbprint, CompactSign, compactVerify, importJWK, type JWK } from 'jose'
import { z } from 'zod'
import type { PublicJwk } from '../../config/operators.ts'
import { isCompactJws } from '../compactJws.ts'

/** The type says what the signature is for: no request of an operator, and no transcript, has it. */
export const APPROVAL_TYPE = 'intaglio-ceremony-approval+jwt'
/** It is about 400 characters. */
const MAX_APPROVAL = 2048

const headerSchema = z.strictObject({
  typ: z.literal(APPROVAL_TYPE),
  alg: z.enum(['ES256', 'EdDSA']),
  /** RFC 7638, SHA-256. */
  kid: z.string(),
})

const claimsSchema = z.strictObject({
  act: z.literal('ceremony.approve'),
  ceremony: z.uuid(),
  /** SHA-256 of the plan's octets, hexadecimal. */
  plan: z.string(),
  /** Seconds since 1970, by the approver's clock. */
  iat: z.int().min(0),
})

/** What is approved: this plan, at this ceremony. */
export interface Approved {
  readonly ceremony: string
  readonly plan: Buffer
}

/** The approver's side. @param key a private JWK, EC P-256 or OKP Ed25519 @returns a compact JWS */
export async function signApproval(key: JWK, { ceremony, plan }: Approved): Promise<string> {
  const alg = key.kty === 'EC' ? 'ES256' : 'EdDSA'
  const iat = Math.floor(Date.now() / 1000)
  const claims = { act: 'ceremony.approve', ceremony, plan: plan.toString('hex'), iat }
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ typ: APPROVAL_TYPE, alg, kid: await calculateJwkThumbprint(key) })
    .sign(await importJWK(key, alg))
}

/** Whether this is an approval of this plan by who holds this key. */
export async function isApproval(signature: string, by: PublicJwk, approved: Approved): Promise<boolean> {
  if (signature.length > MAX_APPROVAL || !isCompactJws(signature)) return false
  const [protectedHeader = '', payload = ''] = signature.split('.')
  const header = headerSchema.safeParse(jsonOf(protectedHeader))
  const claims = claimsSchema.safeParse(jsonOf(payload))
  if (!header.success || !claims.success) return false
  const { ceremony, plan } = claims.data
  if (ceremony !== approved.ceremony || plan !== approved.plan.toString('hex')) return false
  if (header.data.kid !== (await calculateJwkThumbprint(by))) return false
  return verifies(signature, by, header.data.alg)
}

async function verifies(signature: string, by: PublicJwk, alg: string): Promise<boolean> {
  try {
    await compactVerify(signature, await importJWK(by, alg), { algorithms: [alg] })
    return true
  } catch {
    return false
  }
}

function jsonOf(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
}
