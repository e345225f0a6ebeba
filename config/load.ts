import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { z } from 'zod'
import { attestationProblems } from './attestation.ts'
import { configSchema, type Config } from './config.ts'
import { databaseProblems } from './databaseTls.ts'
import { overlayEnvironment, type Environment } from './environment.ts'
import { listenerProblems } from './listeners.ts'
import { pkiProblems } from './pki.ts'
import { productionProblems, productionWarnings } from './production.ts'
import { timeProblems } from './time.ts'

export const DEFAULT_CONFIG_FILE = 'config/dev.json'

/** A configuration that cannot be used. Each problem is one sentence that begins with the path or name it is about. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

export interface LoadedConfig {
  readonly config: Config
  /** What works and should not stay so; for the log. */
  readonly warnings: readonly string[]
}

/**
 * Reads the configuration file that the environment names and lays the environment over it.
 * @param from.cwd what relative paths are relative to. @param from.nodeVersion such as '22.18.0'.
 * @throws ConfigError that lists every problem found
 */
export function loadConfig(from: {
  readonly env: Environment
  readonly cwd: string
  readonly nodeVersion: string
}): LoadedConfig {
  const file = from.env['INTAGLIO_CONFIG'] ?? DEFAULT_CONFIG_FILE
  const laid = overlayEnvironment(readJson(resolve(from.cwd, file), file), from.env)
  if (laid.problems.length > 0) throw new ConfigError(laid.problems)
  const parsed = configSchema.safeParse(expandHome(laid.value, from.cwd))
  if (!parsed.success) throw new ConfigError(describe(parsed.error, { file, origins: laid.origins }))
  const config = withDefaults(parsed.data)
  const problems = [
    ...listenerProblems(config, laid.value),
    ...databaseProblems(config),
    ...productionProblems(config),
    ...pkiProblems(config),
    ...timeProblems(config),
    ...attestationProblems(config),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return { config, warnings: productionWarnings(config, from.nodeVersion) }
}

function readJson(path: string, name: string): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable'
    throw new ConfigError([
      `${name}: cannot be read (${code}). INTAGLIO_CONFIG names the configuration file.`,
    ])
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ConfigError([`${name}: is not JSON: ${(error as Error).message}`])
  }
}

/** `{home}` in any string becomes the absolute home directory. */
function expandHome(value: unknown, cwd: string): unknown {
  const named = (value as { home?: unknown } | null)?.home
  const home = resolve(cwd, typeof named === 'string' && named !== '' ? named : '.local')
  const expand = (node: unknown): unknown => {
    if (typeof node === 'string') return node.replaceAll('{home}', home)
    if (Array.isArray(node)) return node.map(expand)
    if (typeof node !== 'object' || node === null) return node
    return Object.fromEntries(Object.entries(node).map(([key, member]) => [key, expand(member)]))
  }
  const expanded = expand(value)
  // Anything but an object is left for the schema to refuse.
  return typeof expanded === 'object' && expanded !== null && !Array.isArray(expanded)
    ? { ...expanded, home }
    : expanded
}

/** A laptop has one database role for everything; in production, no owner means no migrations at start. */
function withDefaults(config: Config): Config {
  if (config.profile === 'production' || config.database.ownerUrl !== undefined) return config
  return { ...config, database: { ...config.database, ownerUrl: config.database.url } }
}

interface Sources {
  readonly file: string
  /** Environment name by dotted path, for what the environment gave. */
  readonly origins: ReadonlyMap<string, string>
}

function describe(error: z.ZodError, sources: Sources): string[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.join('.')
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => `${sources.file}: ${path === '' ? key : `${path}.${key}`}: unknown key`)
    }
    const origin = sources.origins.get(path)
    const inFile = path === '' ? sources.file : `${sources.file}: ${path}`
    const place = origin === undefined ? inFile : `${origin} (${path})`
    const missing = issue.code === 'invalid_type' && / received undefined$/.test(issue.message)
    return [`${place}: ${missing ? 'missing' : issue.message}`]
  })
}
