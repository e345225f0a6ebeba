/** What is used here of jsonld 9, which has no types of its own. */
declare module 'jsonld' {
  export interface RemoteDocument {
    readonly contextUrl: null
    readonly documentUrl: string
    readonly document: object
    /** 'static': what was made of it is kept between calls. */
    readonly tag: 'static'
  }
  /** Written by the library with an `event`, where safe mode refuses. */
  export interface Options {
    readonly documentLoader: (url: string) => Promise<RemoteDocument>
    readonly safe: true
    readonly base: null
    readonly rdfDirection: 'i18n-datatype'
    readonly contextResolver?: object
  }
  export interface CanonizeOptions {
    readonly algorithm: 'RDFC-1.0'
    readonly messageDigestAlgorithm: 'sha256' | 'sha384'
    readonly maxWorkFactor: number
    /** Filled: labels of blank nodes as they came, with `_:` or without, and as they are written. */
    readonly canonicalIdMap?: Map<string, string>
  }
  const jsonld: {
    documentLoader: (url: string) => Promise<RemoteDocument>
    canonize: (
      input: object | string,
      options: Options & {
        readonly canonizeOptions: CanonizeOptions
        readonly inputFormat?: 'application/n-quads'
        /** The input is expanded JSON-LD. */
        readonly skipExpansion?: true
      },
    ) => Promise<string>
    expand: (input: object, options: Options) => Promise<unknown[]>
    compact: (input: object, context: unknown, options: Options) => Promise<Record<string, unknown>>
    toRDF: (input: object, options: Options & { readonly format: 'application/n-quads' }) => Promise<string>
  }
  // eslint-disable-next-line no-restricted-syntax -- the library has one
  export default jsonld
}
