import type { IncomingMessage } from 'node:http'
import { preferredLanguage } from '../http/language.ts'
import { strings, type Language } from './strings.ts'

/** As the client asks (CSC API v2.2, `lang`), else as the browser prefers, else English. */
export function languageOf(request: IncomingMessage, lang: string | undefined): Language {
  return preferredLanguage(request, strings, lang)
}
