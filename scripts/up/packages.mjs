import { which } from './needs.mjs'
import { run, tail } from './run.mjs'
import { step, Stop } from './say.mjs'

/** TABLE: what each package manager calls what may be missing. */
const managers = [
  {
    command: 'apt-get',
    install: ['install', '-y', '--no-install-recommends'],
    refresh: ['update'],
    needsRoot: true,
    names: {
      module: 'libsofthsm2',
      compiler: 'g++',
      make: 'make',
      python3: 'python3',
      headers: 'libnode-dev',
      nss: 'libnss3',
    },
  },
  {
    command: 'dnf',
    install: ['install', '-y'],
    needsRoot: true,
    names: {
      module: 'softhsm',
      compiler: 'gcc-c++',
      make: 'make',
      python3: 'python3',
      headers: 'nodejs-devel',
      nss: 'nss-softokn',
    },
  },
  {
    command: 'brew',
    install: ['install'],
    needsRoot: false,
    names: { module: 'softhsm', make: 'make', python3: 'python' },
  },
]

/** What people call what is missing. */
const words = {
  module: 'a PKCS#11 module (SoftHSM)',
  compiler: 'a C++ compiler',
  make: 'make',
  python3: 'python3',
  headers: "Node's headers",
  nss: 'a second PKCS#11 module (NSS)',
}

/**
 * Installs what is missing with the machine's package manager.
 * @param {string[]} missing keys of `words`
 * @throws {Stop} where that is not possible, with the command that a person can run
 */
export async function install(missing) {
  if (missing.length === 0) return
  const manager = managers.find(({ command }) => which(command))
  const packages = missing.map((need) => manager?.names[need])
  if (!manager || packages.includes(undefined)) throw new Stop(withoutManager(missing))
  const prefix = manager.needsRoot ? await rootPrefix() : []
  if (!prefix) throw new Stop(withoutRoot(missing, manager, packages))
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await step(`Installing ${packages.join(', ')}`, async () => {
    const refresh = manager.refresh ? [manager.refresh] : []
    for (const args of [...refresh, [...manager.install, ...packages]]) {
      const [command, ...rest] = [...prefix, manager.command, ...args]
      const { code, output } = await run(command, rest, { env })
      // A stale or broken source fails the refresh, and what is needed may still be there.
      if (code !== 0 && args !== manager.refresh) throw new Stop(failed(missing, manager, packages, output))
    }
  })
}

/**
 * Installs what only helps, if that is possible as things stand: nothing is asked, refreshed, or said where it is not.
 * @param {string} need key of `words`
 */
export async function tryInstall(need) {
  const manager = managers.find(({ command }) => which(command))
  const name = manager?.names[need]
  const prefix = manager?.needsRoot ? await rootPrefix() : []
  if (!name || !prefix) return
  const [command, ...rest] = [...prefix, manager.command, ...manager.install, name]
  await run(command, rest, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
}

/** @returns {Promise<string[] | undefined>} what to put before a command to run it as root; undefined: not possible */
async function rootPrefix() {
  if (process.getuid?.() === 0) return []
  // -n: never ask for a password, for there may be nobody to type it.
  return which('sudo') && (await run('sudo', ['-n', 'true'])).code === 0 ? ['sudo', '-n'] : undefined
}

function list(missing) {
  return missing.map((need) => words[need]).join(', ')
}

function withoutManager(missing) {
  const mac = process.platform === 'darwin' && missing.includes('compiler')
  const remedy = mac
    ? 'Run `xcode-select --install`, and Homebrew (https://brew.sh) for the rest.'
    : 'Install it with the package manager of this machine.'
  const path = missing.includes('module') ? ' A module at another place is named by PKCS11_MODULE.' : ''
  return `Intaglio needs ${list(missing)}. ${remedy}${path}`
}

function withoutRoot(missing, manager, packages) {
  return (
    `Intaglio needs ${list(missing)}, and this user may not install it. Ask an administrator to run:\n` +
    `  sudo ${manager.command} install ${packages.join(' ')}`
  )
}

function failed(missing, manager, packages, output) {
  return (
    `Intaglio needs ${list(missing)}, and installing it failed:\n${tail(output, 5)}\n` +
    `Mend that, or install ${packages.join(', ')} yourself, and start again.`
  )
}
