import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../../..')
/** What a service is started from, and the entry that starts it. */
const PARTS = ['config', 'hsm', 'src', 'package.json', 'tsconfig.json', 'test/chaos/support']

/** Another version of the service: this one's files, with migrations of its own on top. */
export class Tree {
  readonly root = mkdtempSync(join(tmpdir(), 'intaglio-version-'))
  /** Of the schema that it was made for. */
  readonly schema: number

  /** @param migrations SQL of each, after the last that this version has; `{n}` stands for its number */
  constructor(...migrations: readonly string[]) {
    for (const part of PARTS) cpSync(join(root, part), join(this.root, part), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(this.root, 'node_modules'))
    const folder = join(this.root, 'src/db/migrations')
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
