import type { JsonObject } from '../../signing/strictJson.ts'
import type { CredentialKey, Problem, VerificationKey } from '../credentialKey.ts'

export type { JsonObject } from '../../signing/strictJson.ts'

/** What a credential is secured with. */
export interface IssueRequest {
  /** A credential of W3C's data model (1.1 or 2.0), or the claims of an SD-JWT VC. Never altered. */
  readonly credential: JsonObject
  readonly key: CredentialKey
  /** The time that is written where one is wanted. */
  readonly now: Date
  /** Data Integrity: which one; without, by the key. */
  readonly cryptosuite?: string | undefined
  /** Data Integrity, ecdsa-sd-2023: JSON pointers of what is always disclosed. */
  readonly mandatoryPointers?: readonly string[] | undefined
  /** SD-JWT: JSON pointers of what its holder may leave out. */
  readonly selective?: readonly string[] | undefined
  /** SD-JWT: the holder's public key, as a JWK. */
  readonly holder?: JsonObject | undefined
  /** Data Integrity: the proof, or proofs, that the new one comes after (VC Data Integrity 1.0, 2.1.2). */
  readonly previousProof?: string | readonly string[] | undefined
  /** Data Integrity: a URL for the proof, by which later ones can come after it. */
  readonly proofId?: string | undefined
}

export interface PresentRequest {
  /** A presentation of W3C's data model, or an SD-JWT with the disclosures that its holder chose. Never altered. */
  readonly presentation: JsonObject | string
  readonly key: CredentialKey
  readonly now: Date
  readonly challenge?: string | undefined
  readonly domain?: string | undefined
  readonly validUntil?: Date | undefined
  readonly cryptosuite?: string | undefined
  /** SD-JWT, of a presentation of version 2.0: JSON pointers of what may be left out when it is shown on. */
  readonly selective?: readonly string[] | undefined
}

/** A proof of possession of a key (OpenID4VCI 1.0, appendix F). */
export interface ProveRequest {
  readonly key: CredentialKey
  readonly now: Date
  /** The credential issuer's identifier. */
  readonly domain: string
  /** The wallet's client_id; without, where it has none (pre-authorized code, anonymous access). */
  readonly client?: string | undefined
  readonly challenge?: string | undefined
  readonly validUntil?: Date | undefined
  readonly cryptosuite?: string | undefined
  /** JWT: who attests the key (appendix D.1), as a compact JWT. */
  readonly keyAttestation?: string | undefined
}

/** Data Integrity, ecdsa-sd-2023: what a holder shows of a credential that was issued so. */
export interface DeriveRequest {
  readonly secured: JsonObject
  /** JSON pointers of what is shown besides what always is. */
  readonly selective: readonly string[]
}

export interface Secured {
  readonly body: string | Buffer | JsonObject
  readonly mediaType: string
}

export interface VerifyRequest {
  readonly secured: string | Buffer | JsonObject
  readonly now: Date
  /** Of a presentation: what it must have been made for. */
  readonly challenge?: string | undefined
  readonly domain?: string | undefined
  /** 'proof': the signature and the times alone; 'strict': also that the issuer controls the key. */
  readonly profile: 'strict' | 'proof'
  /** Which of the two it must be; without, either. */
  readonly kind?: 'credential' | 'presentation' | undefined
  /** The key that a URL names, if its controller has it for this; undefined where nobody knows it. */
  readonly resolve: (id: string, relationship?: Relationship) => Promise<VerificationKey | undefined>
  /**
   * What the status of a credential that stands in a presentation says against it; without, it does not count.
   * @param isGood nothing else is wrong with it
   */
  readonly status?: ((credential: JsonObject, isGood: boolean) => Promise<Problem[]>) | undefined
  /** Judges a credential that stands in a presentation, whatever its format. The table gives it; without, none is believed. */
  readonly nested?: ((secured: string | Buffer | JsonObject) => Promise<Verdict>) | undefined
}

/** What a controller has a key for (Controlled Identifiers 1.0, 2.3): its credentials, its presentations. */
export type Relationship = 'assertionMethod' | 'authentication'

export interface Verdict {
  /** Empty: it is good. */
  readonly problems: readonly Problem[]
  /** What was secured, where it could be read. */
  readonly content?: JsonObject | undefined
}

/**
 * A way to secure credentials and presentations; what is not there cannot be done in it. What is wrong with what is to be
 * secured is a Refusal 'invalid_request' that names it, before the key is asked.
 */
export interface Format {
  readonly name: 'jwt' | 'data-integrity' | 'sd-jwt' | 'cose'
  readonly issue: (request: IssueRequest) => Promise<Secured>
  readonly present?: (request: PresentRequest) => Promise<Secured>
  readonly prove?: (request: ProveRequest) => Promise<Secured>
  readonly derive?: (request: DeriveRequest) => Promise<Secured>
  readonly verify: (request: VerifyRequest) => Promise<Verdict>
}
