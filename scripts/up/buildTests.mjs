import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, compile, digest, UNCHECKED } from './build.mjs'
import { alone } from './lock.mjs'

const CONFIG = 'tsconfig.test.json'
const MAKERS = ['scripts/up/build.mjs', 'scripts/up/buildTests.mjs']
/** What the programs import of the service is that of dist/: there is no second one. */
const OF_THE_SERVICE = ['config', 'hsm', 'src']

/**
 * Builds the service, and the programs that tests run in processes of their own. These go to dist-test/: what can make
 * the service fail on purpose must not stand where a production image is made of. Nothing is done where it is so already.
 * @param {string} root
 */
export async function buildWithTests(root) {
  await build(root)
  const target = join(root, 'dist-test')
  const marker = join(target, '.built')
  const { files } = JSON.parse(readFileSync(join(root, CONFIG), 'utf8'))
  const current = () => digest(root, [...MAKERS, CONFIG, ...files])
  const isCurrent = (state) => existsSync(marker) && readFileSync(marker, 'utf8') === state
  if (isCurrent(current())) return
  await alone(join(root, '.local', 'build.lock'), async () => {
    const state = current()
    if (isCurrent(state)) return
    rmSync(target, { recursive: true, force: true })
    mkdirSync(target)
    await compile(root, CONFIG, UNCHECKED)
    for (const folder of OF_THE_SERVICE) symlinkSync(join('..', 'dist', folder), join(target, folder))
    writeFileSync(marker, state)
  })
}
