import type { Wording } from '../../sender.ts'
import { languageIn } from './language.ts'

/** Where the page is that the link leads to. What stands after # is in no server's log. */
const PAGE = '/oauth2/approve'

interface Shown {
  readonly link: string
  readonly client: string
  readonly count: number
  readonly minutes: number
}

/** TABLE of what a message that asks for an approval says, by language. */
const messages = {
  en: ({ link, client, count, minutes }: Shown) =>
    `${client} asks you to approve ${count === 1 ? 'a signature' : `${count} signatures`}: ${link} (for ${minutes} minutes). If you did not expect it, do nothing.`,
  el: ({ link, client, count, minutes }: Shown) =>
    `Η εφαρμογή ${client} ζητά να εγκρίνετε ${count === 1 ? 'μία υπογραφή' : `${count} υπογραφές`}: ${link} (για ${minutes} λεπτά). Αν δεν το περιμένατε, μην κάνετε τίποτα.`,
} as const

/** @param lang as a client says it (RFC 5646); English where there is no such message */
export function approvalMessage(
  baseUrl: string,
  lang: string,
): Wording<Omit<Shown, 'link'> & { readonly code: string }> {
  const language = languageIn(messages, lang) ?? 'en'
  const text = messages[language]
  return { language, text: ({ code, ...shown }) => text({ ...shown, link: `${baseUrl}${PAGE}#${code}` }) }
}
