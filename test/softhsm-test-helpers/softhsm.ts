/** Fresh SoftHSM tokens for tests, each in a directory of its own. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TokenConfigShape } from '../../hsm/types.ts'
import type { ToolCommand } from './tokenTool.ts'

const MODULES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
]

export interface SoftToken {
  readonly directory: string
  /** Where SoftHSM keeps its objects: what "the token is gone" takes away. */
  readonly objects: string
  readonly serial: string
  readonly pin: string
  readonly config: TokenConfigShape
  /** Does something to the token behind the service's back. */
  readonly tool: (command: ToolCommand) => Record<string, unknown>
  /** Deletes the directory. */
  readonly remove: () => void
}

/** The SoftHSM module of this machine: PKCS11_MODULE, or where packages put it. */
export function softhsmModule(): string {
  const module = process.env['PKCS11_MODULE'] ?? MODULES.find((path) => existsSync(path))
  if (module === undefined) throw new Error('SoftHSM is not installed, and PKCS11_MODULE is not set.')
  return module
}

/**
 * Makes and initialises a token. It holds nothing yet: `Token.open` with `prepare` makes the service secrets.
 * @param options.beside in the directory of another one, so that one process can reach both.
 * @param options.copyOf a token that nobody uses: with all that it holds, and its serial.
 */
export function makeSoftToken(
  options: {
    label?: string
    signers?: number
    beside?: SoftToken
    copyOf?: Pick<SoftToken, 'objects' | 'serial'> | undefined
  } = {},
): SoftToken {
  const { label = 'intaglio-test', signers = 2, beside, copyOf } = options
  const module = softhsmModule()
  const directory = beside?.directory ?? mkdtempSync(join(tmpdir(), 'intaglio-softhsm-'))
  const objects = join(directory, 'tokens')
  mkdirSync(objects, { mode: 0o700, recursive: true })
  const conf = join(directory, 'softhsm2.conf')
  writeFileSync(conf, `directories.tokendir = ${objects}\nobjectstore.backend = file\nlog.level = ERROR\n`)
  const pin = '271828'
  const file = join(directory, 'pin')
  writeFileSync(file, `${pin}\n`, { mode: 0o600 })
  const environment = { SOFTHSM2_CONF: conf }
  const tool = (command: ToolCommand): Record<string, unknown> =>
    runTool({ module, label, command }, environment)
  if (copyOf !== undefined) cpSync(copyOf.objects, objects, { recursive: true })
  const serial = copyOf?.serial ?? tool({ do: 'init', label, soPin: '3141592653', pin })['serial']
  if (typeof serial !== 'string') throw new Error('the token was not initialised')
  return {
    directory,
    objects,
    serial,
    pin,
    config: {
      name: 'test',
      module,
      provider: 'softhsm',
      label,
      pin: { file, version: 1, allowFinalTry: false },
      signers,
      environment,
    },
    tool,
    remove: () => {
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Built before each run. */
const TOOL = resolve(import.meta.dirname, '../../dist-test/test/softhsm-test-helpers/tokenTool.js')

/** Runs one command of tokenTool.ts in a process of its own. */
export function runTool(input: object, environment: Record<string, string>): Record<string, unknown> {
  const ran = spawnSync(process.execPath, [TOOL], {
    env: environment,
    input: JSON.stringify(input),
    encoding: 'utf8',
  })
  if (ran.status !== 0) throw new Error(`the token tool failed: ${ran.stderr}`)
  return JSON.parse(ran.stdout) as Record<string, unknown>
}
