import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { configSchema } from './config.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Names that others expect to work. The product's own name wins over them. */
const customary: Readonly<Record<string, string>> = {
  PORT: 'http.port',
  DATABASE_URL: 'database.url',
  PKCS11_MODULE: 'tokens.0.module',
}
/** Settings that hold a password: `<name>_FILE` names a file to read instead. */
const secrets = ['database.url', 'database.ownerUrl']
/** Names with our prefix that are no settings of the service: which file, who started it, and the command line's own. */
const reserved = [
  'INTAGLIO_CONFIG',
  'INTAGLIO_PARENT_FD',
  'INTAGLIO_OPERATOR',
  'INTAGLIO_URL',
  'INTAGLIO_CA',
  'INTAGLIO_CERTIFICATE',
  'INTAGLIO_KEY',
]

type Kind = 'string' | 'number' | 'boolean' | 'list'
interface Leaf {
  readonly path: readonly string[]
  readonly kind: Kind
}

export interface Overlaid {
  readonly value: unknown
  /** Which environment name a dotted path was set by. */
  readonly origins: ReadonlyMap<string, string>
  readonly problems: readonly string[]
}

/** Lays the environment over what the file says. Values stay strings where they do not convert: the schema refuses them. */
export function overlayEnvironment(file: unknown, env: Environment): Overlaid {
  const leaves = leavesOf(configSchema, [], file)
  const origins = new Map<string, string>()
  const problems: string[] = []
  const known = new Set(reserved)
  let value = file
  for (const leaf of leaves) {
    const dotted = leaf.path.join('.')
    const names = namesOf(leaf.path)
    for (const name of names) known.add(name)
    const name = names.find((candidate) => given(env, candidate) !== undefined)
    if (name === undefined) continue
    const text =
      name.endsWith('_FILE') && secrets.includes(dotted) ? fromFile(env, name, problems) : env[name]
    if (text === undefined) continue
    origins.set(dotted, name)
    value = withValue(value, leaf.path, converted(text, leaf.kind))
  }
  for (const name of Object.keys(env)) {
    // INTAGLIO_TEST_ steers runs of the tests, whose children inherit it.
    const ours = name.startsWith('INTAGLIO_') && !name.startsWith('INTAGLIO_TEST_')
    if (ours && !known.has(name)) problems.push(`${name}: no setting has this name`)
  }
  return { value, origins, problems }
}

/** The names that set a path, the one that wins first. */
function namesOf(path: readonly string[]): string[] {
  const dotted = path.join('.')
  const own = `INTAGLIO_${path.map(upperSnake).join('_')}`
  const others = Object.keys(customary).filter((name) => customary[name] === dotted)
  return [own, ...others].flatMap((name) => (secrets.includes(dotted) ? [`${name}_FILE`, name] : [name]))
}

function upperSnake(name: string): string {
  return name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()
}

/** An empty variable counts as absent: compose files and shells leave such behind. */
function given(env: Environment, name: string): string | undefined {
  return env[name] === '' ? undefined : env[name]
}

function fromFile(env: Environment, name: string, problems: string[]): string | undefined {
  const path = env[name] ?? ''
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    problems.push(
      `${name}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`,
    )
    return undefined
  }
}

function converted(text: string, kind: Kind): unknown {
  if (kind === 'number' && /^-?[0-9]{1,15}$/.test(text)) return Number(text)
  if (kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  if (kind !== 'list') return text
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** Every scalar of the schema and every list of strings; of a list of objects, the elements that the file has. */
function leavesOf(schema: unknown, path: readonly string[], value: unknown): Leaf[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) {
    return leavesOf(schema.unwrap(), path, value)
  }
  if (schema instanceof z.ZodObject) {
    return Object.entries(schema.shape).flatMap(([key, member]) =>
      leavesOf(member, [...path, key], (value as Record<string, unknown> | undefined)?.[key]),
    )
  }
  if (schema instanceof z.ZodArray) {
    if (isText(schema.element)) return [{ path, kind: 'list' }]
    const elements: unknown[] = Array.isArray(value) ? value : []
    return elements.flatMap((element, index) => leavesOf(schema.element, [...path, String(index)], element))
  }
  if (schema instanceof z.ZodNumber) return [{ path, kind: 'number' }]
  if (schema instanceof z.ZodBoolean) return [{ path, kind: 'boolean' }]
  return isText(schema) || schema instanceof z.ZodEnum ? [{ path, kind: 'string' }] : []
}

function isText(schema: unknown): boolean {
  return schema instanceof z.ZodString || schema instanceof z.ZodStringFormat
}

/** A copy with one member set; containers that are missing are made. The path comes from the schema, never from outside. */
function withValue(node: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return value
  if (Array.isArray(node)) {
    return node.map((item: unknown, index) => (String(index) === key ? withValue(item, rest, value) : item))
  }
  // A file that has something else here is left as it is: the schema names the path.
  if (node !== undefined && (typeof node !== 'object' || node === null)) return node
  const members = (node ?? {}) as Record<string, unknown>
  return { ...members, [key]: withValue(members[key], rest, value) }
}
