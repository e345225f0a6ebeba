import {
  createHash,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto'
import { Flaw } from '../../../signing/flaw.ts'
import { canonicalise } from '../../jsonld/canonicalise.ts'
import type { Checking, Making, Suite, Unsecured } from '../proof.ts'
import { isSigned, signed } from '../signature.ts'
import { baseProofValue, readDerivedProof } from './proofValue.ts'
import { group, linesOf, relabelled } from './statements.ts'

/**
 * Selective disclosure (vc-di-ecdsa 1.0, 3.5). THE EXCEPTION to "every private key is in the token", by specification: an
 * ephemeral key of P-256 signs each statement that its holder may leave out, and an HMAC key gives blank nodes their labels.
 * Both are made for one credential. The ephemeral private key is forgotten with this call; the HMAC key goes to the holder,
 * in the proof. Neither makes anything believable: what does is the one signature of the token's key, over the ephemeral
 * public key and all that is always disclosed.
 */
export const ecdsaSd2023: Suite = {
  name: 'ecdsa-sd-2023',
  type: 'DataIntegrityProof',
  keyTypes: ['P-256'],
  hasContext: false,
  make: async (making) =>
    makeBaseProof(making, {
      hmacKey: randomBytes(32),
      ...generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    }),
  check: checkDerivedProof,
}

/** Of one credential. */
export interface Ephemeral {
  readonly hmacKey: Buffer
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export async function makeBaseProof(making: Making, ephemeral: Ephemeral): Promise<string> {
  const { key, mandatoryPointers } = making
  const { hmacKey } = ephemeral
  const { proofHash, mandatoryHash, optional } = await baseData(making, hmacKey)
  const publicKey = multikey(ephemeral.publicKey)
  const own = { key: ephemeral.privateKey, dsaEncoding: 'ieee-p1363' } as const
  const signatures = optional.map((statement) => sign('sha256', Buffer.from(statement), own))
  const baseSignature = await signed(key, Buffer.concat([proofHash, publicKey, mandatoryHash]))
  return baseProofValue({ baseSignature, publicKey, hmacKey, signatures, mandatoryPointers })
}

/** What a base proof is made of (3.5.2 to 3.5.4). */
export async function baseData(
  { document, proof, mandatoryPointers }: Pick<Making, 'document' | 'proof' | 'mandatoryPointers'>,
  hmacKey: Buffer,
): Promise<{
  readonly proofHash: Buffer
  readonly mandatoryHash: Buffer
  readonly optional: readonly string[]
}> {
  const { statements, groups } = await group(document, labelling(hmacKey), [mandatoryPointers])
  const mandatory = groups[0]?.matching ?? new Map<number, string>()
  return {
    proofHash: await hashOfProof({ document, proof }),
    mandatoryHash: sha256([...mandatory.values()].join('')),
    optional: statements.filter((_, at) => !mandatory.has(at)),
  }
}

/** Labels that tell nothing of the order that blank nodes have in the whole document (3.4.4). */
export const labelling =
  (hmacKey: Buffer) =>
  (label: string): string =>
    `u${createHmac('sha256', hmacKey).update(label).digest('base64url')}`

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()
const hashOfProof = async ({ document, proof }: Unsecured): Promise<Buffer> =>
  sha256(await canonicalise({ ...proof, '@context': document['@context'] }, { hash: 'sha256' }))

/** Each disclosed statement that is not mandatory must be signed by the ephemeral key, and this by the issuer's (3.5.8). */
async function checkDerivedProof({ document, proof, proofValue, key }: Checking): Promise<boolean> {
  const shown = readDerivedProof(proofValue)
  const labels = new Map(
    [...shown.labels].map(([number, label]) => [`c14n${number}`, `u${label.toString('base64url')}`]),
  )
  const canonical = linesOf(await canonicalise(document, { hash: 'sha256' }))
  const statements = relabelled(canonical, labels).sort()
  const indexes = new Set(shown.mandatoryIndexes)
  const mandatory = statements.filter((_, at) => indexes.has(at))
  const optional = statements.filter((_, at) => !indexes.has(at))
  if (optional.length !== shown.signatures.length || mandatory.length !== indexes.size) return false
  const ephemeral = { key: publicKeyOf(shown.publicKey), dsaEncoding: 'ieee-p1363' } as const
  const isEach = optional.every((statement, at) =>
    verify('sha256', Buffer.from(statement), ephemeral, shown.signatures[at] ?? Buffer.alloc(0)),
  )
  const octets = Buffer.concat([
    await hashOfProof({ document, proof }),
    shown.publicKey,
    sha256(mandatory.join('')),
  ])
  return isEach && isSigned(key, octets, shown.baseSignature)
}

/** Multicodec p256-pub, and the compressed point. */
const MULTIKEY = Buffer.from('8024', 'hex')
/** SubjectPublicKeyInfo of P-256 up to a compressed point. */
const COMPRESSED = Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex')

function multikey(publicKey: KeyObject): Buffer {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const odd = (Buffer.from(y, 'base64url').at(-1) ?? 0) & 1
  return Buffer.concat([MULTIKEY, Buffer.from([2 + odd]), Buffer.from(x, 'base64url')])
}

function publicKeyOf(octets: Buffer): KeyObject {
  try {
    if (!octets.subarray(0, 2).equals(MULTIKEY)) throw new Error('another type of key')
    return createPublicKey({
      key: Buffer.concat([COMPRESSED, octets.subarray(2)]),
      format: 'der',
      type: 'spki',
    })
  } catch (error) {
    throw new Flaw('proof-malformed', `proofValue: its public key is none: ${(error as Error).message}`)
  }
}
