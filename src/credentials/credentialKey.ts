import type { KeyType, SchemeName } from '../../hsm/algorithms.ts'

/** A key in the token, as a format of credentials sees it. */
export interface CredentialKey {
  /** URL of its verification method: what `kid` and `verificationMethod` say, such as did:web:example.org#key-1. */
  readonly id: string
  /** Whose key it is: what an issuer or holder must be who signs with it; the id up to '#', where that is a DID. */
  readonly controller: string
  readonly keyType: KeyType
  /** By which signatures are made with it here: it decides the hash, and the names of JOSE and COSE. */
  readonly scheme: SchemeName
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer
  /**
   * Signs octets, which are hashed once, on the way, as the scheme wants. ECDSA answers r ‖ s. To be called when all else
   * has been checked: it spends what authorises the signature.
   * @throws Refusal
   */
  readonly sign: (octets: Buffer) => Promise<Buffer>
}

/** The public half, as it is read from a key, a DID document or a certificate: what verifying needs. */
export interface VerificationKey extends Pick<CredentialKey, 'id' | 'controller' | 'keyType' | 'spki'> {
  /** The only scheme that the key is for, where it says so: `alg` of a JWK. */
  readonly scheme?: SchemeName | undefined
}

/** What is wrong with a credential, by name: an RFC 9457 problem's last path segment, and a sentence. */
export interface Problem {
  readonly name: string
  readonly detail: string
}
