import type { IncomingMessage } from 'node:http'

/** The language of a table that a tag means (RFC 5646); undefined: none of them. */
export function languageIn<Language extends string>(
  strings: Readonly<Record<Language, unknown>>,
  tag: string | undefined,
): Language | undefined {
  const wanted = /^[a-z]{2,3}/.exec((tag ?? '').trim().toLowerCase())?.[0]
  return (Object.keys(strings) as Language[]).find((name) => name === wanted)
}

/** As asked for, else as the browser prefers, else the table's first. @param strings a table of languages */
export function preferredLanguage<Language extends string>(
  request: IncomingMessage,
  strings: Readonly<Record<Language, unknown>>,
  lang?: string,
): Language {
  const preferred = (request.headers['accept-language'] ?? '').split(',')
  for (const tag of [lang ?? '', ...preferred]) {
    const language = languageIn(strings, tag)
    if (language !== undefined) return language
  }
  const [first] = Object.keys(strings) as Language[]
  if (first === undefined) throw new Error('a table without a language')
  return first
}
