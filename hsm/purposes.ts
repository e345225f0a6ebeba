/**
 * TABLE of key purposes. A key has exactly one, for life. The row is the signer's rule for the purpose and is fixed
 * in code: nothing that reaches the wire can loosen it.
 */
export interface PurposeRow {
  readonly name: Purpose
  /** The key signs only with an authorisation that its holder's secret activated. */
  readonly activated: boolean
  /**
   * 'digest': signs octets that a caller supplies, as given. 'message': the signer itself hashes what it is given,
   * and `structure` says what that message must be. No key does both, so no caller's digest can be a certificate.
   */
  readonly input: 'digest' | 'message'
  readonly structure?: 'DER SEQUENCE' | 'DER SET' | 'HTTP signature base' | 'ceremony transcript'
  /**
   * 'counter': signatures are counted, and have no intent and result in the audit log. For what is a record of its own and
   * is asked for by strangers, who must not be able to fill the log. Absent: the audit log.
   */
  readonly recorded?: 'counter'
}

export type Purpose =
  | 'signing'
  | 'seal'
  | 'holder'
  | 'credential-issuing'
  | 'ca'
  | 'ocsp'
  | 'tsu'
  | 'log'
  | 'map-head'
  | 'vrf'
  | 'oauth'
  | 'notification'
  | 'ceremony'

const rows: readonly PurposeRow[] = [
  { name: 'signing', activated: true, input: 'digest' },
  { name: 'seal', activated: true, input: 'digest' },
  { name: 'holder', activated: true, input: 'digest' },
  { name: 'credential-issuing', activated: false, input: 'message' },
  { name: 'ca', activated: false, input: 'message', structure: 'DER SEQUENCE' },
  { name: 'ocsp', activated: false, input: 'message', structure: 'DER SEQUENCE', recorded: 'counter' },
  // What a timestamp is signed over: the signed attributes of a SignedData, a SET OF (RFC 5652, 5.4).
  { name: 'tsu', activated: false, input: 'message', structure: 'DER SET' },
  { name: 'log', activated: false, input: 'message' },
  { name: 'map-head', activated: false, input: 'message' },
  { name: 'vrf', activated: false, input: 'message' },
  { name: 'oauth', activated: false, input: 'message' },
  { name: 'notification', activated: false, input: 'message', structure: 'HTTP signature base' },
  { name: 'ceremony', activated: false, input: 'message', structure: 'ceremony transcript' },
]

export const purposes: Readonly<Record<Purpose, PurposeRow>> = Object.freeze(
  Object.assign(
    Object.create(null) as Record<Purpose, PurposeRow>,
    Object.fromEntries(rows.map((r) => [r.name, r])),
  ),
)

/**
 * TABLE of the secrets that never leave the token and are used only by HMAC. The signer finds each by its label
 * (exactly one, attributes checked), never by what a database says.
 * - seal: seals key, activation and authorisation rows. Only the signer uses it.
 * - pepper: the last step of an activation verifier. Only the signer uses it.
 * - mac: what the service asks for, always under a domain: credential seals, client secrets, TOTP seeds, sent codes.
 */
export const serviceSecrets = {
  seal: 'intaglio seal v1',
  pepper: 'intaglio pepper v1',
  mac: 'intaglio mac v1',
} as const
export type ServiceSecret = keyof typeof serviceSecrets

/**
 * The key that shows a signer alive: it signs nothing but `canaryMessage(...)`, for nobody, and no row names it. Found by
 * label and made together with the secrets.
 */
export const canaryLabel = 'intaglio canary v1'
export const canaryMessage = (nonce: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${canaryLabel}\0`), nonce])

/** Domains under which the service may ask for a MAC; the domain's name is part of what is authenticated. */
export const macDomains = [
  'credential',
  'client-secret',
  'totp-seed',
  'webhook-key',
  'one-time-code',
  'contact',
  'credential-issuer',
] as const
export type MacDomain = (typeof macDomains)[number]
