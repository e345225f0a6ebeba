/** What kept a signature from being given; see TokenError.kind. */
export type TokenErrorKind = 'unavailable' | 'refused' | 'unknown' | 'mismatch'

/**
 * Which rule said no. 'seal': a sealed record is not what the signer sealed, so somebody changed a row. 'activation':
 * too many wrong secrets. 'rule': purpose, authorisation, expiry, digest, count or scheme. 'key': the token has no such
 * key, or another one. 'token': the token itself answered with an error (`code`).
 */
export const refusalReasons = ['seal', 'activation', 'rule', 'key', 'token'] as const
export type RefusalReason = (typeof refusalReasons)[number]

export interface TokenErrorDetail {
  readonly reason?: RefusalReason | undefined
  /** CKR number, where the token gave one. */
  readonly code?: number | undefined
  readonly cause?: unknown
}

/**
 * The only error that Token's methods reject with, bugs apart.
 * - unavailable: nothing was signed; try later.
 * - refused: the signer or the token definitely said no; nothing was signed.
 * - unknown: it may have been signed; what was authorised stays spent.
 * - mismatch: a signature did not verify. It never leaves; its signer was ended. Treat as unknown.
 * The message holds no secret and no key material.
 */
export class TokenError extends Error {
  readonly kind: TokenErrorKind
  readonly reason: RefusalReason | undefined
  readonly code: number | undefined

  constructor(kind: TokenErrorKind, message: string, detail: TokenErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.name = 'TokenError'
    this.kind = kind
    this.reason = detail.reason
    this.code = detail.code
  }
}

/** A signer does not know a record that was named to it, and did nothing. Answered within hsm/, by sending it in full. */
export class Forgotten extends TokenError {}
