/** The judges: Digital Bazaar's libraries, which have no types. */
declare module '@digitalbazaar/data-integrity' {
  export const DataIntegrityProof: new (options: object) => object
}
declare module '@digitalbazaar/ed25519-signature-2020' {
  export const Ed25519Signature2020: new (options?: object) => object
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
  // eslint-disable-next-line no-restricted-syntax -- the library has one
  export default jsigs
}
