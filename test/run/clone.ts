import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))

export interface User {
  readonly uid: number
  readonly gid: number
}

/** The checkout as another machine would have it: the files that git knows or would take, and installed dependencies. */
export class Clone {
  readonly root: string
  readonly #folder: string

  /** @param how.mode of the folder around it. @param how.owner whose files they are. */
  constructor(how: { readonly mode: number; readonly owner?: User | undefined }) {
    this.#folder = mkdtempSync(join(tmpdir(), 'intaglio-clone-'))
    this.root = join(this.#folder, 'intaglio')
    mkdirSync(this.root)
    const files = repositoryFiles()
    const folders = new Set<string>(['.'])
    for (const file of files) {
      for (let folder = dirname(file); folder !== '.'; folder = dirname(folder)) folders.add(folder)
      cpSync(join(REPOSITORY, file), join(this.root, file))
    }
    linkTree(join(REPOSITORY, 'node_modules'), join(this.root, 'node_modules'))
    // Not the dependencies: they are the same files as the repository's.
    const { owner } = how
    if (owner !== undefined) {
      for (const path of ['..', ...folders, ...files]) chownSync(join(this.root, path), owner.uid, owner.gid)
    }
    chmodSync(this.#folder, how.mode)
  }

  /** A home for one service. It need not be there yet. */
  home(name: string): string {
    return join(this.root, `.local-${name}`)
  }

  /** Where the database of a home is, if it is not in it. */
  elsewhere(name: string): string | undefined {
    const pointer = join(this.home(name), 'elsewhere')
    return existsSync(pointer) ? readFileSync(pointer, 'utf8').trim() : undefined
  }

  remove(...homes: string[]): void {
    for (const name of homes) {
      const elsewhere = this.elsewhere(name)
      if (elsewhere !== undefined) rmSync(elsewhere, { recursive: true, force: true })
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function repositoryFiles(): string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const listed = execFileSync('git', args, { cwd: REPOSITORY, encoding: 'utf8' }).split('\0')
  return listed.filter((file) => file !== '' && existsSync(join(REPOSITORY, file)))
}

/** Hard links where the file system has them: 20,000 files in a moment and no space. */
function linkTree(from: string, to: string): void {
  try {
    execFileSync('cp', ['-al', from, to], { stdio: 'ignore' })
  } catch {
    rmSync(to, { recursive: true, force: true })
    execFileSync('cp', ['-a', from, to])
  }
}
