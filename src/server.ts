import { Socket } from 'node:net'
import pino from 'pino'
import { loadConfig, type LoadedConfig } from '../config/load.ts'
import { createLogger } from './log.ts'
import { startService, type Service } from './service.ts'
import { startFailure } from './startFailure.ts'

/** The only reader of process.*: environment, arguments, signals, exit. */

/** The same signal may come twice, to the process group and from a parent that passes it on. */
const SAME_SIGNAL_MS = 500

const loaded = load()
const log = createLogger(loaded.config.log.level, pino.destination({ fd: process.stdout.fd, sync: true }))
for (const warning of loaded.warnings) log.warn(warning)

let service: Service | undefined
let told: number | undefined
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, signalled)
followParent(process.env['INTAGLIO_PARENT_FD'])

try {
  service = await startService({ config: loaded.config, log })
  if (told === undefined) process.stdout.write(`Intaglio ready at ${service.ctx.config.baseUrl}\n`)
  else await end()
} catch (error) {
  log.debug({ err: error }, 'the start failed')
  fail(startFailure(error, loaded.config))
}

function load(): LoadedConfig {
  try {
    return loadConfig({ env: process.env, cwd: process.cwd(), nodeVersion: process.versions.node })
  } catch (error) {
    return fail(startFailure(error, undefined))
  }
}

function fail(sentence: string): never {
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}

/** The first signal drains, a second one ends it. A signal during the start ends it once it is up. */
function signalled(): void {
  const now = Date.now()
  if (told === undefined) void drain()
  else if (now - told > SAME_SIGNAL_MS) process.exit(1)
}

async function drain(): Promise<void> {
  if (told !== undefined) return
  told = Date.now()
  if (service !== undefined) await end()
}

async function end(): Promise<void> {
  try {
    await service?.close()
    process.exit(0)
  } catch (error) {
    log.error({ err: error }, 'the service did not end cleanly')
    process.exit(1)
  }
}

/** Who started us holds the other end of this pipe: its end, by whatever death, is the word to drain. */
function followParent(descriptor: string | undefined): void {
  if (descriptor === undefined) return
  const pipe = openPipe(Number(descriptor))
  pipe.on('error', () => undefined)
  pipe.on('close', () => void drain())
  pipe.resume()
  pipe.unref()
}

function openPipe(fd: number): Socket {
  try {
    return new Socket({ fd, readable: true, writable: false })
  } catch {
    return fail(
      'INTAGLIO_PARENT_FD names no pipe: it is set by the program that starts the service, or not at all.',
    )
  }
}
