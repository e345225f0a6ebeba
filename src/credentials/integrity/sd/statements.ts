import { randomUUID } from 'node:crypto'
import { isObject, type JsonObject } from '../../../signing/strictJson.ts'
import { canonicalise, expand, explained, JSON_LD } from '../../jsonld/canonicalise.ts'
import { jsonld } from '../../jsonld/library.ts'
import { select } from './pointers.ts'

/** A label that a blank node gets in place of another. */
export type Labels = ReadonlyMap<string, string>

export interface Group {
  /** The canonical statements that belong to it, by their place among all. */
  readonly matching: ReadonlyMap<number, string>
  /** Its own statements, before they were canonical. */
  readonly statements: readonly string[]
}

export interface Grouped {
  /** All canonical statements (N-Quads with their line ends), blank nodes relabelled, sorted. */
  readonly statements: readonly string[]
  /** From the labels in a group's own statements to the new ones. */
  readonly labels: Labels
  readonly groups: readonly Group[]
}

/**
 * The statements of a document, and which of them JSON pointers name (vc-di-ecdsa 1.0, 3.4.12 to 3.4.16). For that each blank
 * node has a name of its own for a while, by which a part of the document is the same part in RDF.
 * @param relabel the new label of a canonical one, such as c14n0
 * @throws Refusal
 */
export async function group(
  document: JsonObject,
  relabel: (label: string) => string,
  pointers: readonly (readonly string[])[],
): Promise<Grouped> {
  const names = { prefix: `urn:bnid:${randomUUID()}:`, count: 0 }
  const skolemised = (await expand(document)).map((node) => named(node, names))
  const compact = await explained(() => jsonld().compact(skolemised, document['@context'], JSON_LD))
  const canonicalLabels = new Map<string, string>()
  const canonical = await canonicalise((await statementsOf(skolemised, names.prefix)).join(''), {
    hash: 'sha256',
    labels: canonicalLabels,
  })
  const bare = [...canonicalLabels].map(([from, to]) => [unprefixed(from), unprefixed(to)] as const)
  const statements = relabelled(linesOf(canonical), new Map(bare.map(([, to]) => [to, relabel(to)]))).sort()
  const labels = new Map(bare.map(([from, to]) => [from, relabel(to)]))
  const groups: Group[] = []
  for (const list of pointers)
    groups.push(await groupOf(select(compact, list), { names, labels, statements }))
  return { statements, labels, groups }
}

async function groupOf(
  selection: JsonObject | undefined,
  known: { names: { prefix: string }; labels: Labels; statements: readonly string[] },
): Promise<Group> {
  if (selection === undefined) return { matching: new Map(), statements: [] }
  const own = await statementsOf(selection, known.names.prefix)
  const selected = new Set(relabelled(own, known.labels))
  const matching = [...known.statements.entries()].filter(([, statement]) => selected.has(statement))
  return { matching: new Map(matching), statements: own }
}

/** The same expanded JSON-LD, in which every node has an @id. */
function named(value: unknown, names: { readonly prefix: string; count: number }): unknown {
  if (Array.isArray(value)) return value.map((item) => named(item, names))
  if (!isObject(value) || '@value' in value) return value
  const made = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, named(member, names)]))
  if ('@list' in value || '@set' in value) return made
  const id = value['@id']
  if (id === undefined) return { ...made, '@id': `${names.prefix}n${names.count++}` }
  return typeof id === 'string' && id.startsWith('_:')
    ? { ...made, '@id': `${names.prefix}b${id.slice(2)}` }
    : made
}

/** Statements of a document whose blank nodes have names, with these as labels again. */
async function statementsOf(document: object, prefix: string): Promise<string[]> {
  const text = await explained(() => jsonld().toRDF(document, { ...JSON_LD, format: 'application/n-quads' }))
  return linesOf(text).map((line) =>
    mapTerms(line, (term) =>
      term.startsWith(`<${prefix}`) ? `_:${term.slice(1 + prefix.length, -1)}` : term,
    ),
  )
}

export const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => `${line}\n`)

export const relabelled = (statements: readonly string[], labels: Labels): string[] =>
  statements.map((line) =>
    mapTerms(line, (term) =>
      term.startsWith('_:') ? `_:${labels.get(term.slice(2)) ?? term.slice(2)}` : term,
    ),
  )

/** Subject, predicate, object and graph of an N-Quad: a literal that looks like a label is none. */
const QUAD = /^(\S+) (\S+) ("[^"\\]*(?:\\.[^"\\]*)*"\S*|\S+)(?: (\S+))? \.\n$/

function mapTerms(line: string, change: (term: string) => string): string {
  const [, subject, predicate, object, graph] = QUAD.exec(line) ?? []
  if (subject === undefined || predicate === undefined || object === undefined) throw new Error('no N-Quad')
  const terms = [change(subject), predicate, object.startsWith('"') ? object : change(object)]
  return `${[...terms, ...(graph === undefined ? [] : [change(graph)])].join(' ')} .\n`
}

export const unprefixed = (label: string): string => label.replace(/^_:/, '')
