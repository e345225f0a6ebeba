import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../../..')
/** What a service is started from, and the entry that starts it. */
const PARTS = ['dist/config', 'dist/hsm', 'dist/src', 'dist-test', 'package.json']

/** Another version of the service: this one's build, with migrations of its own on top. */
export class Tree {
  readonly root = mkdtempSync(join(tmpdir(), 'intaglio-version-'))
  /** Of the schema that it was made for. */
  readonly schema: number

  /** @param migrations SQL of each, after the last that this version has; `{n}` stands for its number */
  constructor(...migrations: readonly string[]) {
    // A link to this version's build becomes one to its own.
    const how = { recursive: true, verbatimSymlinks: true }
    for (const part of PARTS) cpSync(join(root, part), join(this.root, part), how)
    symlinkSync(join(root, 'node_modules'), join(this.root, 'node_modules'))
    const folder = join(this.root, 'dist/src/db/migrations')
    const last = Math.max(...readdirSync(folder).map((name) => Number.parseInt(name, 10)))
    migrations.forEach((sql, index) => {
      const number = last + 1 + index
      const name = `${String(number).padStart(4, '0')}_made_for_a_test.sql`
      writeFileSync(join(folder, name), sql.replaceAll('{n}', String(number)))
    })
    this.schema = last + migrations.length
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}
