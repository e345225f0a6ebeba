/** A range of media types and how much it is wanted (RFC 9110, 12.5.1). */
interface Range {
  readonly type: string
  readonly subtype: string
  /** 0: not at all. */
  readonly weight: number
}

const RANGE = /^\s*([a-z0-9!#$&^_.+*-]+)\/([a-z0-9!#$&^_.+*-]+)\s*((?:;[^;]*)*)$/i
const WEIGHT = /;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*(?:;|$)/i
/** More than any program says it takes. */
const RANGES_MAX = 50

/**
 * Of the media types that an answer may have, the one that the caller likes best; of several the first.
 * @param accept the header; absent: the caller takes any. What is no range in it is nothing.
 * @returns undefined where the caller takes none of them
 */
export function acceptable(accept: string | undefined, types: readonly string[]): string | undefined {
  if (accept === undefined || accept.trim() === '') return types[0]
  const ranges = accept
    .split(',', RANGES_MAX)
    .map(rangeOf)
    .filter((range) => range !== undefined)
  let best: { type: string; weight: number } | undefined
  for (const type of types) {
    const weight = weightOf(ranges, type)
    if (weight > (best?.weight ?? 0)) best = { type, weight }
  }
  return best?.type
}

function rangeOf(text: string): Range | undefined {
  const [, type, subtype, parameters = ''] = RANGE.exec(text) ?? []
  if (type === undefined || subtype === undefined) return undefined
  const weight = Number(WEIGHT.exec(parameters)?.[1] ?? 1)
  return { type: type.toLowerCase(), subtype: subtype.toLowerCase(), weight }
}

/** The most specific range decides. */
function weightOf(ranges: readonly Range[], mediaType: string): number {
  const [type = '', subtype = ''] = mediaType.split('/')
  const fits = [
    ranges.find((range) => range.type === type && range.subtype === subtype),
    ranges.find((range) => range.type === type && range.subtype === '*'),
    ranges.find((range) => range.type === '*' && range.subtype === '*'),
  ]
  return fits.find((range) => range !== undefined)?.weight ?? 0
}
