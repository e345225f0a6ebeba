/** Where a process that issues can be made to die: between the steps of src/pki/issue.ts. */
export const issuanceFailpoints = [
  /** The serial and the octets are linted, and about to be stored. */
  'before plan',
  /** They are durable; the token was not asked. */
  'planned',
  /** The intent is durable; the token is about to be asked. */
  'before sign',
  /** The token has signed; nobody outside of it knows. */
  'signed',
  /** The signature is recorded; the certificate is about to be stored. */
  'before store',
  /** It is stored; nobody was told. */
  'stored',
] as const
export type IssuanceFailpoint = (typeof issuanceFailpoints)[number]

/** What a test gives the process, as JSON in its first argument. */
export interface IssuerOrder {
  readonly databaseUrl: string
  readonly token: object
  /** Absent: it issues until somebody kills it. */
  readonly point?: IssuanceFailpoint
  /** How often the point is passed before it kills. */
  readonly pass: number
  /** Whose certificate it renews, again and again; absent: it issues, and renews each. */
  readonly credentialId?: string | undefined
}

/** What the process says of each certificate that it was given. */
export interface Given {
  readonly id: string
  /** SHA-256, hex. */
  readonly certificate: string
}
