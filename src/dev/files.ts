import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Only the user who runs the service reads what stands in these files. */
const PRIVATE = 0o600

/** Writes JSON aside and renames it: a reader sees the old file or the new one, never half of one. */
export async function writePrivate(path: string, content: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const aside = `${path}.new`
  await writeFile(aside, `${JSON.stringify(content, undefined, 2)}\n`, { mode: PRIVATE })
  await rename(aside, path)
}
