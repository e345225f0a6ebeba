/** One element of a DER encoding. */
export interface Element {
  readonly tag: number
  readonly value: Buffer
  /** Tag, length and value. */
  readonly whole: Buffer
}

export const TAG = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  NULL: 0x05,
  OID: 0x06,
  UTF8_STRING: 0x0c,
  PRINTABLE_STRING: 0x13,
  TELETEX_STRING: 0x14,
  IA5_STRING: 0x16,
  BMP_STRING: 0x1e,
  SEQUENCE: 0x30,
  SET: 0x31,
  /** Context-specific and constructed: [0], [1], … */
  context: (n: number): number => 0xa0 + n,
} as const

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

/** Dotted form of an OID's content octets (X.690, 8.19). @throws Error */
export function dottedOid(content: Buffer): string {
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
