import { createPublicKey, randomBytes, verify, type KeyObject } from 'node:crypto'
import type { Handle } from 'pkcs11js'
import { keyTypes, schemes, type KeyTypeRow } from '../algorithms.ts'
import type { ProviderRow } from '../providers.ts'
import { purposes } from '../purposes.ts'
import {
  canonicalActivation,
  canonicalKey,
  canonicalVerifier,
  type ActivationRecord,
  type KeyRecord,
} from '../records.ts'
import type { Generated, GenerateRequest, KeyAttributes } from '../types.ts'
import { fromToken, refuse } from './answer.ts'
import { CKA } from './cryptoki.ts'
import { readKeyAttributes } from './describe.ts'
import { find } from './objects.ts'
import type { WorkSession } from './sessions.ts'
import type { Signer } from './signer.ts'
import { digestOf, mechanismOf, prepare, signOnce } from './sign.ts'
import { allowedMechanisms, curveParams, mayDecrypt, pairTemplates } from './templates.ts'

/** What making a pair takes; a Signer has it, and so has one that is being opened. */
export interface Maker {
  readonly session: WorkSession
  readonly provider: ProviderRow
}

interface Pair {
  readonly privateKey: Handle
  readonly publicKey: Handle
}

/**
 * Makes a key pair, its sealed record, and, for an activated purpose, the one verifier that this key will ever have.
 * What is not exactly what was asked is destroyed and refused. Dying in between leaves a key without a record: the
 * service wrote its CKA_ID down before, and destroys it at its next start.
 */
export function generate(signer: Signer, request: GenerateRequest): Generated {
  checkRequest(signer, request)
  const { attributes, spki } = makePair(signer, {
    row: keyTypes[request.keyType],
    ckaId: request.ckaId,
    label: `${request.purpose} ${request.keyId}`,
  })
  const { keyId, ckaId, keyType, purpose } = request
  const record: KeyRecord = { keyId, tokenSerial: signer.serial, ckaId, keyType, purpose, spki }
  const key = { ...record, seal: signer.seals.seal(canonicalKey(record)) }
  if (request.activation === undefined) return { key, attributes }
  const { stretched, ...parameters } = request.activation
  const verifier = signer.secrets.hmac('pepper', canonicalVerifier(spki, parameters.secrets, stretched))
  const activation: ActivationRecord = { keyId, spki, ...parameters, verifier }
  return {
    key,
    activation: { ...activation, seal: signer.seals.seal(canonicalActivation(activation)) },
    attributes,
  }
}

/** Octets of a CKA_ID at least: they are drawn at random, and two of a kind must not happen. */
const MIN_ID = 8

function checkRequest(signer: Signer, request: GenerateRequest): void {
  const { ckaId, keyId, purpose, activation } = request
  if (purposes[purpose].activated !== (activation !== undefined)) {
    throw refuse(
      'rule',
      `A key for '${purpose}' is made ${activation === undefined ? 'with' : 'without'} activation.`,
    )
  }
  if (keyId === '') throw refuse('rule', 'A key has an id.')
  if (ckaId.length < MIN_ID || ckaId.length > signer.provider.idLength) {
    throw refuse('rule', `A CKA_ID of ${ckaId.length} octets.`)
  }
  if (activation !== undefined && (activation.secrets < 1 || activation.salt.length < 16)) {
    throw refuse('rule', 'An activation takes one secret or more, and a salt of 16 octets or more.')
  }
}

