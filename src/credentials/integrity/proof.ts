import { Refusal } from '../../refusal.ts'
import { Flaw } from '../../signing/flaw.ts'
import type { JsonObject } from '../../signing/strictJson.ts'
import type { CredentialKey, VerificationKey } from '../credentialKey.ts'

/** What a proof secures. */
export interface Unsecured {
  /** Without its proofs, but for those that this one comes after (VC Data Integrity 1.0, 4.3). */
  readonly document: JsonObject
  /** The proof without its value. */
  readonly proof: JsonObject
}

export interface Making extends Unsecured {
  readonly key: CredentialKey
  readonly mandatoryPointers: readonly string[]
}

export interface Checking extends Unsecured {
  readonly proofValue: string
  readonly key: VerificationKey
}

/** A cryptographic suite: how the octets that are signed come about, and how the signature is written. */
export interface Suite {
  /** As `cryptosuite` names it; Ed25519Signature2020 is named by the proof's type alone. */
  readonly name: string
  readonly type: 'DataIntegrityProof' | 'Ed25519Signature2020'
  readonly keyTypes: readonly CredentialKey['keyType'][]
  /** JCS: the proof says itself which contexts it was made under. */
  readonly hasContext: boolean
  /** @returns proofValue @throws Refusal */
  readonly make: (making: Making) => Promise<string>
  /** Whether the signature is good. @throws Refusal, for what cannot be canonicalised; Flaw, for what is malformed */
  readonly check: (checking: Checking) => Promise<boolean>
}

/** The same without one member. */
export function without(object: JsonObject, member: string): JsonObject {
  const copy = { ...object }
  Reflect.deleteProperty(copy, member)
  return copy
}

/** What would be a finding in somebody's document is, where something is made of it, a request that is refused. @throws Refusal */
export function refused<Made>(work: () => Made): Made {
  try {
    return work()
  } catch (error) {
    throw error instanceof Flaw ? new Refusal('invalid_request', error.message) : error
  }
}
