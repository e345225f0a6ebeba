import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { attend } from './attend.mjs'
import { say } from './say.mjs'

/** TABLE: what `npm run check` asks, cheapest answer last to appear but all of them asked. */
const checks = [
  { name: 'types', script: 'typescript/bin/tsc', args: ['--noEmit'] },
  { name: 'eslint', script: 'eslint/bin/eslint.js', args: ['.', '--max-warnings', '0'] },
  { name: 'formatting', script: 'prettier/bin/prettier.cjs', args: ['--check', '--log-level', 'warn', '.'] },
  {
    name: 'imports',
    script: 'dependency-cruiser/bin/dependency-cruise.mjs',
    args: ['--config', '.dependency-cruiser.cjs', 'config', 'hsm', 'src', 'scripts', 'test'],
  },
]

/** @returns {Promise<number>} 0 when every check is content; each says itself what it found */
export async function check(root) {
  const failed = []
  for (const { name, script, args } of checks) {
    const command = [join(root, 'node_modules', script), ...args]
    const code = await attend(spawn(process.execPath, command, { cwd: root, stdio: 'inherit' }))
    if (code > 128) return code
    if (code !== 0) failed.push(name)
  }
  say(failed.length === 0 ? 'Checked: types, rules, formatting, imports.' : `Failed: ${failed.join(', ')}.`)
  return failed.length === 0 ? 0 : 1
}