/** Makes, reads back and tries a pair. Also how the canary key is made. */
export function makePair(
  maker: Maker,
  wanted: { row: KeyTypeRow; ckaId: Buffer; label: string },
): { attributes: KeyAttributes; spki: Buffer } {
  const { session, provider } = maker
  if (wanted.row.family === 'Ed25519' && curveParams(provider, wanted.row) === undefined) {
    throw refuse('token', 'This make of token has no Ed25519 keys.')
  }
  if (find(session, [{ type: CKA.ID, value: wanted.ckaId }], 1).length > 0) {
    throw refuse('key', 'The token has an object under this id already.')
  }
  const pair = generatePair(maker, wanted)
  try {
    const attributes = readKeyAttributes(session, pair.privateKey)
    const wrong = wrongAttribute(provider, wanted, attributes)
    if (wrong !== undefined || attributes.spki === undefined) {
      throw refuse('token', `The token made another key than it was asked for: ${wrong ?? 'no public key'}.`)
    }
    tryPair(maker, { handle: pair.privateKey, row: wanted.row }, attributes.spki)
    return { attributes, spki: attributes.spki }
  } catch (error) {
    destroyPair(maker, pair)
    throw fromToken(error, 'generating')
  }
}

function generatePair(maker: Maker, wanted: { row: KeyTypeRow; ckaId: Buffer; label: string }): Pair {
  const templates = pairTemplates(maker.provider, wanted.row, wanted)
  return maker.session.use((handle, lib) =>
    lib.C_GenerateKeyPair(
      handle,
      { mechanism: templates.mechanism },
      templates.publicKey,
      templates.privateKey,
    ),
  )
}

function destroyPair(maker: Maker, pair: Pair): void {
  for (const half of [pair.privateKey, pair.publicKey]) {
    try {
      maker.session.use((handle, lib) => {
        lib.C_DestroyObject(handle, half)
      })
    } catch {
      // The service wrote the CKA_ID down before it asked, and destroys what is under it at its next start.
    }
  }
}

/** The first attribute that is not as asked; what a make of token cannot tell is no fault unless it protects the key. */
function wrongAttribute(
  provider: ProviderRow,
  wanted: { row: KeyTypeRow; ckaId: Buffer; label: string },
  read: KeyAttributes,
): string | undefined {
  if (!read.ckaId.equals(wanted.ckaId)) return 'CKA_ID'
  if (read.label !== wanted.label) return 'CKA_LABEL'
  if (read.keyType !== wanted.row.name) return 'key type'
  const must = { token: true, private: true, sensitive: true, extractable: false, sign: true } as const
  const always = {
    ...must,
    alwaysSensitive: true,
    neverExtractable: true,
    ...(provider.local ? { local: true } : {}),
  }
  const wrong = Object.entries(always).find(
    ([name, value]) => read.flags[name as keyof typeof must] !== value,
  )
  if (wrong !== undefined) return wrong[0]
  const off = ['signRecover', 'decrypt', 'unwrap', 'derive', 'alwaysAuthenticate'] as const
  const isAllowed = (name: (typeof off)[number]): boolean =>
    name === 'decrypt' && mayDecrypt(provider, wanted.row)
  const forbidden = off.find((name) => read.flags[name] === true && !isAllowed(name))
  if (forbidden !== undefined) return forbidden
  if (provider.modifiable && read.flags.modifiable !== false) return 'modifiable'
  if (!provider.allowedMechanisms) return undefined
  const isListed =
    allowedMechanisms(wanted.row).join() === read.allowedMechanisms?.toSorted((a, b) => a - b).join()
  return isListed ? undefined : 'allowed mechanisms'
}

/** Signs a message that means nothing to anybody, and verifies it: the two halves belong together. */
function tryPair(maker: Maker, key: { handle: Handle; row: KeyTypeRow }, spki: Buffer): void {
  const [name] = key.row.schemes
  if (name === undefined) throw refuse('token', 'A key type without a scheme.')
  const scheme = schemes[name]
  const message = Buffer.concat([Buffer.from('intaglio trial v1\0'), randomBytes(32)])
  const data = prepare(key.row, scheme, digestOf(scheme, message))
  const signature = signOnce(maker.session, key, { mechanism: mechanismOf(scheme), data })
  const options = { key: publicKeyOf(spki), dsaEncoding: 'ieee-p1363' as const }
  if (!verify(scheme.hash?.node ?? null, message, options, signature)) {
    throw refuse('token', 'The trial signature of the new key does not verify.')
  }
}

function publicKeyOf(spki: Buffer): KeyObject {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' })
  } catch {
    throw refuse('token', 'The public key that the token shows is none.')
  }
}
