import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Config } from '../../config/config.ts'
import { makeSoftToken, type SoftToken } from '../softhsm-test-helpers/softhsm.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'

const root = resolve(import.meta.dirname, '../..')

/** Everything that a server process needs, and a folder for its files. */
export interface Installation {
  readonly home: string
  readonly database: TestDatabase
  readonly token: SoftToken
  /** Changes the configuration file that the next process reads. */
  configure(
    change: (config: Record<string, unknown> & Pick<Config, 'tokens' | 'http' | 'profile'>) => void,
  ): void
  run(env?: Readonly<Record<string, string>>, options?: { readonly parent?: boolean }): ServerProcess
  remove(): Promise<void>
}

export interface ServerProcess {
  readonly child: ChildProcess
  readonly pid: number
  /** Resolves with the URL of the ready line; rejects when the process ends before. */
  ready(): Promise<string>
  /** Exit status and everything that was printed. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; out: string; err: string }>
}

/** @param profile 'dev' makes operators and a demo credential, 'test' none. */
export async function install(profile: 'dev' | 'test' = 'test'): Promise<Installation> {
  const home = mkdtempSync(join(tmpdir(), 'intaglio-home-'))
  const database = await createTestDatabase()
  const token = makeSoftToken()
  const file = join(home, 'config.json')
  const config = JSON.parse(readFileSync(join(root, 'config/test.json'), 'utf8')) as Record<string, unknown> &
    Pick<Config, 'tokens' | 'http' | 'profile'>
  Object.assign(config, { profile, tokens: [token.config] })
  writeFileSync(file, JSON.stringify(config))
  writeFileSync(join(home, 'database-url'), database.url)
  writeFileSync(join(home, 'database-owner-url'), database.ownerUrl)
  const running = new Set<ChildProcess>()
  return {
    home,
    database,
    token,
    configure: (change) => {
      change(config)
      writeFileSync(file, JSON.stringify(config))
    },
    run: (env = {}, { parent = false } = {}) => {
      const started = runServer({ ...environment(home), INTAGLIO_CONFIG: file, ...env }, parent)
      running.add(started.child)
      return started
    },
    remove: async () => {
      for (const child of running) child.kill('SIGKILL')
      await database.drop()
      token.remove()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

function environment(home: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    INTAGLIO_HOME: home,
    INTAGLIO_DATABASE_URL_FILE: join(home, 'database-url'),
    INTAGLIO_DATABASE_OWNER_URL_FILE: join(home, 'database-owner-url'),
  }
}

function runServer(env: Record<string, string>, parent: boolean): ServerProcess {
  const child = spawn(process.execPath, [join(root, 'dist/src/server.js')], {
    cwd: root,
    env: parent ? { ...env, INTAGLIO_PARENT_FD: '3' } : env,
    stdio: ['ignore', 'pipe', 'pipe', ...(parent ? (['pipe'] as const) : [])],
  })
  let out = ''
  let err = ''
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const ended = new Promise<Awaited<ServerProcess['ended']>>((done) => {
    child.on('close', (code, signal) => done({ code, signal, out, err }))
  })
  const ready = (): Promise<string> =>
    new Promise((found, failed) => {
      const look = (): void => {
        const url = /^Intaglio ready at (.+)$/m.exec(out)?.[1]
        if (url !== undefined) found(url)
      }
      child.stdout?.on('data', look)
      look()
      void ended.then(() => failed(new Error(`the server ended: ${err}`)))
    })
  return { child, pid: child.pid ?? 0, ready, ended }
}
