import { PIN_MAX, PIN_MIN } from '../../signing/secrets.ts'

/** Every sentence of the page. A second language is a second member of the table. */
interface Strings {
  readonly title: string
  readonly intro: string
  readonly code: string
  readonly codeHint: string
  readonly codeTaken: string
  readonly pin: string
  readonly pinHint: string
  readonly again: string
  readonly warning: string
  readonly submit: string
  readonly working: string
  readonly failed: string
  readonly doneTitle: string
  readonly done: string
  readonly credential: string
  readonly doneCodes: string
  readonly doneNext: string
  readonly errors: Readonly<Record<Mistake, string>>
}

/** What can be wrong with what the holder sent, or with the service. */
export type Mistake = 'code' | 'pin' | 'mismatch' | 'missing' | 'unavailable' | 'internal' | 'page'

export type Language = 'en'

export const strings: Readonly<Record<Language, Strings>> = {
  en: {
    title: 'Set your PIN',
    intro: 'With this PIN you will confirm each signature. Setting it makes your signing key.',
    code: 'One-time code',
    codeHint: 'The part of your link after the # sign.',
    codeTaken: 'Your one-time code was taken from the link.',
    pin: 'New PIN',
    pinHint: `${PIN_MIN} to ${PIN_MAX} characters: digits, letters or both. Not one character repeated, not a sequence such as 123456.`,
    again: 'The same PIN again',
    warning: 'Nobody but you knows this PIN, and nobody can look it up for you. Keep it to yourself.',
    submit: 'Set PIN',
    working: 'Making your key…',
    failed: 'Not done yet',
    doneTitle: 'Your PIN is set',
    done: 'Your signing key was made and certified. The link that brought you here no longer works.',
    credential: 'Your credential',
    doneCodes: 'Let nobody sign without your phone: set up one-time codes',
    doneNext: 'You can close this page.',
    errors: {
      code: 'This link is not valid, has expired or was used. Check it, or ask for a new one.',
      pin: `Choose another PIN: ${PIN_MIN} to ${PIN_MAX} characters, not one character repeated, not a sequence such as 123456.`,
      mismatch: 'The two PINs are not the same. Type both again.',
      missing: 'Fill in every field.',
      unavailable: 'This cannot be done at the moment. Your link still works: try again in a minute.',
      internal: 'Something went wrong on our side. Your link still works: try again, or ask for help.',
      page: 'There is no such page.',
    },
  },
}
