import { isIP } from 'node:net'
import { z } from 'zod'
import { isLoopback } from '../../../config/listeners.ts'

/** A client has a page, an app or two, and their development addresses. */
const URIS_MAX = 20
const LENGTH_MAX = 1024
/** What a URI is written with (RFC 3986, 2): nothing that could end a header, a policy or an attribute. */
const CHARACTERS = /^[A-Za-z0-9._~:/?@!$&'()*+,=%[\]-]+$/
/** RFC 8252, 7.1: an app's own scheme is a domain name turned around, so it has a dot. */
const PRIVATE_SCHEME = /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/

/** Addresses that authorization codes may be sent to: HTTPS, this machine (RFC 8252, 7.3), or an app's own scheme. */
export const redirectUrisSchema = z
  .array(
    z
      .string()
      .max(LENGTH_MAX)
      .refine(
        isRedirectUri,
        'https, http to a loopback address, or the scheme of an app, without a fragment',
      ),
  )
  .max(URIS_MAX)

function isRedirectUri(text: string): boolean {
  if (!CHARACTERS.test(text) || !URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  if (username !== '' || password !== '') return false
  if (protocol === 'https:') return hostname !== ''
  if (protocol === 'http:') return hostname === 'localhost' || isLoopbackAddress(hostname)
  return PRIVATE_SCHEME.test(protocol)
}

function isLoopbackAddress(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '')
  return isIP(address) !== 0 && isLoopback(address)
}
