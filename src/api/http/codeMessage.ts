import type { Wording } from '../../sender.ts'
import { languageIn } from './language.ts'

/** TABLE of what a message with a one-time code says, by language. */
const messages = {
  en: ({ digits, client, minutes }: Shown) =>
    `${digits} is your code to sign with. ${client} asked for it. It works once, for ${minutes} minutes. Give it to nobody who calls you.`,
  el: ({ digits, client, minutes }: Shown) =>
    `${digits} είναι ο κωδικός σας για υπογραφή. Τον ζήτησε η εφαρμογή ${client}. Ισχύει μία φορά, για ${minutes} λεπτά. Μην τον δώσετε σε όποιον σας καλέσει.`,
} as const

interface Shown {
  readonly digits: string
  readonly client: string
  readonly minutes: number
}

/** @param lang as a client or a browser says it (RFC 5646); English where there is no such message */
export function codeMessage(lang: string | undefined): Wording<Shown> {
  const language = languageIn(messages, lang) ?? 'en'
  return { language, text: messages[language] }
}
