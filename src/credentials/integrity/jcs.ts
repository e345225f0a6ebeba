/** A half of a surrogate pair without the other: no Unicode, so that no UTF-8 of it exists. */
const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * JSON in its canonical form (RFC 8785): members sorted by UTF-16 units, numbers as ECMAScript writes them, nothing else
 * between. What comes in is what JSON.parse makes, of a depth that its reader has limited.
 * @throws Error for what is no I-JSON (RFC 7493): half a character, a number that is none
 */
export function jcs(value: unknown): string {
  if (typeof value === 'string') return text(value)
  if (typeof value === 'number') return number(value)
  if (value === null || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return `[${value.map(jcs).join(',')}]`
  if (typeof value !== 'object') throw new Error(`${typeof value} is no JSON`)
  const members = value as Readonly<Record<string, unknown>>
  // Without a comparison of its own, sort() compares UTF-16 units: 3.2.3.
  const names = Object.keys(members).sort()
  return `{${names.map((name) => `${text(name)}:${jcs(members[name])}`).join(',')}}`
}

/** 3.2.2.2 is how ECMAScript's JSON.stringify writes strings. */
function text(value: string): string {
  if (LONE_SURROGATE.test(value)) throw new Error('half a surrogate pair is no character')
  return JSON.stringify(value)
}

/** 3.2.2.3 is how ECMAScript writes numbers, -0 as 0. */
function number(value: number): string {
  if (!Number.isFinite(value)) throw new Error('a number that JSON has not')
  return JSON.stringify(value)
}
