// Everything between a fresh machine and a running service. No dependency, because it runs before they are installed.
import { spawn } from 'node:child_process'
import { accessSync, constants, mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { attend } from './up/attend.mjs'
import { bench } from './up/bench.mjs'
import { build } from './up/build.mjs'
import { buildWithTests } from './up/buildTests.mjs'
import { check } from './up/check.mjs'
import { dependenciesAreCurrent, installDependencies } from './up/dependencies.mjs'
import { fuzz } from './up/fuzz.mjs'
import { checkNode, missingTools } from './up/needs.mjs'
import { ensureNss } from './up/nss.mjs'
import { install } from './up/packages.mjs'
import { say, Stop } from './up/say.mjs'
import { serve } from './up/service.mjs'
import { canUnpack, findModule, unpack } from './up/softhsm.mjs'
import { test } from './up/test.mjs'

const USAGE = `node scripts/up.mjs <command>
  start        sets everything up and runs the service
  test [...]   runs the tests; the rest goes to mocha: files, folders, --grep ...
  build        compiles into dist/, types checked
  check        types, rules, formatting, imports
  bench [...]  measures the raw token, then the service on it (--help)
  chaos [...]  kills, cuts and breaks what a running service stands on, for a long time: all of it, or these files
  fuzz [...]   sends what nobody would send to everything that strangers may send to (--help)
  conformance  has others' tools judge what the service makes (--require: a missing one fails): all, or these files
  demo <file>  signs a file with the running service
Environment: INTAGLIO_HOME (default .local), PORT, INTAGLIO_CONFIG, DATABASE_URL, PKCS11_MODULE`

/** What takes too long, or needs more than the machine has by itself, for every run of the tests. */
const CHAOS = 'test/chaos/**/*.chaos.ts'
const JUDGES = 'test/conformance/**/*.judge.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const local = join(root, '.local')
const home = resolve(process.env.INTAGLIO_HOME || local)

const commands = {
  start: async () => {
    const module = await prepare()
    await build(root)
    return serve({ root, home, module })
  },
  test: async (args) => {
    const module = await prepare()
    await buildWithTests(root)
    await ensureNss()
    return test({ root, home, module, args })
  },
  check: async () => {
    await prepareDependencies()
    return check(root)
  },
  bench: async (args) => bench({ root, home, module: await prepare(), args }),
  chaos: async (args) => {
    const module = await prepare()
    await buildWithTests(root)
    return test({ root, home, module, args: ['--no-parallel', ...unlessNamed(CHAOS, args)] })
  },
  fuzz: async (args) => {
    const module = await prepare()
    await buildWithTests(root)
    return fuzz({ root, home, module, args })
  },
  conformance: async (args) => {
    const module = await prepare()
    await buildWithTests(root)
    const env = args.includes('--require') ? { INTAGLIO_TEST_REQUIRE: '1' } : {}
    const rest = args.filter((arg) => arg !== '--require')
    return test({ root, home, module, args: ['--no-parallel', ...unlessNamed(JUDGES, rest)], env })
  },
  build: async () => {
    await prepareDependencies()
    await build(root, { checked: true })
    return 0
  },
  demo: async (args) => {
    const env = { ...process.env, INTAGLIO_HOME: home }
    return attend(
      spawn(process.execPath, [join(root, 'scripts', 'demo.mjs'), ...args], { env, stdio: 'inherit' }),
    )
  },
}

try {
  const [name = 'help', ...args] = process.argv.slice(2)
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) throw new Stop(USAGE)
  checkNode()
  // Said, and not left to the end of all work: a database that still starts would keep a failed command alive.
  process.exit(await command(args))
} catch (error) {
  // What the system refuses (a folder of somebody else, a full disk) it says itself, with the path.
  if (!(error instanceof Stop) && !error.syscall) throw error
  say(error.message)
  process.exit(1)
}

/** All files of a kind, or those that are named. */
function unlessNamed(all, args) {
  return args.some((arg) => arg.endsWith('.ts')) ? args : [all, ...args]
}

/** What the machine and the checkout lack to run and test is fetched. @returns {Promise<string>} the PKCS#11 module */
async function prepare() {
  makeHome()
  const tools = await missingForDependencies()
  if (findModule(local)) await install(tools)
  else if (tools.length === 0 && process.getuid?.() !== 0 && canUnpack()) await unpack(local)
  else await install(['module', ...tools])
  await installDependencies(root)
  const module = findModule(local)
  if (module) return module
  throw new Stop('SoftHSM was installed and is not where it is looked for. Name it by PKCS11_MODULE.')
}

/** What checks and builds need: no token and no database. */
async function prepareDependencies() {
  await install(await missingForDependencies())
  await installDependencies(root)
}

async function missingForDependencies() {
  return dependenciesAreCurrent(root) ? [] : missingTools()
}

function makeHome() {
  try {
    // Others may pass through, to what is theirs: as root, the database runs as another user. They cannot look around.
    mkdirSync(home, { recursive: true, mode: 0o711 })
    accessSync(home, constants.W_OK)
  } catch (error) {
    throw new Stop(`${home} cannot be written to (${error.code}). Choose another place by INTAGLIO_HOME.`)
  }
}
