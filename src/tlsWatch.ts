import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { Named } from '../config/databaseTls.ts'
import { raise } from './alarms.ts'
import { readTlsFiles, type TlsFiles, type TlsMaterial } from './tlsFiles.ts'

/** Files are looked at this often; what changed is read when it has stood still for one look, so that pairs are whole. */
const LOOK_MS = 1_000
/** Time enough for people to get another one, also over a holiday. */
const ENDING_MS = 14 * 86_400_000
/** How often they are reminded. */
const REMIND_MS = 12 * 3_600_000

/**
 * Keeps looking at files in use, gives what they hold anew to `use`, and reminds of a certificate's end. Files that cannot
 * be used change nothing, and raise an alarm.
 * @param watched.material what is in use
 * @returns a function that ends it
 */
export function watchTlsFiles(watched: {
  readonly files: TlsFiles
  readonly material: TlsMaterial
  readonly log: Logger
  readonly use: (material: TlsMaterial) => void
}): () => void {
  const watch = new Watch(watched)
  const timer = setInterval(() => void watch.look(), LOOK_MS)
  timer.unref()
  void watch.look()
  return () => clearInterval(timer)
}

class Watch {
  readonly #watched: Parameters<typeof watchTlsFiles>[0]
  readonly #paths: readonly Named[]
  #material: TlsMaterial
  /** As the files stood at the last look, and when they were last read: before this watch began, nobody knows how. */
  #seen = ''
  #read = ''
  #remindedAt = -Infinity
  #looking = false

  constructor(watched: Parameters<typeof watchTlsFiles>[0]) {
    const { certificate, key, ca } = watched.files
    this.#watched = watched
    this.#paths = [certificate, key, ca].filter((file) => file !== undefined)
    this.#material = watched.material
  }

  async look(): Promise<void> {
    // A file system that hangs is looked at once.
    if (this.#looking) return
    this.#looking = true
    const state = await stateOf(this.#paths)
    this.#looking = false
    if (state !== this.#read && state === this.#seen) this.#reload(state)
    this.#seen = state
    this.#remind()
  }

  #reload(state: string): void {
    this.#read = state
    const { files, log, use } = this.#watched
    try {
      const material = readTlsFiles(files)
      if (isSame(material, this.#material)) return
      use(material)
      this.#material = material
      this.#remindedAt = -Infinity
      log.info({ certificate: files.certificate?.file, endsAt: material.endsAt }, 'TLS files were read anew')
    } catch (error) {
      const says = 'changed TLS files cannot be used; those read before stay in use'
      raise(log, 'tls_reload_failed', { says, err: error })
    }
  }

  #remind(): void {
    const { endsAt } = this.#material
    if (endsAt === undefined || performance.now() - this.#remindedAt < REMIND_MS) return
    const left = endsAt.getTime() - Date.now()
    if (left > ENDING_MS) return
    this.#remindedAt = performance.now()
    const { certificate } = this.#watched.files
    const what = { path: certificate?.path, endsAt }
    const { log } = this.#watched
    if (left <= 0) raise(log, 'tls_certificate_ending', { says: 'a TLS certificate has ended', ...what })
    else
      log.warn(
        { alarm: 'tls_certificate_ending', severity: 'warning', ...what },
        'a TLS certificate ends soon',
      )
  }
}

function isSame(one: TlsMaterial, other: TlsMaterial): boolean {
  const digest = ({ cert, key, ca }: TlsMaterial): string =>
    [cert, key, ca]
      .map((part) =>
        createHash('sha256')
          .update(part ?? '')
          .digest('hex'),
      )
      .join(' ')
  return digest(one) === digest(other)
}

/** Which files stand there, without reading them: links are followed, so a swapped one is another file. */
async function stateOf(files: readonly Named[]): Promise<string> {
  const each = files.map(async ({ file }) => {
    const found = await stat(file).catch(() => undefined)
    return found === undefined
      ? 'none'
      : [found.dev, found.ino, found.size, found.mtimeMs, found.ctimeMs].join(' ')
  })
  return (await Promise.all(each)).join('\n')
}
