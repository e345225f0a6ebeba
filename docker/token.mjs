// Makes the SoftHSM token of the home where there is none yet: what `npm start` does before it starts the service.
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { say, Stop } from '../scripts/up/say.mjs'
import { ensureToken } from '../scripts/up/token.mjs'

const { INTAGLIO_CONFIG: config, INTAGLIO_HOME: home, PKCS11_MODULE: module } = process.env

try {
  await ensureToken({ root: dirname(dirname(fileURLToPath(import.meta.url))), home, module, config })
} catch (error) {
  // What the system refuses (a full disk, a folder of somebody else) it says itself, with the path.
  if (!(error instanceof Stop) && !error.syscall) throw error
  say(error.message)
  process.exitCode = 1
}
