const ALPHABET = /^[A-Za-z0-9_-]*$/

/**
 * Octets of base64url without padding (RFC 7515, 2), if it is the one way in which they are written: Node takes other
 * alphabets, padding, blanks, a lonely last character and unused bits that are set.
 * @returns undefined for anything else
 */
export function fromBase64url(text: string): Buffer | undefined {
  if (!ALPHABET.test(text)) return undefined
  const octets = Buffer.from(text, 'base64url')
  return octets.toString('base64url') === text ? octets : undefined
}
