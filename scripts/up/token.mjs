import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run, tail } from './run.mjs'
import { step, Stop } from './say.mjs'

const MAKE = fileURLToPath(new URL('makeToken.mjs', import.meta.url))

/**
 * The development token of a home: where the configuration's token keeps its PIN and SoftHSM's settings in the home, it
 * is made there. A configuration that names a token elsewhere, such as a network HSM, gets none made for it.
 * @param {{ root: string, home: string, module: string, config: string }} where config: path of the configuration file
 */
export async function ensureToken({ root, home, module, config }) {
  const wanted = homeToken(config, home)
  if (!wanted) return
  const folder = join(home, 'token')
  const tokens = join(folder, 'tokens')
  const made = join(folder, 'made')
  mkdirSync(tokens, { recursive: true, mode: 0o700 })
  if (existsSync(made)) {
    if (readdirSync(tokens).length > 0) return
    throw new Stop(
      `The token that was in ${tokens} is gone, and its keys with it. Put it back, ` +
        `or remove ${home} to start afresh with a new token and an empty database.`,
    )
  }
  const soPinFile = join(folder, 'so-pin')
  writeOnce(wanted.settings, softhsmSettings(tokens))
  writeOnce(soPinFile, randomBytes(16).toString('hex'))
  writeOnce(wanted.pinFile, randomBytes(16).toString('hex'))
  // In a process of its own: the module is foreign code, and this one goes on to look after the others.
  const env = { PATH: process.env.PATH, SOFTHSM2_CONF: wanted.settings }
  const args = [MAKE, module, wanted.label, soPinFile, wanted.pinFile]
  const { code, output } = await step('Making the token', () =>
    run(process.execPath, args, { cwd: root, env }),
  )
  if (code !== 0) throw new Stop(`The token could not be made with ${module}:\n${tail(output, 5)}`)
  writeFileSync(made, `${wanted.label}\n`)
}

/** @returns {{ label: string, pinFile: string, settings: string } | undefined} */
function homeToken(config, home) {
  const token = readConfig(config).tokens?.[0]
  const [pinFile, settings] = [token?.pin?.file, token?.environment?.SOFTHSM2_CONF]
  if (![pinFile, settings].every((path) => path?.startsWith('{home}/'))) return undefined
  const inHome = (path) => path.replaceAll('{home}', home)
  return { label: token.label, pinFile: inHome(pinFile), settings: inHome(settings) }
}

function readConfig(config) {
  try {
    return JSON.parse(readFileSync(config, 'utf8'))
  } catch {
    // The service says what is wrong with its configuration, and where.
    return {}
  }
}

function softhsmSettings(tokens) {
  const lines = [`directories.tokendir = ${tokens}`, 'objectstore.backend = file', 'log.level = ERROR']
  return `${lines.join('\n')}\nslots.removable = false\n`
}

/** A start that was broken off left the PIN that its token may have already: whole, because it is renamed into place. */
function writeOnce(path, content) {
  if (existsSync(path)) return
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.new`, content, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}
