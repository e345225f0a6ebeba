/** Keys and vectors for the tests of Data Integrity. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { keyTypes, schemes, type KeyType } from '../../hsm/algorithms.ts'
import type { CredentialKey, VerificationKey } from '../../src/credentials/credentialKey.ts'
import type { JsonObject } from '../../src/credentials/formats/format.ts'
import { registerContexts } from '../../src/credentials/jsonld/contexts.ts'
import { fromBase58btc, toBase58btc } from '../../src/credentials/multibase.ts'
import { openToken, serviceKey } from '../hsm/support.ts'

const folder = new URL('../../../shared/vectors/', import.meta.url)
export const hasVectors = existsSync(folder)
export const vectorText = (name: string): string => readFileSync(new URL(name, folder), 'utf8')
export const vector = (name: string): JsonObject => JSON.parse(vectorText(name)) as JsonObject

/** Multicodec prefixes and curves of Multikey (Controlled Identifiers 1.0, 2.2.2); what precedes the raw key in DER. */
const MULTIKEYS = [
  { keyType: 'Ed25519', prefix: 'ed01', der: '302a300506032b6570032100' },
  { keyType: 'P-256', prefix: '8024', der: '3039301306072a8648ce3d020106082a8648ce3d030107032200' },
  { keyType: 'P-384', prefix: '8124', der: '3046301006072a8648ce3d020106052b81040022033200' },
] as const

const point = (publicKey: KeyObject): Buffer => {
  const jwk = publicKey.export({ format: 'jwk' })
  const x = Buffer.from(jwk.x ?? '', 'base64url')
  if (jwk.y === undefined) return x
  const odd = (Buffer.from(jwk.y, 'base64url').at(-1) ?? 0) & 1
  return Buffer.concat([Buffer.from([2 + odd]), x])
}

export function multikey(publicKey: KeyObject, keyType: KeyType): string {
  const row = MULTIKEYS.find((known) => known.keyType === keyType)
  return `z${toBase58btc(Buffer.concat([Buffer.from(row?.prefix ?? '', 'hex'), point(publicKey)]))}`
}

/** The key of a did:key's verification method, as somebody else than the product reads it. */
export function didKey(id: string): VerificationKey {
  const octets = fromBase58btc(id.slice(id.indexOf('#') + 2)) ?? Buffer.alloc(0)
  const row = MULTIKEYS.find(({ prefix }) => octets.toString('hex').startsWith(prefix))
  if (row === undefined) throw new Error(`no did:key of ours: ${id}`)
  const compressed = Buffer.concat([Buffer.from(row.der, 'hex'), octets.subarray(2)])
  const spki = createPublicKey({ key: compressed, format: 'der', type: 'spki' }).export({
    format: 'der',
    type: 'spki',
  })
  return { id, controller: id.slice(0, id.indexOf('#')), keyType: row.keyType, spki }
}

export const resolveDidKey = (id: string): Promise<VerificationKey | undefined> =>
  Promise.resolve(id.startsWith('did:key:') ? didKey(id) : undefined)

/** Contexts of others, as an operator registers them; the vectors' documents want citizenship. */
export function registerFile(url: string, path: string): void {
  const octets = readFileSync(new URL(`../../node_modules/${path}`, import.meta.url))
  registerContexts([{ url, octets, sha256: createHash('sha256').update(octets).digest('hex') }])
}
registerFile('https://w3id.org/citizenship/v4rc1', '@digitalbazaar/citizenship-context/contexts/v4rc1.jsonld')

interface Counted {
  /** How often it was asked for a signature. */
  readonly signatures: number
}

/** A key that node:crypto holds: for vectors, whose private keys are published. */
export function nodeKey(privateKey: KeyObject, keyType: KeyType, id?: string): CredentialKey & Counted {
  const publicKey = createPublicKey(privateKey)
  const [scheme = 'ed25519'] = keyTypes[keyType].schemes
  const did = `did:key:${multikey(publicKey, keyType)}`
  const named = id ?? `${did}#${did.slice('did:key:'.length)}`
  let signatures = 0
  return {
    id: named,
    controller: named.slice(0, named.indexOf('#')),
    keyType,
    scheme,
    spki: publicKey.export({ format: 'der', type: 'spki' }),
    get signatures() {
      return signatures
    },
    sign: (octets) => {
      signatures++
      const hash = schemes[scheme].hash?.node ?? null
      return Promise.resolve(sign(hash, octets, { key: privateKey, dsaEncoding: 'ieee-p1363' }))
    },
  }
}

export function madeKey(keyType: 'Ed25519' | 'P-256' | 'P-384' | 'P-521'): CredentialKey & Counted {
  const { privateKey } =
    keyType === 'Ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: keyType })
  return nodeKey(privateKey, keyType)
}

/** The key of a vector, by its two Multikey strings. */
export function vectorKey(pair: { publicKeyMultibase: string; secret: string }, id: string): CredentialKey {
  const publicKey = didKey(`did:key:${pair.publicKeyMultibase}#${pair.publicKeyMultibase}`)
  const octets = fromBase58btc(pair.secret.slice(1)) ?? Buffer.alloc(0)
  const jwk = createPublicKey({ key: publicKey.spki, format: 'der', type: 'spki' }).export({ format: 'jwk' })
  const d = octets.subarray(2).toString('base64url')
  return nodeKey(createPrivateKey({ key: { ...jwk, d }, format: 'jwk' }), publicKey.keyType, id)
}

/** Keys in a real token. */
export async function tokenKeys(): Promise<{
  readonly make: (keyType: 'Ed25519' | 'P-256' | 'P-384') => Promise<CredentialKey>
  readonly close: () => Promise<void>
}> {
  const { token, close } = await openToken()
  return {
    close: async () => close(),
    make: async (keyType) => {
      const key = await serviceKey(token, { keyType, purpose: 'credential-issuing' })
      const [scheme = 'ed25519'] = keyTypes[keyType].schemes
      const publicKey = createPublicKey({ key: key.spki, format: 'der', type: 'spki' })
      const did = `did:key:${multikey(publicKey, keyType)}`
      return {
        id: `${did}#${did.slice('did:key:'.length)}`,
        controller: did,
        keyType,
        scheme,
        spki: key.spki,
        sign: async (octets) => {
          const [signature] = await token.sign({ flow: 'test', key, scheme, inputs: [octets] })
          if (signature === undefined) throw new Error('nothing was signed')
          return signature
        },
      }
    },
  }
}
