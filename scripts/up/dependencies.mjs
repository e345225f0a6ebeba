import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { alone } from './lock.mjs'
import { headersFolder, which } from './needs.mjs'
import { run, tail } from './run.mjs'
import { step, Stop } from './say.mjs'

const HEADERS_REMEDY =
  "\nThe PKCS#11 binding is compiled here, with Node's headers. Install Node from https://nodejs.org, which brings them " +
  'along, or name the folder that has them in include/node by npm_config_nodedir.'
const BINDING = 'node_modules/pkcs11js/build/Release/pkcs11.node'

/** @returns {boolean} whether node_modules is what the lock file says, for this machine's kind and this Node */
export function dependenciesAreCurrent(root) {
  const marker = markerOf(root)
  const [lock, machine] = wanted(root)
  const [installed, on] = existsSync(marker) ? readFileSync(marker, 'utf8').trimEnd().split('\n') : []
  if (installed === lock && on === machine) return true
  if ((on !== undefined && on !== machine) || !matchesLock(root)) return false
  // A person ran npm; that is as good.
  mark(root)
  return true
}

/** Installs exactly what the lock file names, unless that is there. */
export async function installDependencies(root) {
  if (dependenciesAreCurrent(root)) return
  await alone(join(root, '.local', 'install.lock'), async () => {
    if (dependenciesAreCurrent(root)) return
    await step('Installing the dependencies', () => ci(root))
    if (!existsSync(join(root, BINDING))) {
      throw new Stop(
        'npm did not build pkcs11js: allow install scripts (npm config delete ignore-scripts), and start again.',
      )
    }
    mark(root)
  })
}

async function ci(root) {
  const [command, ...first] = npm()
  const headers = process.env.npm_config_nodedir ? {} : { npm_config_nodedir: headersFolder() }
  const args = [...first, 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  const { code, output } = await run(command, args, { cwd: root, env: { ...process.env, ...headers } })
  if (code === 0) return
  const remedy = output.includes('gyp ERR!') && !headers.npm_config_nodedir ? HEADERS_REMEDY : ''
  throw new Stop(`npm ci failed:\n${tail(output)}${remedy}`)
}

/** The npm that runs this script, else the one that came with this Node, else the one on the path. */
function npm() {
  const running = process.env.npm_execpath
  if (running && basename(running).startsWith('npm-cli')) return [process.execPath, running]
  const own = join(dirname(dirname(process.execPath)), 'lib/node_modules/npm/bin/npm-cli.js')
  if (existsSync(own)) return [process.execPath, own]
  if (which('npm')) return ['npm']
  throw new Stop('npm is not on the path. Install it beside Node.')
}

function markerOf(root) {
  return join(root, 'node_modules', '.intaglio-installed')
}

/** The lock file, and what binaries are built for. */
function wanted(root) {
  const lock = readFileSync(join(root, 'package-lock.json'))
  const machine = `${process.platform}-${process.arch} abi ${process.versions.modules}`
  return [createHash('sha256').update(lock).digest('hex'), machine]
}

/** Without the mark the next start compares again, and that is all: the folder may be another user's. */
function mark(root) {
  try {
    writeFileSync(markerOf(root), `${wanted(root).join('\n')}\n`)
  } catch (error) {
    if (error.code !== 'EACCES' && error.code !== 'EROFS') throw error
  }
}

/** npm leaves in node_modules what it installed: versions and integrity, less what is for other machines. */
function matchesLock(root) {
  const hidden = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(hidden) || !existsSync(join(root, BINDING))) return false
  const { packages: installed } = JSON.parse(readFileSync(hidden, 'utf8'))
  const { packages: locked } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  return Object.entries(locked).every(([path, entry]) => {
    if (path === '') return true
    const there = installed[path]
    return there ? there.integrity === entry.integrity : entry.optional === true
  })
}
