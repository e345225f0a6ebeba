/** Fresh tokens of NSS softokn for tests: no daemon, no root, a database file in a directory of its own. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runTool, type SoftToken } from './softhsm.ts'
import type { ToolCommand } from './tokenTool.ts'

const MODULES = [
  '/usr/lib/x86_64-linux-gnu/libsoftokn3.so',
  '/usr/lib/aarch64-linux-gnu/libsoftokn3.so',
  '/usr/lib/x86_64-linux-gnu/nss/libsoftokn3.so',
  '/usr/lib/aarch64-linux-gnu/nss/libsoftokn3.so',
  '/usr/lib64/libsoftokn3.so',
  '/opt/homebrew/lib/libsoftokn3.dylib',
]
/** What NSS calls the token of its database. */
const LABEL = 'NSS Certificate DB'

/** The module of this machine, or undefined. */
export const nssModule = (): string | undefined => MODULES.find((path) => existsSync(path))

/** Makes a database and sets its PIN. */
export function makeNssToken(options: { signers?: number } = {}): SoftToken {
  const module = nssModule()
  if (module === undefined) throw new Error('NSS is not installed.')
  const directory = mkdtempSync(join(tmpdir(), 'intaglio-nss-'))
  const libraryParameters = `configdir='sql:${directory}' certPrefix='' keyPrefix='' secmod='secmod.db' flags= `
  const pin = '271828'
  const file = join(directory, 'pin')
  writeFileSync(file, `${pin}\n`, { mode: 0o600 })
  const tool = (command: ToolCommand): Record<string, unknown> =>
    runTool({ module, libraryParameters, label: LABEL, command }, {})
  const { serial } = tool({ do: 'initPin', soPin: '', pin })
  if (typeof serial !== 'string') throw new Error('the token was not initialised')
  return {
    directory,
    objects: directory,
    serial,
    pin,
    config: {
      name: 'test',
      module,
      provider: 'nss',
      label: LABEL,
      libraryParameters,
      pin: { file, version: 1, allowFinalTry: false },
      signers: options.signers ?? 2,
      environment: {},
    },
    tool,
    remove: () => {
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
