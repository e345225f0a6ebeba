/** The form of what is signed by others, asked for before the library that verifies it: that takes more texts than one. */
import { fromBase64url } from './signing/base64url.ts'

/** base64url without padding, of whole octets, and nothing else (RFC 7515, 2; RFC 4648, 3.5): one text for the same octets. */
export function isCanonical(text: string): boolean {
  return fromBase64url(text) !== undefined
}

/** A JWS Compact Serialization (RFC 7515, 7.1). Who knows one knows no other text that says the same. */
export function isCompactJws(text: string): boolean {
  const parts = text.split('.', 4)
  return parts.length === 3 && parts.every(isCanonical)
}
