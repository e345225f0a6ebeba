import { TAG } from './tags.ts'

/** One element of a DER encoding. */
export interface Element {
  readonly tag: number
  readonly value: Buffer
  /** Tag, length and value. */
  readonly whole: Buffer
}

/** The elements that these octets consist of. @throws Error on anything but DER with tags of one octet. */
export function elements(octets: Buffer): Element[] {
  const found: Element[] = []
  for (let start = 0; start < octets.length;) {
    const element = elementAt(octets, start)
    found.push(element)
    start += element.whole.length
  }
  return found
}

/** The elements inside one element with this tag, and nothing after it. @throws Error */
export function inside(octets: Buffer, tag: number): Element[] {
  const [element, ...rest] = elements(octets)
  if (element?.tag !== tag || rest.length > 0) throw new Error('not the expected element')
  return elements(element.value)
}

function elementAt(octets: Buffer, start: number): Element {
  const tag = octets[start] ?? 0
  const first = octets[start + 1]
  if ((tag & 0x1f) === 0x1f || first === undefined) throw new Error('not DER')
  const long = first < 0x80 ? 0 : first & 0x7f
  // 0x80 is the indefinite length of BER; more than three octets is more than any input here.
  if (first === 0x80 || long > 3 || octets.length < start + 2 + long) throw new Error('not DER')
  const length = long === 0 ? first : octets.readUIntBE(start + 2, long)
  const minimal = long === 0 || (length >= 0x80 && length >= 2 ** (8 * (long - 1)))
  const from = start + 2 + long
  const whole = octets.subarray(start, from + length)
  if (!minimal || whole.length !== 2 + long + length) throw new Error('not DER')
  return { tag, value: octets.subarray(from, from + length), whole }
}

/** The longest that anybody uses have some 30; an arc of thousands of octets would take long to write in decimals. */
const MAX_OID_OCTETS = 64

/** Dotted form of an OID's content octets (X.690, 8.19). @throws Error, also for one that is absurdly long */
export function dottedOid(content: Buffer): string {
  if (content.length > MAX_OID_OCTETS) throw new Error('an OID is too long')
  const arcs: bigint[] = []
  let arc = 0n
  let more = false
  for (const octet of content) {
    if (!more && octet === 0x80) throw new Error('an arc begins with a zero')
    arc = (arc << 7n) | BigInt(octet & 0x7f)
    more = octet >= 0x80
    if (more) continue
    arcs.push(arc)
    arc = 0n
  }
  const [head, ...rest] = arcs
  if (head === undefined || more) throw new Error('not an OID')
  const first = head < 80n ? head / 40n : 2n
  return [first, head - first * 40n, ...rest].join('.')
}

/** The elements of one construction in their order, where some may be absent. */
export class Fields {
  readonly #elements: readonly Element[]
  #at = 0

  constructor(elements: readonly Element[]) {
    this.#elements = elements
  }

  /** The next one. @throws Error where it has another tag */
  take(tag: number): Element {
    const element = this.optional(tag)
    if (element === undefined) throw new Error('not the expected element')
    return element
  }

  /** The next one, if it has this tag. */
  optional(tag: number): Element | undefined {
    const element = this.#elements[this.#at]
    if (element?.tag !== tag) return undefined
    this.#at++
    return element
  }

  /** The next one, whatever it is. @throws Error where there is none */
  any(): Element {
    const element = this.#elements[this.#at++]
    if (element === undefined) throw new Error('an element is missing')
    return element
  }

  /** @throws Error where something is left */
  end(): void {
    if (this.#at < this.#elements.length) throw new Error('more than expected')
  }
}

/** Contents of an INTEGER that is not negative, minimal (X.690, 8.3.2), as a number. @throws Error, also beyond 2^48 */
export function smallNumber(content: Buffer): number {
  const value = magnitude(content)
  if (value.length > 6) throw new Error('a number is too large')
  return value.length === 0 ? 0 : value.readUIntBE(0, value.length)
}

/** Contents of an INTEGER that is not negative: its octets without leading zeros; of 0, none. @throws Error */
export function magnitude(content: Buffer): Buffer {
  const [first, second] = content
  if (first === undefined || first >= 0x80) throw new Error('not a number, or a negative one')
  if (first === 0 && second !== undefined && second < 0x80) throw new Error('not minimal')
  return first === 0 ? content.subarray(1) : content
}

const GENERALIZED = /^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})Z$/

/** Contents of UTCTime or GeneralizedTime as certificates have them: to the second, in UTC (RFC 5280, 4.1.2.5). @throws Error */
export function timeOf({ tag, value }: Element): Date {
  const text = value.toString('latin1')
  const century = tag === TAG.UTC_TIME ? (text < '50' ? '20' : '19') : ''
  if (tag !== TAG.UTC_TIME && tag !== TAG.GENERALIZED_TIME) throw new Error('not a time')
  const [, year, month, day, hour, minute, second] = GENERALIZED.exec(century + text) ?? []
  const iso = `${String(year)}-${String(month)}-${String(day)}T${String(hour)}:${String(minute)}:${String(second)}.000Z`
  const time = new Date(iso)
  // A day that its month has not is another day by then.
  if (Number.isNaN(time.getTime()) || time.toISOString() !== iso) throw new Error('not a time')
  return time
}
