import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { commandPath, type Probe } from './judge.ts'

const root = resolve(import.meta.dirname, '../..')
const DOCKERFILE = 'docker/Dockerfile'
const IGNORED = `${DOCKERFILE}.dockerignore`
/** What the Dockerfile is built on, where nobody says otherwise. */
const BASE = `docker.io/library/node:${/^ARG NODE=(\S+)$/m.exec(readFileSync(join(root, DOCKERFILE), 'utf8'))?.[1] ?? ''}`
const [, MAJOR = '', SUITE = ''] = /:(\d+)-(\w+)-slim$/.exec(BASE) ?? []
const REGISTRY = 'https://registry-1.docker.io/v2/'
const REGISTRY_MS = 5_000
const DEBIAN = 'http://deb.debian.org/debian'
/** Authorities of this machine: a registry of packages may be behind one of its own. */
const AUTHORITIES = '/etc/ssl/certs'
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** Capabilities that Buildah gives. It would drop `all` last, with those that are asked for. */
const GIVEN = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID'],
  ...['SETPCAP', 'SETUID'],
]
const run = promisify(execFile)

export function probeBuildah(): Probe {
  const buildah = commandPath('buildah')
  if (buildah === undefined) return { missing: 'there is no buildah (apt-get install buildah debootstrap)' }
  if (process.getuid?.() !== 0) return { missing: 'buildah runs containers without a daemon as root only' }
  const base = reachesRegistry() ? `on ${BASE}` : `on Debian ${SUITE} and npm's Node ${MAJOR}`
  if (!reachesRegistry() && commandPath('debootstrap') === undefined)
    return { missing: 'no registry of images is reached, and there is no debootstrap to make a base with' }
  return {
    version: `${execFileSync(buildah, ['--version'], { encoding: 'utf8' }).split(' ')[2] ?? ''} ${base}`,
  }
}

let registry: boolean | undefined
function reachesRegistry(): boolean {
  registry ??= answers()
  return registry
}

