import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/** TABLE: test files and the line that their run closes with. */
const closings = [
  { body: `it('a', () => {}); it('b', () => {})`, line: '2 passed, 0 failed', code: 0 },
  { body: `it('a', () => {}); it.skip('b', () => {})`, line: '1 passed, 0 failed, 1 skipped', code: 0 },
  { body: `it('a', () => { throw new Error('no') })`, line: '0 passed, 1 failed', code: 1 },
]

describe('The reporter', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'intaglio-reporter-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  for (const { body, line, code } of closings) {
    it(`closes with "${line}" alone on a line`, () => {
      const file = join(folder, 'some.test.cjs')
      writeFileSync(file, body)
      const mocha = join(root, 'node_modules/mocha/bin/mocha.js')
      const ran = spawnSync(process.execPath, [mocha, file], { cwd: root, encoding: 'utf8' })
      expect(ran.status).to.equal(code)
      expect(ran.stdout.trimEnd().split('\n').at(-1)).to.equal(line)
    })
  }
})
