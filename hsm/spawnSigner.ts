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
  return spawn(process.execPath, [NO_INSPECTOR, OWN_THREAD, ...loader, path], {
    env: { ...ALLOCATOR, ...environment, ...(concurrency > 1 ? threads(concurrency) : {}) },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
  })
}

/**
 * Blocks are given back by the thread that took them. V8 would free the buffers of calls to the module on threads of its
 * own, whose caches keep them: each new one would be cut from the heap of a token's objects, far apart once there are
 * thousands (a sixth of a signer's time at 50,000 keys).
 */
const OWN_THREAD = '--single-threaded-gc'

/**
 * glibc's allocator (others ignore it). Small blocks that a thread keeps of each size: a module gives back and takes
 * hundreds for each signature, and with glibc's 7 each goes through the heap's own lists. Large pages, where the system
 * gives them to those who ask: a token of 50,000 keys is 900 MB of small objects.
 */
const ALLOCATOR = { GLIBC_TUNABLES: 'glibc.malloc.tcache_count=2000:glibc.malloc.hugetlb=1' }

/** A thread for each operation in the token, and two for files; Node reads it at the start only. */
const threads = (concurrency: number): Record<string, string> => ({
  UV_THREADPOOL_SIZE: String(concurrency + 2),
})

const resolved = (name: string): string => pathToFileURL(createRequire(import.meta.url).resolve(name)).href
