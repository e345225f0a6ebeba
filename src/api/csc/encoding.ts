/**
 * Base64 (RFC 4648, 4), strictly: the standard alphabet with its padding, no white space, no bits left over.
 * @returns undefined for anything else
 */
export function decodeBase64(text: string): Buffer | undefined {
  const octets = Buffer.from(text, 'base64')
  return text === octets.toString('base64') ? octets : undefined
}

/** The same in the URL's alphabet (RFC 4648, 5), with its padding or without. */
export function decodeBase64Url(text: string): Buffer | undefined {
  const octets = Buffer.from(text, 'base64url')
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
