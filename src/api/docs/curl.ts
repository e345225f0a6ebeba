import { namesIn, type Operation } from '../http/openapi.ts'

/** A request as a line for a shell. Tokens and secrets come from variables, so that none is in a history. */
export function curlOf(
  { method, path: pattern, access, request }: Operation,
  given: Readonly<Record<string, unknown>>,
  url: string,
): string {
  const named = namesIn({ path: pattern })
  const path = named.reduce((made, name) => made.replace(`{${name}}`, encoded(given[name])), pattern)
  const members = Object.fromEntries(Object.entries(given).filter(([name]) => !named.includes(name)))
  const [first] = access
  const who = first === undefined ? [] : [WHO[first]]
  if (method === 'get') {
    const query = Object.entries(members).map(([name, value]) => ` -d ${quoted(`${name}=${encoded(value)}`)}`)
    const asQuery = query.length === 0 ? '' : ` -G${query.join('')}`
    return [`curl -s`, ...who].join(' ') + `${asQuery} ${quoted(`${url}${path}`)}`
  }
  const data =
    request?.type === 'application/json'
      ? [
          `-H 'Content-Type: application/json'`,
          `-d ${quoted(JSON.stringify(members, null, 2).replaceAll('\n', '\n  '))}`,
        ]
      : Object.entries(members).map(([name, value]) => `-d ${quoted(`${name}=${encoded(value)}`)}`)
  return ['curl -s', ...who, ...data, quoted(`${url}${path}`)].join(' \\\n  ')
}

const WHO = {
  client: '-u "$CLIENT_ID:$CLIENT_SECRET"',
  service: '-H "Authorization: Bearer $TOKEN"',
  credential: '-H "Authorization: Bearer $TOKEN"',
  'credential-creation': '-H "Authorization: Bearer $TOKEN"',
  'credential-deletion': '-H "Authorization: Bearer $TOKEN"',
} as const

function encoded(value: unknown): string {
  return encodeURIComponent(typeof value === 'string' ? value : JSON.stringify(value))
}

/** For a shell: nothing within single quotes means anything but themselves. */
function quoted(text: string): string {
  return /^[A-Za-z0-9_:/.=%-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
