import { isObject, type JsonObject } from '../signing/strictJson.ts'
import { parseDateTime } from './dateTime.ts'

/** What is wrong with a member's value, as the end of a sentence that begins with its name; undefined: nothing. */
export type Wrong = string | undefined
export type Check = (value: unknown) => Wrong

/** RFC 3986's characters, after a scheme: what the data models call a URL, DIDs and URNs among them. */
const URL_TEXT = /^[a-z][a-z0-9+.-]*:[\w\-.~:/?#[\]@!$&'()*+,;=%]+$/i
/** Beyond any URL that is used; what is longer is no identifier. */
const URL_MAX = 2048

export const isUrl = (value: unknown): value is string =>
  typeof value === 'string' &&
  value.length <= URL_MAX &&
  URL_TEXT.test(value) &&
  (!/^https?:/i.test(value) || URL.canParse(value))

export const url: Check = (value) => (isUrl(value) ? undefined : 'is no URL')

/** XML Schema dateTime, in version 2.0 dateTimeStamp, which has a zone. */
export const dateTime: Check = (value) => (parseDateTime(value) === undefined ? 'is no dateTime' : undefined)
export const dateTimeStamp: Check = (value) =>
  typeof value === 'string' && parseDateTime(value) !== undefined && /(?:Z|[+-]\d\d:\d\d)$/.test(value)
    ? undefined
    : 'is no dateTimeStamp'

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** One or more terms or URLs. */
export const types: Check = (value) => {
  const all: unknown[] = Array.isArray(value) ? value : [value]
  return all.length > 0 && all.every(isText) ? undefined : 'is neither a term or URL nor a list of these'
}

/** @returns the check of an object, or of each in a list that has at least one */
export const oneOrMore =
  (check: (object: JsonObject) => Wrong): Check =>
  (value) => {
    const all: unknown[] = Array.isArray(value) ? value : [value]
    if (all.length === 0) return 'is an empty list'
    for (const item of all) {
      const wrong = isObject(item) ? check(item) : 'is neither an object nor a list of objects'
      if (wrong !== undefined) return wrong
    }
    return undefined
  }

/** An object that says what it is, such as a status: `type`, and an `id` that is a URL where it has one, or must have. */
export const typed = (id: 'optional' | 'required'): Check =>
  oneOrMore((object) => {
    if (types(object['type']) !== undefined) return 'has no type'
    if (object['id'] === undefined) return id === 'required' ? 'has no id' : undefined
    return isUrl(object['id']) ? undefined : 'has an id that is no URL'
  })

/** BCP 47, its form alone. */
const LANGUAGE = /^[a-z]{1,8}(?:-[a-z0-9]{1,8})*$/i
const LANGUAGE_MEMBERS = ['@value', '@language', '@direction']

function isLanguageValue(value: unknown): boolean {
  if (!isObject(value)) return false
  const { '@value': text, '@language': language, '@direction': direction } = value
  return (
    typeof text === 'string' &&
    Object.keys(value).every((member) => LANGUAGE_MEMBERS.includes(member)) &&
    (language === undefined || (typeof language === 'string' && LANGUAGE.test(language))) &&
    (direction === undefined || direction === 'ltr' || direction === 'rtl')
  )
}

/** A string, or one or more language value objects (VCDM 2.0, 11.1). */
export const languageText: Check = (value) => {
  if (typeof value === 'string') return undefined
  const all: unknown[] = Array.isArray(value) ? value : [value]
  return all.length > 0 && all.every((item) => typeof item === 'string' || isLanguageValue(item))
    ? undefined
    : 'is neither a string nor @value with @language and @direction'
}

/** A URL, or an object whose id is one: an issuer, a holder. */
export const party: Check = (value) => {
  if (!isObject(value)) return isUrl(value) ? undefined : 'is neither a URL nor an object with one as its id'
  if (!isUrl(value['id'])) return 'has no id that is a URL'
  for (const member of ['name', 'description']) {
    const wrong = value[member] === undefined ? undefined : languageText(value[member])
    if (wrong !== undefined) return `has a ${member} that ${wrong}`
  }
  return undefined
}

export const subjects: Check = oneOrMore((subject) => {
  if (Object.keys(subject).length === 0) return 'claims nothing'
  return subject['id'] === undefined || isUrl(subject['id']) ? undefined : 'has an id that is no URL'
})

/** Without what is not looked at here: whether its cryptography is good. */
export const proofs: Check = oneOrMore((proof) => (isText(proof['type']) ? undefined : 'has no type'))
