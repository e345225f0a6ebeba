import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ConfigError, loadConfig, type LoadedConfig } from '../../config/load.ts'

export const root = resolve(import.meta.dirname, '../..')

export function load(env: Record<string, string>, nodeVersion = '22.18.0'): LoadedConfig {
  return loadConfig({ env, cwd: root, nodeVersion })
}

/** Why the configuration is refused; nothing where it is not. */
export function problems(env: Record<string, string>): readonly string[] {
  try {
    load(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

export type Change = (config: Record<string, unknown>) => unknown

/** A folder for configuration files that differ from those of the product. */
export class Files {
  readonly folder = mkdtempSync(join(tmpdir(), 'intaglio-config-'))
  #made = 0

  write(name: string, content: string): string {
    const path = join(this.folder, name)
    writeFileSync(path, content)
    return path
  }

  /** One of the product's files, with changes. */
  changed(base: string, change: Change): string {
    const config = JSON.parse(readFileSync(join(root, 'config', base), 'utf8')) as Record<string, unknown>
    change(config)
    this.#made += 1
    return this.write(`${this.#made}.json`, JSON.stringify(config))
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}
