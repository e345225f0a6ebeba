import { nameAttributes } from '../../src/pki/names.ts'
import { Failure } from './failure.ts'

/** As certificates are shown, and as X.520 calls them. */
const NAMES = new Map<string, string>(
  Object.entries(nameAttributes).flatMap(([name, { short }]) => [
    [short.toLowerCase(), name],
    [name.toLowerCase(), name],
  ]),
)
/** One attribute up to a comma that is not escaped (RFC 4514, 2.4). */
const ATTRIBUTE = /\s*([A-Za-z]+)\s*=((?:[^\\,]|\\.)*)(?:,|$)/gsy

/** `CN=Narvik seal, O=Narvik\, AS, C=NO` as attributes by their names. @throws Failure 'usage' */
export function subjectOf(text: string): Readonly<Record<string, string>> {
  const attributes: Record<string, string> = {}
  let read = 0
  for (const [whole, short = '', value = ''] of text.matchAll(ATTRIBUTE)) {
    const name = NAMES.get(short.toLowerCase())
    if (name === undefined)
      throw new Failure('usage', `--subject: there is no "${short}"; there are ${[...shorts()].join(', ')}.`)
    if (name in attributes) throw new Failure('usage', `--subject: ${short} stands there twice.`)
    attributes[name] = value.replaceAll(/\\(.)/gs, '$1').trim()
    read += whole.length
  }
  if (read === 0 || read < text.length)
    throw new Failure('usage', '--subject takes attributes such as "CN=Narvik seal, O=Narvik AS, C=NO".')
  return attributes
}

const shorts = (): string[] => Object.values(nameAttributes).map(({ short }) => short)
