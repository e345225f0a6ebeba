import { spawnSync } from 'node:child_process'
import { chownSync, closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A disk of its own, small enough to be filled: a tmpfs, where this process may mount one. */
export class SmallDisk {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** @returns undefined where nothing can be mounted */
  static mount(megabytes: number, owner: { uid: number; gid: number } | undefined): SmallDisk | undefined {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined
    const path = mkdtempSync(join(tmpdir(), 'intaglio-disk-'))
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=711`, 'tmpfs', path])
    if (mounted.status !== 0) {
      rmSync(path, { recursive: true })
      return undefined
    }
    if (owner !== undefined) chownSync(path, owner.uid, owner.gid)
    return new SmallDisk(path)
  }

  /** Leaves less than a page. */
  fill(): void {
    const ballast = openSync(join(this.path, 'ballast'), 'a')
    const piece = Buffer.alloc(4096)
    try {
      for (;;) writeSync(ballast, piece)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      closeSync(ballast)
    }
  }

  free(): void {
    rmSync(join(this.path, 'ballast'), { force: true })
  }

  unmount(): void {
    spawnSync('umount', [this.path])
    rmSync(this.path, { recursive: true, force: true })
  }
}
