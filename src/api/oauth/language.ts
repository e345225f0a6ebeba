import type { IncomingMessage } from 'node:http'
import { strings, type Language } from './strings.ts'

/** As the client asks (CSC API v2.2, `lang`), else as the browser prefers, else English. */
export function languageOf(request: IncomingMessage, lang: string | undefined): Language {
  const preferred = (request.headers['accept-language'] ?? '').split(',')
  for (const tag of [lang ?? '', ...preferred]) {
    const language = /^[a-z]{2,3}/.exec(tag.trim().toLowerCase())?.[0] ?? ''
    if (Object.hasOwn(strings, language)) return language as Language
  }
  return 'en'
}
