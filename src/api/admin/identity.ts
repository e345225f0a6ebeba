import { createHash, generateKeyPairSync, randomBytes, type JsonWebKey } from 'node:crypto'
// By their files: the command line needs these three of the library's fifty for each request.
import { calculateJwkThumbprint } from 'jose/jwk/thumbprint'
import { CompactSign } from 'jose/jws/compact/sign'
import { importJWK } from 'jose/key/import'
import { z } from 'zod'
import { publicJwkSchema, roles, type PublicJwk, type Role } from '../../../config/operators.ts'

/** Of the signed requests, as `typ`. */
export const REQUEST_TYPE = 'intaglio-operator+jwt'

/** The other side of authenticate.ts: an operator's key file, and how it signs a request. */
export const identitySchema = z.strictObject({
  name: z.string(),
  /** What the operator was entered with, so that the command line can choose among files. The service has the say. */
  roles: z.array(z.enum(roles)),
  /** The service that this operator works on; absent: a service of this machine. */
  url: z.url().optional(),
  privateKey: z.looseObject({ kty: z.string(), crv: z.string(), x: z.string(), d: z.string() }),
})
export type Identity = z.infer<typeof identitySchema>

const JTI_OCTETS = 16

/** A new key pair. Its private half leaves the operator's machine in no request. */
export function newIdentity(operator: { readonly name: string; readonly roles: readonly Role[] }): Identity {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk: JsonWebKey = privateKey.export({ format: 'jwk' })
  return identitySchema.parse({ name: operator.name, roles: operator.roles, privateKey: jwk })
}

export function publicHalf(identity: Identity): PublicJwk {
  const { kty, crv, x, y } = identity.privateKey
  return publicJwkSchema.parse({ kty, crv, x, ...(y === undefined ? {} : { y }) })
}

/**
 * Signs one request: `Authorization: Bearer <this>`.
 * @param request.url with scheme, host, path and query, as the service knows itself
 */
export async function signRequest(
  identity: Identity,
  request: { readonly method: string; readonly url: string; readonly body: Buffer },
): Promise<string> {
  const alg = identity.privateKey.kty === 'EC' ? 'ES256' : 'EdDSA'
  const claims = {
    htm: request.method,
    htu: request.url,
    iat: Math.floor(Date.now() / 1000),
    jti: randomBytes(JTI_OCTETS).toString('base64url'),
    bdh: createHash('sha256').update(request.body).digest('base64url'),
  }
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ typ: REQUEST_TYPE, alg, kid: await calculateJwkThumbprint(publicHalf(identity)) })
    .sign(await importJWK(identity.privateKey, alg))
}
