import { readFileSync } from 'node:fs'

/** The package's version, from sources and from the built tree alike (dist/src is one level deeper). */
export const version = readVersion(['../package.json', '../../package.json'])

function readVersion(places: readonly string[]): string {
  for (const place of places) {
    try {
      const { version } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as {
        version: string
      }
      return version
    } catch {
      // The other place.
    }
  }
  return 'unknown'
}
