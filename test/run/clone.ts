import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))

export interface User {
  readonly uid: number
  readonly gid: number
}

interface CloneOptions {
  /** Of the folder around it. */
  readonly mode: number
  /** Whose files they are. */
  readonly owner?: User | undefined
  /** Without the build, which every start of an unbuilt clone would take its time to make. */
  readonly unbuilt?: boolean
}

/** The checkout as another machine would have it: the files that git knows or would take, and installed dependencies. */
export class Clone {
  readonly root: string
  readonly #folder: string

  constructor({ mode, owner, unbuilt = false }: CloneOptions) {
    this.#folder = mkdtempSync(join(tmpdir(), 'intaglio-clone-'))
    this.root = join(this.#folder, 'intaglio')
    mkdirSync(this.root)
    for (const file of repositoryFiles()) cpSync(join(REPOSITORY, file), join(this.root, file))
    if (!unbuilt) cpSync(join(builtOnce(), 'dist'), join(this.root, 'dist'), { recursive: true })
    // Before the dependencies come: they are the same files as the repository's.
    if (owner !== undefined) giveTo(this.#folder, owner)
    linkTree(realpathSync(join(REPOSITORY, 'node_modules')), join(this.root, 'node_modules'))
    chmodSync(this.#folder, mode)
  }

  /** Brings its build to what its sources say, as a start does. */
  build(): void {
    const script = "import { build } from './scripts/up/build.mjs'; await build(process.cwd())"
    execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: this.root,
      stdio: 'pipe',
    })
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
  // A folder of dependencies that is a link is no folder to git, and is not ignored.
  return listed.filter(
    (file) => file !== '' && lstatSync(join(REPOSITORY, file), { throwIfNoEntry: false })?.isFile(),
  )
}

let template: Clone | undefined

/** A build for all clones of a run: the repository's own where it is what the files say, as it is before a run. */
function builtOnce(): string {
  if (template === undefined) {
    const made = new Clone({ mode: 0o700, unbuilt: true })
    cpSync(join(REPOSITORY, 'dist'), join(made.root, 'dist'), { recursive: true })
    made.build()
    process.once('exit', () => made.remove())
    template = made
  }
  return template.root
}

/** Links are neither followed nor given away: what they lead to is not the clone's. */
function giveTo(folder: string, owner: User): void {
  lchownSync(folder, owner.uid, owner.gid)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) giveTo(path, owner)
    else if (entry.isFile()) lchownSync(path, owner.uid, owner.gid)
  }
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
