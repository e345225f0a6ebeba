import { createRequire } from 'node:module'
import type * as Yaml from 'yaml'
import { lazily } from '../lazily.ts'

/** Read for ceremonies alone. */
const yaml = lazily(() => createRequire(import.meta.url)('yaml') as typeof Yaml)

/** What is no YAML, or more of YAML than a file for reviewers needs. */
export class ParseError extends Error {
  override readonly name = 'ParseError'
}

/** A document's value, and where each part of it stands. */
export interface Located {
  readonly value: unknown
  /** The part under a path; undefined: there is none. */
  valueAt(path: readonly PropertyKey[]): unknown
  /** Line of the part, of its key where it is a key that has it; of what would hold it where it is missing. */
  lineOf(path: readonly PropertyKey[]): number
}

/**
 * Reads one YAML 1.2 document whose text means what it says: no anchors, aliases, tags, directives or merges, every key a
 * string that is there once.
 * @throws ParseError that names the line
 */
export function readYaml(octets: Buffer): Located {
  const text = utf8(octets)
  refuseTricks(text)
  const { LineCounter } = yaml()
  const lines = new LineCounter()
  const document = parsed(text, lines)
  const [problem] = [...document.errors, ...document.warnings]
  if (problem !== undefined) {
    throw new ParseError(`line ${lines.linePos(problem.pos[0]).line}: ${problem.message}`)
  }
  const value: unknown = document.toJS({ maxAliasCount: 0 })
  return {
    value,
    valueAt: (path) => path.reduce<unknown>(memberOf, value),
    lineOf: (path) => lines.linePos(offsetOf(document, path)).line,
  }
}

function utf8(octets: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets)
  } catch {
    throw new ParseError('not UTF-8')
  }
}

/** TABLE of tokens by which a text says something that does not stand there. */
const INDIRECT: Readonly<Record<string, string>> = {
  anchor: 'an anchor',
  alias: 'an alias',
  tag: 'a tag',
  'directive-line': 'a directive',
  'byte-order-mark': 'a byte order mark',
}

/** Tokens that open something within something: brackets until they are closed, the other two within their line. */
const OPENING: ReadonlySet<string> = new Set([
  'flow-map-start',
  'flow-seq-start',
  'seq-item-ind',
  'explicit-key-ind',
])
const CLOSING: ReadonlySet<string> = new Set(['flow-map-end', 'flow-seq-end'])
/** What people read is not deeper; the parser takes seconds for thousands of levels. */
const DEPTH_MAX = 16

/** Looks at the tokens, before anything is made of them. */
function refuseTricks(text: string): void {
  const seen = { line: 1, isScalar: false, depth: 0, inLine: 0 }
  const { CST, Lexer } = yaml()
  for (const source of new Lexer().lex(text)) {
    const type = CST.tokenType(source) ?? ''
    // After this mark comes a scalar as it stands, which may begin with any character.
    const found = seen.isScalar ? undefined : INDIRECT[type]
    if (found !== undefined)
      throw new ParseError(`line ${seen.line}: ${found}: the plan says everything where it stands`)
    if (!seen.isScalar && OPENING.has(type)) seen[type.startsWith('flow') ? 'depth' : 'inLine']++
    if (!seen.isScalar && CLOSING.has(type)) seen.depth--
    if (seen.depth + seen.inLine > DEPTH_MAX) throw new ParseError(`line ${seen.line}: nested too deeply`)
    seen.isScalar = type === 'scalar'
    const lines = source.split('\n').length - 1
    if (lines > 0) seen.inLine = 0
    seen.line += lines
  }
}

function parsed(text: string, lineCounter: Yaml.LineCounter): Yaml.Document.Parsed {
  const strict = {
    version: '1.2',
    schema: 'core',
    merge: false,
    strict: true,
    uniqueKeys: true,
    stringKeys: true,
  } as const
  return yaml().parseDocument(text, { ...strict, lineCounter, prettyErrors: false })
}

function memberOf(value: unknown, name: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Record<PropertyKey, unknown>)[name]
}

function offsetOf(document: Yaml.Document.Parsed, path: readonly PropertyKey[]): number {
  let offset = 0
  for (let length = 1; length <= path.length; length++) {
    const found = startOf(document, path.slice(0, length))
    if (found === undefined) return offset
    offset = found
  }
  return offset
}

function startOf(document: Yaml.Document.Parsed, path: readonly PropertyKey[]): number | undefined {
  const name = path.at(-1)
  const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  if (yaml().isMap(parent)) {
    const pair = parent.items.find(({ key }) => (key as { value?: unknown } | null)?.value === name)
    return (pair?.key as { range?: readonly number[] } | undefined)?.range?.[0]
  }
  return (document.getIn(path, true) as { range?: readonly number[] } | undefined)?.range?.[0]
}
