import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { which } from './needs.mjs'
import { run, tail } from './run.mjs'
import { say, step, Stop } from './say.mjs'

const FILE = 'libsofthsm2.so'
const CPU = { x64: 'x86_64', arm64: 'aarch64' }[process.arch] ?? process.arch
const SYSTEM = ['lib/softhsm', `lib/${CPU}-linux-gnu/softhsm`, 'lib64/softhsm', 'lib64/pkcs11', 'lib/pkcs11']
const OTHERS = ['/usr/local/lib/softhsm', '/opt/homebrew/lib/softhsm', '/opt/local/lib/softhsm']

/**
 * @param {string} local the checkout's own folder, where a SoftHSM without root is unpacked
 * @returns {string | undefined} path of the PKCS#11 module
 * @throws {Stop} PKCS11_MODULE names a file that is not there
 */
export function findModule(local) {
  const given = process.env.PKCS11_MODULE
  if (given) {
    if (existsSync(given)) return given
    throw new Stop(
      `PKCS11_MODULE names ${given}, which is not there. Correct it, or unset it to use SoftHSM.`,
    )
  }
  const own = SYSTEM.map((folder) => join(local, 'softhsm', 'usr', folder))
  const folders = [...SYSTEM.map((folder) => join('/usr', folder)), ...OTHERS, ...own]
  return folders.map((folder) => join(folder, FILE)).find((path) => existsSync(path))
}

/** Unpacking needs no root; the module finds its few libraries in the system. */
export function canUnpack() {
  return which('apt-get') !== undefined && which('dpkg') !== undefined
}

/**
 * Unpacks Debian's or Ubuntu's SoftHSM into the checkout, with package lists and a cache of its own.
 * @param {string} local
 */
export async function unpack(local) {
  const target = join(local, 'softhsm')
  const aside = `${target}.${process.pid}.new`
  await step('Unpacking SoftHSM', async () => {
    try {
      await download(aside)
      const deb = readdirSync(aside).find((name) => name.endsWith('.deb'))
      if (!deb) throw new Stop('SoftHSM could not be fetched: no package came.')
      await need('dpkg', ['-x', join(aside, deb), join(aside, 'root')], aside)
      rmSync(target, { recursive: true, force: true })
      renameSync(join(aside, 'root'), target)
    } finally {
      rmSync(aside, { recursive: true, force: true })
    }
  })
  say(`SoftHSM was unpacked into ${join(basename(local), 'softhsm')}, for this checkout only.`)
}

async function download(aside) {
  const [lists, cache] = [join(aside, 'lists'), join(aside, 'cache')]
  mkdirSync(join(lists, 'partial'), { recursive: true })
  mkdirSync(join(cache, 'archives', 'partial'), { recursive: true })
  const own = ['-o', `Dir::State::Lists=${lists}`, '-o', `Dir::Cache=${cache}`, '-o', 'Debug::NoLocking=1']
  // One broken source fails the whole refresh, and what is needed may still be there.
  await run('apt-get', [...own, 'update'], { cwd: aside })
  await need('apt-get', [...own, 'download', 'libsofthsm2'], aside)
}

async function need(command, args, cwd) {
  const { code, output } = await run(command, args, { cwd })
  if (code === 0) return
  throw new Stop(
    `SoftHSM could not be fetched:\n${tail(output, 5)}\n` +
      'Ask an administrator to run `apt-get install softhsm2`, or name a PKCS#11 module by PKCS11_MODULE.',
  )
}
