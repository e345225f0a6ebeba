/** openCryptoki's soft token: a daemon, as root, and one place for its files on each machine. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runTool, type SoftToken } from '../softhsm-test-helpers/softhsm.ts'
import type { ToolCommand } from '../softhsm-test-helpers/tokenTool.ts'
import { until } from '../hsm/support.ts'
import { commandPath, firstThere, type Probe } from './judge.ts'

const MODULES = [
  '/usr/lib/x86_64-linux-gnu/opencryptoki/libopencryptoki.so.0',
  '/usr/lib/aarch64-linux-gnu/opencryptoki/libopencryptoki.so.0',
  '/usr/lib64/opencryptoki/libopencryptoki.so.0',
]
const FILES = '/var/lib/opencryptoki/swtok'
const SHARED_MEMORY = '/dev/shm/var.lib.opencryptoki.swtok'
const PID_FILE = '/var/run/pkcsslotd.pid'
const LABEL = 'intaglio-ock'

export function probeOck(): Probe {
  const daemon = commandPath('pkcsslotd')
  if (firstThere(MODULES) === undefined || daemon === undefined)
    return { missing: 'openCryptoki is not installed' }
  if (process.getuid?.() !== 0) return { missing: 'openCryptoki’s daemon wants root' }
  if (existsSync(PID_FILE)) return { missing: 'openCryptoki’s daemon runs already, for somebody else' }
  if (existsSync(join(FILES, 'NVTOK.DAT')))
    return { missing: 'this machine has an openCryptoki token in use' }
  const said = spawnSync('dpkg-query', ['-W', '-f=${Version}', 'opencryptoki'], { encoding: 'utf8' })
  return { version: said.status === 0 ? said.stdout : 'of an unknown version' }
}

/** Starts the daemon and initialises the soft token; `remove` ends the daemon and takes its files away. */
export async function makeOckToken(): Promise<SoftToken> {
  const module = firstThere(MODULES)
  const daemon = commandPath('pkcsslotd')
  if (module === undefined || daemon === undefined) throw new Error('openCryptoki is not installed')
  execFileSync(daemon)
  await until(() => existsSync(PID_FILE))
  const directory = mkdtempSync(join(tmpdir(), 'intaglio-ock-'))
  const pin = '271828'
  const file = join(directory, 'pin')
  writeFileSync(file, pin, { mode: 0o600 })
  const tool = (command: ToolCommand): Record<string, unknown> =>
    runTool({ module, label: LABEL, command }, {})
  const { serial } = tool({ do: 'initFactory', label: LABEL, soPin: '31415926', pin })
  return {
    directory,
    objects: FILES,
    serial: String(serial),
    pin,
    config: {
      name: 'ock',
      module,
      provider: 'opencryptoki',
      label: LABEL,
      pin: { file, version: 1, allowFinalTry: false },
      signers: 2,
      environment: {},
    },
    tool,
    remove: () => {
      process.kill(Number(readFileSync(PID_FILE, 'utf8').trim()))
      rmSync(PID_FILE, { force: true })
      for (const name of ['NVTOK.DAT', 'MK_SO', 'MK_USER']) rmSync(join(FILES, name), { force: true })
      const objects = join(FILES, 'TOK_OBJ')
      for (const name of readdirSync(objects)) rmSync(join(objects, name), { force: true })
      rmSync(SHARED_MEMORY, { force: true })
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
