/** The judges: Digital Bazaar's libraries, which have no types. */
declare module '@digitalbazaar/vc' {
  export const verifyCredential: (options: object) => Promise<{ verified: boolean; error?: unknown }>
  export const verify: (options: object) => Promise<{ verified: boolean; error?: unknown }>
  export const derive: (options: object) => Promise<Record<string, unknown>>
}
declare module '@digitalbazaar/data-integrity' {
  export class DataIntegrityProof {
    constructor(options: object)
  }
}
declare module '@digitalbazaar/ed25519-signature-2020' {
  export class Ed25519Signature2020 {
    constructor(options?: object)
  }
}
declare module '@digitalbazaar/eddsa-rdfc-2022-cryptosuite' {
  export const cryptosuite: object
}
declare module '@digitalbazaar/eddsa-jcs-2022-cryptosuite' {
  export const cryptosuite: object
  export const createVerifyCryptosuite: () => object
}
declare module '@digitalbazaar/ecdsa-rdfc-2019-cryptosuite' {
  export const cryptosuite: object
}
declare module '@digitalbazaar/ecdsa-jcs-2019-cryptosuite' {
  export const createVerifyCryptosuite: () => object
}
declare module '@digitalbazaar/ecdsa-sd-2023-cryptosuite' {
  export const createVerifyCryptosuite: () => object
  export const createDiscloseCryptosuite: (options: object) => object
}
declare module 'jsonld-signatures' {
  const jsigs: {
    readonly purposes: Record<string, new (options: object) => object>
    readonly verify: (document: object, options: object) => Promise<{ verified: boolean; error?: unknown }>
  }
  export default jsigs
}
