/**
 * Base64, strictly: the standard alphabet with its padding, or the URL alphabet with or without (RFC 4648, 4 and 5; the
 * CSC API uses both, and so do its clients). No white space, no mixture, no bits left over.
 * @returns undefined for anything else
 */
export function decodeBase64(text: string): Buffer | undefined {
  const octets = Buffer.from(text, 'base64')
  const standard = octets.toString('base64')
  if (text === standard) return octets
  const url = octets.toString('base64url')
  const padding = '='.repeat((4 - (url.length % 4)) % 4)
  return text === url || text === url + padding ? octets : undefined
}

/** "YYYYMMDDHHmmssZ", UTC (CSC API v2.2, 11.7). */
export function generalizedTime(date: Date): string {
  return date
    .toISOString()
    .replace(/\.\d{3}Z$/, 'Z')
    .replaceAll(/[-:T]/g, '')
}
