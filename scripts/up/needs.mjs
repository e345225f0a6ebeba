import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { run } from './run.mjs'
import { Stop } from './say.mjs'

/** The lowest version that the tools and the libraries run on. */
const NODE_FLOOR = [20, 19]

/** @throws {Stop} on a Node that is too old */
export function checkNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number)
  if (major > NODE_FLOOR[0] || (major === NODE_FLOOR[0] && minor >= NODE_FLOOR[1])) return
  throw new Stop(
    `Intaglio needs Node ${NODE_FLOOR.join('.')} or newer, and this is ${version}. ` +
      'Install Node 24 LTS from https://nodejs.org or with your version manager (nvm install 24).',
  )
}

/**
 * What compiling the PKCS#11 binding takes: it has no ready-made builds.
 * @returns {Promise<string[]>} what is missing, of 'compiler', 'make', 'python3' and 'headers'
 */
export async function missingTools() {
  const missing = []
  if (!(await hasCompiler())) missing.push('compiler')
  if (!which('make')) missing.push('make')
  if (!which('python3')) missing.push('python3')
  if (!headersFolder() && (await isDebianNode())) missing.push('headers')
  return missing
}

/**
 * @returns {string | undefined} the folder whose include/node holds this Node's headers, so that node-gyp need not
 *   fetch them from elsewhere
 */
export function headersFolder() {
  const folder = dirname(dirname(process.execPath))
  return existsSync(join(folder, 'include', 'node', 'node_api.h')) ? folder : undefined
}

/** Debian has the headers in another package; elsewhere Node brings them, or node-gyp fetches them. */
async function isDebianNode() {
  if (process.execPath !== '/usr/bin/node' || !which('dpkg')) return false
  const { code, output } = await run('dpkg', ['-S', process.execPath])
  return code === 0 && output.startsWith('nodejs')
}

async function hasCompiler() {
  if (process.env.CXX) return true
  // On a Mac the commands are always there, and only ask for the tools to be installed.
  if (process.platform === 'darwin') return (await run('xcode-select', ['-p'])).code === 0
  return ['c++', 'g++', 'clang++'].some(which)
}

/** @returns {string | undefined} full path of a command */
export function which(command) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, command)).find(isExecutable)
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
