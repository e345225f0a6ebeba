/** What an access token may be for (CSC API v2.2, 8.2.2). */
export const scopes = ['service', 'credential', 'credential-creation', 'credential-deletion'] as const
export type Scope = (typeof scopes)[number]

/**
 * TABLE of the types of authorization_details (RFC 9396), and the scope of what each asks for. The first is what older
 * wallets write.
 */
export const detailScopes = {
  credential: 'credential',
  'https://cloudsignatureconsortium.org/2025/credential': 'credential',
  'https://cloudsignatureconsortium.org/2025/credential-creation': 'credential-creation',
  'https://cloudsignatureconsortium.org/2025/credential-deletion': 'credential-deletion',
} as const satisfies Readonly<Record<string, Scope>>
export type DetailType = keyof typeof detailScopes

export const detailTypes = Object.keys(detailScopes) as readonly DetailType[]
export const CREATION_TYPE = 'https://cloudsignatureconsortium.org/2025/credential-creation'
export const DELETION_TYPE = 'https://cloudsignatureconsortium.org/2025/credential-deletion'

/**
 * TABLE of types that clients in the field write otherwise: the EUDI wallet's QTSP and its testers. One row, one test with
 * `csc.strict` off and one with it on. Answers have the standard's words only.
 */
export const typeAliases: ReadonlyMap<string, DetailType> = new Map([
  ['credential_creation', CREATION_TYPE],
  ['credential_deletion', DELETION_TYPE],
  ['credential_delete', DELETION_TYPE],
])
