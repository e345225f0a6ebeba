import { createPublicKey, ECDH, type KeyObject } from 'node:crypto'
import { jwtVerify } from 'jose'
import type { Config } from '../../config/config.ts'
import type { TestService } from '../support/startService.ts'
import { newIssuer, type Issuer } from '../vc/client.ts'
import type { Answer, MadeKey, problem } from './client.ts'

type Attestation = NonNullable<Config['attestation']>

export const TYPE = 'key-attestation+jwt'
const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** Has a service attest keys, as one whose configuration says so does. */
export function configure({ ctx }: TestService, attestation: Attestation | undefined): void {
  Object.assign(ctx.config, { attestation })
}

/** The same, in the name of a new issuer. */
export async function attesting(
  service: TestService,
  claims: Partial<Attestation> = {},
  asked: Parameters<typeof newIssuer>[1] = {},
): Promise<Issuer> {
  const issuer = await newIssuer(service, asked)
  configure(service, { issuer: issuer.id, validSeconds: 3600, ...claims })
  return issuer
}

export const said = ({ status, body }: Answer) => ({ status, body })
export const refused = (body: ReturnType<typeof problem>) => ({ status: body.status, body })

/** What is recorded of attestations by an issuer: two entries for each. */
export const count = async (service: TestService, { id }: Issuer): Promise<number> =>
  (await service.acts('key.attest', `issuer:${id}`)).length

/** By which the audit log names a key. */
export async function keyIdOf(service: TestService, { id }: MadeKey): Promise<string> {
  const sql = 'select key_id as "keyId" from holder_key where id = $1::text'
  const [row] = await service.sql<{ keyId: string }>(sql, [id])
  return row?.keyId ?? ''
}

interface DidDocument {
  readonly assertionMethod: readonly string[]
  readonly verificationMethod: readonly { readonly id: string; readonly publicKeyMultibase: string }[]
}

/** As a relying party finds it: the document of the issuer's DID. */
export async function documentOf({ url }: TestService, { id, identifier }: Issuer): Promise<DidDocument> {
  if (identifier.startsWith('did:web:'))
    return (await (await fetch(`${url}/issuers/${id}/did.json`)).json()) as DidDocument
  const resolved = await fetch(`${url}/1.0/identifiers/${encodeURIComponent(identifier)}`)
  return ((await resolved.json()) as { didDocument: DidDocument }).didDocument
}

/** An attestation that jose verified with a key of its issuer. @throws Error */
export async function opened(service: TestService, attestation: string, issuer: Issuer) {
  const { assertionMethod, verificationMethod } = await documentOf(service, issuer)
  const keyOf = ({ kid }: { kid?: string }): KeyObject => {
    const method = verificationMethod.find(({ id }) => id === kid && assertionMethod.includes(id))
    if (method === undefined) throw new Error(`${String(kid)} is no key of the issuer`)
    return keyOfMultibase(method.publicKeyMultibase)
  }
  return jwtVerify(attestation, keyOf, { typ: TYPE })
}

/** A Multikey of P-256 or Ed25519 (Controlled Identifiers 1.0, 2.2.2), read as others do. */
function keyOfMultibase(multibase: string): KeyObject {
  const value = Array.from(multibase.slice(1)).reduce(
    (sum, digit) => sum * 58n + BigInt(ALPHABET.indexOf(digit)),
    0n,
  )
  const digits = value.toString(16)
  const octets = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex')
  if (octets[0] === 0xed) {
    const x = octets.subarray(2).toString('base64url')
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  }
  const point = ECDH.convertKey(octets.subarray(2), 'prime256v1', undefined, undefined, 'uncompressed')
  const half = (at: number): string =>
    Buffer.from(point as Buffer)
      .subarray(at, at + 32)
      .toString('base64url')
  return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x: half(1), y: half(33) }, format: 'jwk' })
}
