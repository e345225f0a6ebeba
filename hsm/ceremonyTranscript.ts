/** The type of a transcript's JWS (RFC 7515, 4.1.9). */
export const TRANSCRIPT_TYPE = 'intaglio-ceremony+json'

/** The whole protected header, to the octet: no other member, no other order, no space. The kid is an RFC 7638 thumbprint. */
const HEADER = /^\{"alg":"(ES|PS)256","kid":"[A-Za-z0-9_-]{43}","typ":"intaglio-ceremony\+json"\}$/
const SIGNING_INPUT = /^([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+$/

/**
 * Is the signing input of a ceremony's transcript (RFC 7515, 5.1): protected header, a dot, payload. No certificate, token or
 * document has this form with this header.
 */
export function isCeremonyTranscript(message: Buffer): boolean {
  const [, header = ''] = SIGNING_INPUT.exec(message.toString('latin1')) ?? []
  const decoded = Buffer.from(header, 'base64url')
  return decoded.toString('base64url') === header && HEADER.test(decoded.toString('latin1'))
}