/** 401: it wants a token, which buildah gets by itself. */
function answers(): boolean {
  const ask = `fetch('${REGISTRY}').then(({ status }) => process.exit(status === 401 ? 0 : 1), () => process.exit(1))`
  try {
    execFileSync(process.execPath, ['-e', ask], { timeout: REGISTRY_MS, stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export interface BuiltImage {
  readonly name: string
  readonly seconds: number
  readonly megabytes: number
}

/** The image's own settings, as Docker has them. */
export interface ImageConfig {
  readonly User: string
  readonly Cmd: readonly string[]
  readonly Entrypoint?: readonly string[] | null
  readonly StopSignal: string
  readonly Env: readonly string[]
  readonly Labels: Readonly<Record<string, string>>
  readonly Healthcheck: { readonly Test: readonly string[] }
}

export interface RunOptions {
  readonly user?: string
  readonly env?: Readonly<Record<string, string>>
  /** Host path, container path, and options, as Docker writes them. */
  readonly volumes?: readonly string[]
  /** Besides none. */
  readonly capabilities?: readonly string[]
}

/** Builds the Dockerfile as it is, without a daemon, and runs what came of it in a chroot. */
export class Buildah {
  /** Debian and Node are kept for the next run, since they take minutes; images of the product are not. */
  readonly #cache: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'intaglio-buildah-'))

  constructor() {
    this.#cache = join(tmpdir(), `intaglio-judge-${process.getuid?.() ?? 0}`)
    mkdirSync(this.#cache, { recursive: true, mode: 0o700 })
    const { uid, mode } = statSync(this.#cache)
    if (uid !== process.getuid?.() || (mode & 0o077) !== 0)
      throw new Error(`${this.#cache} is not ours alone`)
  }

  async build(target: 'production' | 'dev'): Promise<BuiltImage> {
    if (!reachesRegistry()) await this.#makeBase()
    const name = `localhost/intaglio-judge:${target}-${process.pid}`
    const began = Date.now()
    const how = ['--isolation', 'chroot', '--format', 'docker', '--layers', '--target', target]
    const own = [
      '--secret',
      `id=npmrc,src=${await this.#npmrc()}`,
      '--volume',
      `${AUTHORITIES}:${AUTHORITIES}:ro`,
    ]
    const pull = reachesRegistry() ? [] : ['--pull-never']
    await this.buildah([
      'bud',
      ...how,
      ...pull,
      ...own,
      '--ignorefile',
      IGNORED,
      '-f',
      DOCKERFILE,
      '-t',
      name,
      '.',
    ])
    const seconds = (Date.now() - began) / 1000
    const [image] = JSON.parse(await this.buildah(['images', '--json', name])) as { size: string }[]
    return { name, seconds, megabytes: megabytes(image?.size ?? '') }
  }

  async config(image: BuiltImage): Promise<ImageConfig> {
    const text = await this.buildah(['inspect', '--type', 'image', image.name])
    const { Docker } = JSON.parse(text) as { Docker: { config: ImageConfig } }
    return Docker.config
  }

  /** @param hosts `name:address`. @returns the container's name */
  async container(image: BuiltImage, hosts: readonly string[] = []): Promise<string> {
    const more = hosts.flatMap((host) => ['--add-host', host])
    return (await this.buildah(['from', '--pull-never', ...more, image.name])).trim()
  }

  /** @returns where its files are */
  async mount(container: string): Promise<string> {
    return (await this.buildah(['mount', container])).trim()
  }

  /** Runs a command, in place of the image's own, to its end. @returns what it printed */
  async run(container: string, command: readonly string[], options: RunOptions = {}): Promise<string> {
    return this.buildah(runArguments(container, command, options))
  }

  start(container: string, command: readonly string[], options: RunOptions = {}): ChildProcess {
    return spawn('buildah', [...this.#storage(), ...runArguments(container, command, options)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  async buildah(args: readonly string[]): Promise<string> {
    const { stdout } = await run('buildah', [...this.#storage(), ...args], {
      cwd: root,
      maxBuffer: 64 << 20,
    })
    return stdout
  }

  async remove(): Promise<void> {
    await this.buildah(['rm', '--all'])
    await this.#removeImages()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** All but the base: layers of a build are images, too. */
  async #removeImages(): Promise<void> {
    const text = await this.buildah(['images', '--all', '--json'])
    const images = JSON.parse(text) as { id: string; names?: string[] | null }[]
    const made = images.filter(({ names }) => !(names ?? []).includes(BASE)).map(({ id }) => id)
    if (made.length > 0) await this.buildah(['rmi', '--force', ...new Set(made)])
  }

  #storage(): string[] {
    return ['--root', join(this.#cache, 'storage'), '--runroot', join(this.#folder, 'run')]
  }

  /** This machine's npm settings, for the time of the build: which registry, and who vouches for it. */
  async #npmrc(): Promise<string> {
    const file = join(this.#folder, 'npmrc')
    const { stdout } = await run('npm', ['config', 'get', 'userconfig'])
    const own = existsSync(stdout.trim()) ? readFileSync(stdout.trim(), 'utf8') : ''
    const registry = (await run('npm', ['config', 'get', 'registry'])).stdout.trim()
    // Where headers are is another question in there.
    const kept = own.split('\n').filter((line) => !/^(nodedir|cafile|registry)\b/.test(line))
    const lines = [...kept, `registry=${registry}`, `cafile=${AUTHORITIES}/ca-certificates.crt`, '']
    writeFileSync(file, lines.join('\n'), { mode: 0o600 })
    return file
  }

  /** What stands in for the official image: Debian's minimum, and Node and npm where that has them. */
  async #makeBase(): Promise<void> {
    if ((await this.buildah(['images', '--quiet', '--filter', `reference=${BASE}`])).trim() !== '') return
    const debian = await this.#cached(`debian-${SUITE}`, (folder) =>
      run('debootstrap', ['--variant=minbase', SUITE, folder, DEBIAN], { maxBuffer: 64 << 20 }),
    )
    const node = await this.#cached(`node-${MAJOR}`, makeNode)
    const container = (await this.buildah(['from', 'scratch'])).trim()
    await this.buildah(['add', '--quiet', container, debian, '/'])
    await this.buildah(['add', '--quiet', container, node, '/usr/local'])
    await this.buildah(['config', '--env', `PATH=${PATH}`, '--cmd', 'node', container])
    await this.buildah(['commit', '--quiet', '--rm', container, BASE])
  }

  async #cached(name: string, make: (folder: string) => Promise<unknown>): Promise<string> {
    const folder = join(this.#cache, name)
    if (existsSync(folder)) return folder
    rmSync(`${folder}.new`, { recursive: true, force: true })
    await make(`${folder}.new`)
    renameSync(`${folder}.new`, folder)
    return folder
  }
}

/** The official image's /usr/local: npm serves Node's binary and headers, too; npm itself is this machine's. */
async function makeNode(folder: string): Promise<void> {
  const name = `node-${process.platform}-${process.arch}`
  await run('npm', ['install', '--prefix', folder, '--no-save', `${name}@${MAJOR}`])
  const from = join(folder, 'node_modules', name)
  for (const part of ['bin', 'include']) cpSync(join(from, part), join(folder, part), { recursive: true })
  rmSync(join(folder, 'node_modules'), { recursive: true })
  const npm = (await run('npm', ['root', '--global'])).stdout.trim()
  cpSync(join(npm, 'npm'), join(folder, 'lib/node_modules/npm'), { recursive: true })
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(folder, 'bin/npm'))
}

function runArguments(container: string, command: readonly string[], options: RunOptions): string[] {
  const { user, env = {}, volumes = [], capabilities = [] } = options
  const dropped = GIVEN.filter((name) => !capabilities.includes(name))
  return [
    ...['run', '--isolation', 'chroot'],
    ...dropped.flatMap((name) => ['--cap-drop', `CAP_${name}`]),
    ...(user === undefined ? [] : ['--user', user]),
    ...Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...volumes.flatMap((volume) => ['--volume', volume]),
    ...[container, '--', ...command],
  ]
}

function megabytes(size: string): number {
  const [, number = '', unit = ''] = /^([0-9.]+) ?(\w+)$/.exec(size) ?? []
  return Number(number) * (unit === 'GB' ? 1000 : unit === 'MB' ? 1 : Number.NaN)
}
