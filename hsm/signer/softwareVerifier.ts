import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Module, Slot } from 'graphene-pk11'
import { keyTypes, schemes, type KeyType } from '../algorithms.ts'
import { provider } from '../providers.ts'
import type { ModuleAccess } from '../starting.ts'
import { Failure } from './answer.ts'
import { finalize, initialise, moduleDigest } from './connect.ts'
import { graphene } from './graphene.ts'
import { Verifier, type VerifyJob } from './verifier.ts'

/** As with signers: SoftHSM loses some starts that overlap with others'. */
const TRIES = 10
const PAUSE_MS = 100

export interface OpenVerifier {
  readonly module: Module
  readonly verifier: Verifier
  /** What the module calls itself, its version, and its SHA-256. */
  readonly description: string
}

/**
 * Opens a module that only verifies: no login, no token objects. Its first slot that finds good signatures good and
 * altered ones bad, on every curve of the table, is taken.
 * @throws Failure if there is none.
 */
export async function openVerifier(access: ModuleAccess): Promise<OpenVerifier> {
  // The row is not asked anything, and yet a make that cannot be opened is none to verify with either.
  provider(access.provider)
  const sha256 = moduleDigest(access.module)
  const module = graphene.Module.load(access.module)
  let trouble: unknown
  for (let attempt = 0; attempt < TRIES; attempt++) {
    try {
      initialise(module, access.libraryParameters)
      const verifier = firstGood(module)
      const { major, minor } = module.libraryVersion
      const name = module.libraryDescription.replace(/[\0 ]+$/, '')
      if (verifier !== undefined) {
        return { module, verifier, description: `${name} ${major}.${minor} sha256 ${sha256}` }
      }
    } catch (error) {
      trouble = error
    }
    finalize(module)
    await pause(PAUSE_MS)
  }
  const said = trouble instanceof Error ? ` (${trouble.message})` : ''
  throw new Failure('unavailable', `The verifier '${access.module}' verifies nothing${said}.`)
}

function firstGood(module: Module): Verifier | undefined {
  const slots = module.getSlots(true)
  for (let i = 0; i < slots.length; i++) {
    const verifier = proven(module, slots.items(i))
    if (verifier !== undefined) return verifier
  }
  return undefined
}

function proven(module: Module, slot: Slot): Verifier | undefined {
  try {
    const verifier = new Verifier(module, slot)
    const types = (Object.keys(keyTypes) as KeyType[]).filter((name) => keyTypes[name].curve !== undefined)
    const jobs = types.map(knownGood)
    return jobs.every((job) => verifier.verify(job) && !verifier.verify(altered(job))) ? verifier : undefined
  } catch {
    // A slot without a token that takes public keys: another one may.
    return undefined
  }
}

/** A signature that Node made with a key that exists for this moment only. */
function knownGood(keyType: KeyType): VerifyJob {
  const [name = 'ecdsa-sha256'] = keyTypes[keyType].schemes
  const scheme = schemes[name]
  const hash = scheme.hash?.node ?? 'sha256'
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: keyType })
  const message = Buffer.from('intaglio verifier v1')
  const signature = sign(hash, message, { key: privateKey, dsaEncoding: 'ieee-p1363' })
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  const digest = createHash(hash).update(message).digest()
  return { keyType, spki, scheme, digests: [digest], signatures: [signature] }
}

function altered(job: VerifyJob): VerifyJob {
  const [digest = Buffer.alloc(0)] = job.digests
  const other = Buffer.from(digest)
  other[0] = (other[0] ?? 0) ^ 1
  return { ...job, digests: [other] }
}
