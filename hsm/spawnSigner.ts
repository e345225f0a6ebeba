import { spawn, type ChildProcess } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

const entry = new URL(`./signer/main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/**
 * Until the signer ignores SIGUSR1 itself, Node would open its inspector at that signal. Where it cannot be told not to
 * (before 22.14), it is told to listen where no machine can: at an address set aside for documentation (RFC 5737).
 */
const NO_INSPECTOR = process.allowedNodeEnvironmentFlags.has('--disable-sigusr1')
  ? '--disable-sigusr1'
  : '--inspect-port=192.0.2.1:1024'

/** In a session of its own, so that a Ctrl-C reaches the service alone; with no more environment than configured. */
export function spawnSigner(
  environment: Readonly<Record<string, string>>,
  concurrency: number,
): ChildProcess {
  const path = fileURLToPath(entry)
  // From sources, in development and tests, the loader that this process runs under is needed there too.
  const loader = path.endsWith('.ts') ? ['--import', resolved('tsx')] : []
  return spawn(process.execPath, [NO_INSPECTOR, ...loader, path], {
    env: { ...ALLOCATOR, ...environment, ...(concurrency > 1 ? threads(concurrency) : {}) },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
  })
}

/**
 * Small blocks that a thread keeps of each size (glibc; others ignore it). A module gives back and takes hundreds for
 * each signature: with glibc's 7, each goes through the heap's own lists, which are long once a token holds thousands of
 * keys (a quarter of a signer's time at 50,000).
 */
const ALLOCATOR = { GLIBC_TUNABLES: 'glibc.malloc.tcache_count=2000' }

/** A thread for each operation in the token, and two for files; Node reads it at the start only. */
const threads = (concurrency: number): Record<string, string> => ({
  UV_THREADPOOL_SIZE: String(concurrency + 2),
})

const resolved = (name: string): string => pathToFileURL(createRequire(import.meta.url).resolve(name)).href
