import type { IncomingMessage } from 'node:http'

/** As asked for, else as the browser prefers, else the table's first. @param strings a table of languages */
export function preferredLanguage<Language extends string>(
  request: IncomingMessage,
  strings: Readonly<Record<Language, unknown>>,
  lang?: string,
): Language {
  const known = Object.keys(strings) as Language[]
  const preferred = (request.headers['accept-language'] ?? '').split(',')
  for (const tag of [lang ?? '', ...preferred]) {
    const wanted = /^[a-z]{2,3}/.exec(tag.trim().toLowerCase())?.[0]
    const language = known.find((name) => name === wanted)
    if (language !== undefined) return language
  }
  const [first] = known
  if (first === undefined) throw new Error('a table without a language')
  return first
}
