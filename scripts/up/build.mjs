import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { alone } from './lock.mjs'
import { run, tail } from './run.mjs'
import { step, Stop } from './say.mjs'

const FOLDERS = ['config', 'hsm', 'src', 'scripts']
const OTHERS = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json']
/** Each file by itself: nothing that it imports is read, and nothing of the language's own types that can be left out. */
export const UNCHECKED = ['--noCheck', '--noResolve', '--types', 'null', '--lib', 'es5']
/** Beside the build stands what the code reads at run time: SQL, JSON, style sheets, icons. */
const NOT_ASSETS = new Set(['.ts', '.mjs', '.md'])

/**
 * Brings dist/ to what the sources say; nothing is done where it is so already.
 * @param {string} root
 * @param {{ checked?: boolean }} [how] checked: types, too, and in any case. Otherwise they are left to
 *   `npm run check`: they would cost every start after a change some seconds.
 */
export async function build(root, { checked = false } = {}) {
  const marker = join(root, 'dist', '.built')
  const isCurrent = (state) => !checked && existsSync(marker) && readFileSync(marker, 'utf8') === state
  if (isCurrent(digest(root, sources(root)))) return
  await alone(join(root, '.local', 'build.lock'), async () => {
    const files = sources(root)
    const state = digest(root, files)
    if (isCurrent(state)) return
    rmSync(marker, { force: true })
    await step('Building', () => compile(root, 'tsconfig.build.json', checked ? [] : UNCHECKED))
    const kept = new Set(files.filter(isAsset).map((file) => copy(root, file)))
    for (const file of files.filter((name) => name.endsWith('.ts'))) kept.add(file.replace(/\.ts$/, '.js'))
    sweep(root, kept)
    writeFileSync(marker, state)
  })
}

/** Whole and not by parts: what an earlier compiler remembers of dist/ need not be true of it any more. */
export async function compile(root, config, flags) {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const whole = ['--incremental', 'false', '--tsBuildInfoFile', 'null']
  const args = [tsc, '-p', config, ...whole, ...flags]
  const { code, output } = await run(process.execPath, args, { cwd: root })
  if (code !== 0) throw new Stop(`The build failed:\n${tail(output)}`)
}

function sources(root) {
  return FOLDERS.flatMap((folder) => walk(root, folder)).filter((file) => !file.endsWith('.d.ts'))
}

function walk(root, folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? walk(root, path) : [path]
  })
}

/** What an output says of what it was made of. */
export function digest(root, files) {
  const hash = createHash('sha256').update(process.version)
  for (const file of [...files.toSorted(), ...OTHERS]) {
    hash.update(`\0${file}\0`).update(readFileSync(join(root, file)))
  }
  return hash.digest('hex')
}

function isAsset(file) {
  return !NOT_ASSETS.has(extname(file))
}

function copy(root, file) {
  const target = join(root, 'dist', file)
  mkdirSync(dirname(target), { recursive: true })
  cpSync(join(root, file), target)
  return file
}

/** A file whose source is gone must not go on being imported. */
function sweep(root, kept) {
  for (const folder of FOLDERS.filter((name) => existsSync(join(root, 'dist', name)))) {
    for (const file of walk(join(root, 'dist'), folder)) {
      if (!kept.has(file.replace(/\.js\.map$/, '.js'))) rmSync(join(root, 'dist', file))
    }
  }
}
