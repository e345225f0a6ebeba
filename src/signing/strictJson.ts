import { Flaw } from './flaw.ts'

/** An object as JSON.parse makes it. */
export type JsonObject = { readonly [member: string]: unknown }

/** Deeper than any credential, and far from where walking over it would end the stack. */
const DEPTH_MAX = 100
/** A string with the colon that makes it a member's name, or a bracket. It runs over valid JSON only. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}[\]]/gs

/**
 * JSON whose every reader sees the same: UTF-8, one value for each name (RFC 8259, 4: JSON.parse takes the last, others the
 * first).
 * @throws Flaw 'malformed'
 */
export function parseJson(octets: Buffer, what: string): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets)
    const value: unknown = JSON.parse(text)
    checkMembers(text, what)
    return value
  } catch (error) {
    throw error instanceof Flaw ? error : new Flaw('malformed', `${what}: not JSON in UTF-8`)
  }
}

/** The same of an object. @throws Flaw 'malformed' */
export function parseObject(octets: Buffer, what: string): JsonObject {
  const value = parseJson(octets, what)
  if (!isObject(value)) throw new Flaw('malformed', `${what}: not a JSON object`)
  return value
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A number in JSON, or a string: what looks like a number in it is none. */
const NUMBER_OR_STRING = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g
/** Without such digits in the text, all numbers are as they stand there. */
const SUSPECT = /\d{16}|\d[eE]/

/**
 * Valid JSON that is to be signed as it is, or was: its numbers are what a double holds (RFC 7493, 2.2). An integer beyond
 * 2^53 would become another one, 1e400 nothing, and 1e-400 none.
 * @throws Flaw 'malformed'
 */
export function checkNumbers(text: string, what: string): void {
  if (!SUSPECT.test(text)) return
  for (const [token] of text.matchAll(NUMBER_OR_STRING)) {
    if (token.startsWith('"')) continue
    if (!isHeld(token))
      throw new Flaw('malformed', `${what}: ${token.slice(0, 40)} is no number that is kept as it is`)
  }
}

function isHeld(token: string): boolean {
  const number = Number(token)
  if (!/[.eE]/.test(token)) return Number.isSafeInteger(number)
  const [mantissa = ''] = token.split(/[eE]/, 1)
  return Number.isFinite(number) && (number !== 0 || !/[1-9]/.test(mantissa))
}

/** One value for each name, and no deeper than anybody reads. It runs over valid JSON only. @throws Flaw 'malformed' */
export function checkMembers(text: string, what: string): void {
  const open: (Set<string> | undefined)[] = []
  for (const [token, colon] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') open.push(token === '{' ? new Set() : undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (colon !== undefined) {
      const name = String(JSON.parse(token.slice(0, -colon.length)))
      if (open.at(-1)?.has(name) === true)
        throw new Flaw('malformed', `${what}: two members ${JSON.stringify(name)}`)
      open.at(-1)?.add(name)
    }
    if (open.length > DEPTH_MAX) throw new Flaw('malformed', `${what}: deeper than ${DEPTH_MAX} levels`)
  }
}
