/** Registered ones: as many as a client has systems. */
export const URIS_MAX = 20
const LENGTH_MAX = 1024
/** What a URI is written with (RFC 3986, 2), without user, fragment and brackets. */
const CHARACTERS = /^https:\/\/[A-Za-z0-9._~:/?!$&'()*+,;=%-]+$/
/** Dots and slashes that somebody behind the door may read as such. */
const HIDDEN = /%(2e|2f|5c)|\/\.{1,2}(\/|$)/i

/** Whether a notification could go there: https, and written so that everybody reads the same path. */
export function isResponseUri(text: string): boolean {
  if (text.length > LENGTH_MAX || !CHARACTERS.test(text) || !URL.canParse(text)) return false
  const [beforeQuery = ''] = text.split('?', 1)
  return !HIDDEN.test(beforeQuery) && new URL(text).href === withPath(text)
}

/** What is registered is an address without a query; one that ends in / stands for all below it. */
export function isRegistrable(text: string): boolean {
  return isResponseUri(text) && !text.includes('?')
}

/** Whether one of those that are registered is this one, whatever its query, or stands for it. */
export function isCovered(registered: readonly string[], uri: string): boolean {
  const { origin, pathname } = new URL(uri)
  return registered.some((text) => {
    const one = new URL(text)
    if (one.origin !== origin) return false
    return one.pathname.endsWith('/') ? pathname.startsWith(one.pathname) : pathname === one.pathname
  })
}

/** `https://host` is `https://host/`. */
function withPath(text: string): string {
  return /^https:\/\/[^/?]+$/.test(text) ? `${text}/` : text
}
