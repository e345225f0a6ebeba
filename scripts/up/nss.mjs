import { existsSync } from 'node:fs'
import { tryInstall } from './packages.mjs'

const CPU = { x64: 'x86_64', arm64: 'aarch64' }[process.arch] ?? process.arch
const PLACES = [
  `/usr/lib/${CPU}-linux-gnu/libsoftokn3.so`,
  `/usr/lib/${CPU}-linux-gnu/nss/libsoftokn3.so`,
  '/usr/lib64/libsoftokn3.so',
  '/opt/homebrew/lib/libsoftokn3.dylib',
]

/** A second make of token for the tests of the token layer: they skip it, saying so, where it is not. */
export async function ensureNss() {
  if (!PLACES.some((path) => existsSync(path))) await tryInstall('nss')
}
