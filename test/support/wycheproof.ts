/** Wycheproof's vectors for what this product verifies, and each verifier of this product that takes them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { keyTypes, schemes, type KeyType, type SchemeName, type SchemeRow } from '../../hsm/algorithms.ts'
import { Writer } from '../../hsm/payload.ts'
import type { SignerProcess } from '../../hsm/signerProcess.ts'
import { verifiesMessage, verifiesRsaDigest } from '../../hsm/verify.ts'
import { isSignedBy } from '../../src/pki/signedBy.ts'
import { ecdsaFromDer } from '../../src/signing/der.ts'
import { digest, publicKey } from '../hsm/support.ts'

export interface VectorFile {
  readonly name: string
  readonly keyType: KeyType
  readonly scheme: SchemeRow
  /** Of ECDSA signatures. */
  readonly encoding: 'DER' | 'P1363' | undefined
  /** A salt of another length than the hash's, which this product neither makes nor takes. */
  readonly isOtherSalt: boolean
}

export interface Vector {
  readonly tcId: number
  readonly spki: Buffer
  readonly message: Buffer
  readonly signature: Buffer
  readonly result: 'valid' | 'invalid' | 'acceptable'
}

interface Published {
  readonly testGroups: readonly {
    readonly publicKeyDer: string
    readonly tests: readonly {
      readonly tcId: number
      readonly msg: string
      readonly sig: string
      readonly result: Vector['result']
    }[]
  }[]
}

/** Beside the checkout, where there is one. */
export const sharedFolder = new URL('../../../shared/vectors/wycheproof', import.meta.url).pathname

const NAMES = [
  /^(ecdsa)_secp(256|384|521)r1_sha(256|384|512)(?:_(p1363))?_test\.json$/,
  /^(rsa)_signature_(2048|3072|4096)_sha(256|384|512)_test\.json$/,
  /^(pss)_(2048|3072|4096)_sha(256|384|512)_mgf1_([0-9]+)_test\.json$/,
] as const

/** Those of a folder that are about an algorithm of the table, by their names. */
export function vectorFiles(folder: string): VectorFile[] {
  const names = existsSync(folder) ? readdirSync(folder).sort() : []
  return names.flatMap((name): VectorFile[] => {
    const plain = { name, encoding: undefined, isOtherSalt: false }
    if (name === 'ed25519_test.json') return [{ ...plain, keyType: 'Ed25519', scheme: schemes.ed25519 }]
    const found = NAMES.map((pattern) => pattern.exec(name.replace(/^rsa_pss/, 'pss'))).find(Boolean)
    if (!found) return []
    const [, family = '', bits = '', hash = '', last] = found
    const scheme = schemes[`${family}-sha${hash}` as SchemeName]
    if (family === 'ecdsa')
      return [{ ...plain, keyType: `P-${bits}` as KeyType, scheme, encoding: last ? 'P1363' : 'DER' }]
    const isOtherSalt = family === 'pss' && Number(last) !== scheme.hash?.length
    return [{ ...plain, keyType: `RSA-${bits}` as KeyType, scheme, isOtherSalt }]
  })
}

export function* vectorsOf(folder: string, { name }: VectorFile): Generator<Vector> {
  const { testGroups } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Published
  const hex = (text: string): Buffer => Buffer.from(text, 'hex')
  for (const { publicKeyDer, tests } of testGroups) {
    for (const { tcId, msg, sig, result } of tests)
      yield { tcId, spki: hex(publicKeyDer), message: hex(msg), signature: hex(sig), result }
  }
}

export interface Verifier {
  readonly name: string
  readonly takes: (file: VectorFile) => boolean
  readonly verifies: (file: VectorFile, vector: Vector) => boolean | Promise<boolean>
}

/** r ‖ s, as the token gives it; what cannot be read verifies nowhere. */
function raw({ keyType }: VectorFile, { signature }: Vector): Buffer | undefined {
  try {
    return ecdsaFromDer(signature, keyTypes[keyType].curve?.size ?? 0)
  } catch {
    return undefined
  }
}

/** TABLE of what verifies in this process. */
export const verifiers: readonly Verifier[] = [
  {
    name: 'hsm/verify.ts, whole messages',
    takes: ({ encoding }) => encoding !== 'DER',
    verifies: ({ keyType, scheme }, { spki, message, signature }) =>
      signature.length === keyTypes[keyType].signatureLength &&
      verifiesMessage(publicKey(spki), scheme, { message, signature }),
  },
  {
    name: 'hsm/verify.ts and hsm/emsa.ts, RSA over digests',
    takes: ({ scheme }) => scheme.family === 'RSA',
    verifies: ({ keyType, scheme }, { spki, message, signature }) => {
      const { hash } = scheme
      if (hash === undefined) return false
      const key = { key: publicKey(spki), keyType, scheme, hash }
      return verifiesRsaDigest(key, { digest: digest(hash.name, message), signature })
    },
  },
  {
    name: 'src/signing/der.ts, then hsm/verify.ts',
    takes: ({ encoding }) => encoding === 'DER',
    verifies: (file, vector) => {
      const signature = raw(file, vector)
      const { message } = vector
      return (
        signature !== undefined &&
        verifiesMessage(publicKey(vector.spki), file.scheme, { message, signature })
      )
    },
  },
  {
    name: 'src/pki/signedBy.ts, of requests and lists',
    takes: ({ encoding }) => encoding !== 'P1363',
    verifies: ({ scheme }, { spki, message, signature }) => isSignedBy(spki, { message, scheme, signature }),
  },
]

/** C_Verify in a process of its own, over digests: r ‖ s, or DER that was read by ours. */
export const inProcess = (name: string, process: () => SignerProcess): Verifier => ({
  name,
  takes: ({ scheme }) => scheme.family === 'EC',
  verifies: async (file, vector) => {
    const { keyType, scheme, encoding } = file
    const signature = encoding === 'DER' ? raw(file, vector) : vector.signature
    if (signature === undefined || scheme.hash === undefined) return false
    const w = new Writer().text(keyType).bytes(vector.spki).text(scheme.name)
    const job = w.list([digest(scheme.hash.name, vector.message)]).list([signature])
    return (await process().request('verify', job.end()))[0] === 1
  },
})

/**
 * What a verifier says of a whole file, against the published verdicts. What is 'acceptable' to Wycheproof, and what has a salt
 * of another length, is refused by all of ours: we make neither, and take nothing that we do not make.
 */
export async function judged(
  folder: string,
  { file, verifier }: { readonly file: VectorFile; readonly verifier: Verifier },
): Promise<{ readonly count: number; readonly valid: number; readonly mismatches: readonly number[] }> {
  let [count, valid] = [0, 0]
  const mismatches: number[] = []
  for (const vector of vectorsOf(folder, file)) {
    // Some of those that are wrong there have a salt as we want it.
    if (file.isOtherSalt && vector.result !== 'valid') continue
    const expected = vector.result === 'valid' && !file.isOtherSalt
    if ((await verifier.verifies(file, vector)) !== expected) mismatches.push(vector.tcId)
    count++
    if (expected) valid++
  }
  return { count, valid, mismatches }
}
