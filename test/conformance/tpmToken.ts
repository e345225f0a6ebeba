/** A TPM 2.0 in software (swtpm), its resource manager on a bus of its own, and tpm2-pkcs11 above it. No root. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TokenConfigShape } from '../../hsm/types.ts'
import { until } from '../hsm/support.ts'
import { commandPath, firstThere, type Probe } from './judge.ts'

const MODULES = [
  '/usr/lib/x86_64-linux-gnu/pkcs11/libtpm2_pkcs11.so',
  '/usr/lib/aarch64-linux-gnu/pkcs11/libtpm2_pkcs11.so',
  '/usr/lib64/pkcs11/libtpm2_pkcs11.so',
]
const TOOLS = ['swtpm', 'tpm2-abrmd', 'tpm2_ptool', 'dbus-daemon'] as const
const LABEL = 'intaglio-tpm'

export function probeTpm(): Probe {
  const lacking: string[] = TOOLS.filter((tool) => commandPath(tool) === undefined)
  if (firstThere(MODULES) === undefined) lacking.push('libtpm2_pkcs11.so')
  if (lacking.length > 0) return { missing: `not installed: ${lacking.join(', ')}` }
  const version = (name: string): string =>
    spawnSync('dpkg-query', ['-W', '-f=${Version}', name], { encoding: 'utf8' }).stdout || 'unknown'
  return { version: `${version('libtpm2-pkcs11-1')} on swtpm ${version('swtpm')}` }
}

export interface TpmToken {
  readonly config: TokenConfigShape
  readonly close: () => Promise<void>
}

/** Makes a TPM and a token in it. */
export async function makeTpmToken(): Promise<TpmToken> {
  const directory = mkdtempSync(join(tmpdir(), 'intaglio-tpm-'))
  const processes: ChildProcess[] = []
  const close = async (): Promise<void> => {
    for (const child of processes.reverse()) await ended(child)
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    const environment = await startTpm(directory, processes)
    const pin = '271828'
    addToken({ directory, environment, pin })
    const file = join(directory, 'pin')
    writeFileSync(file, pin, { mode: 0o600 })
    const config = {
      name: 'tpm',
      module: firstThere(MODULES) ?? '',
      provider: 'tpm2',
      label: LABEL,
      pin: { file, version: 1, allowFinalTry: false },
      signers: 2,
      seals: 'softhsm',
      environment,
    }
    return { config, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The TPM, the bus, the resource manager: without one, a TPM soon has no room for another object. */
async function startTpm(directory: string, processes: ChildProcess[]): Promise<Record<string, string>> {
  const port = 20_000 + Math.floor(Math.random() * 10_000) * 2
  const state = join(directory, 'state')
  mkdirSync(state)
  const daemon = (command: string, args: readonly string[], env = {}): ChildProcess => {
    const stdio = ['ignore', 'pipe', 'inherit'] as const
    const child = spawn(commandPath(command) ?? command, args, {
      stdio: [...stdio],
      env: { ...process.env, ...env },
    })
    processes.push(child)
    return child
  }
  daemon('swtpm', [
    ...['socket', '--tpm2', '--tpmstate', `dir=${state}`, '--flags', 'not-need-init,startup-clear'],
    ...['--server', `type=tcp,port=${port}`, '--ctrl', `type=tcp,port=${port + 1}`],
  ])
  await until(() => answers(port + 1))
  const bus = daemon('dbus-daemon', ['--session', '--print-address', '--nofork'])
  if (bus.stdout === null) throw new Error('no bus')
  const [printed] = (await once(bus.stdout, 'data')) as [Buffer]
  const address = { DBUS_SESSION_BUS_ADDRESS: printed.toString().trim() }
  daemon('tpm2-abrmd', ['--session', '--allow-root', `--tcti=swtpm:host=127.0.0.1,port=${port}`], address)
  await until(() => isOnBus('com.intel.tss2.Tabrmd', address))
  const store = join(directory, 'store')
  mkdirSync(store, { mode: 0o700 })
  return { ...address, TPM2_PKCS11_TCTI: 'tabrmd:bus_type=session', TPM2_PKCS11_STORE: store }
}

function isOnBus(name: string, address: Record<string, string>): boolean {
  const ask = ['--session', '--print-reply', '--dest=org.freedesktop.DBus', '/']
  const asked = spawnSync('dbus-send', [...ask, 'org.freedesktop.DBus.NameHasOwner', `string:${name}`], {
    env: { ...process.env, ...address },
    encoding: 'utf8',
  })
  return asked.stdout.includes('boolean true')
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function addToken(r: { directory: string; environment: Record<string, string>; pin: string }): void {
  const tool = (...args: string[]): void => {
    const path = join(r.directory, 'store')
    execFileSync(commandPath('tpm2_ptool') ?? '', [...args, '--path', path], {
      env: {
        ...process.env,
        ...r.environment,
        TPM2TOOLS_TCTI: r.environment['TPM2_PKCS11_TCTI'],
      },
      stdio: 'pipe',
    })
  }
  tool('init')
  tool('addtoken', '--pid', '1', '--sopin', '31415926', '--userpin', r.pin, '--label', LABEL)
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill()
  await once(child, 'exit')
}
