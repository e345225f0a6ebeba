/** Others' programs and tokens judge what the service makes: `npm run conformance`. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** What was found of a judge: its version, or the sentence that says what is missing. */
export type Probe = { readonly version: string } | { readonly missing: string }

/** Counts what was judged. */
export class Tally {
  readonly #counts = new Map<string, number>()

  /** @param what in the plural, such as 'signatures'. */
  add(what: string, count = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + count)
  }

  toString(): string {
    return [...this.#counts].map(([what, count]) => `${count} ${what}`).join(', ')
  }
}

/** With --require, a judge that is not installed is a failure. */
const isRequired = process.env['INTAGLIO_TEST_REQUIRE'] === '1'

/**
 * A suite that runs where its judge is installed. Where not, one test says so: skipped, or failed if all are required. At
 * the end name, version and counts are printed.
 */
export function judge(name: string, probe: () => Probe, suite: (tally: Tally) => void): void {
  describe(name, () => {
    const found = probe()
    if ('missing' in found) {
      it(`judges nothing: ${found.missing}`, function () {
        if (isRequired) throw new Error(found.missing)
        this.skip()
      })
      return
    }
    const tally = new Tally()
    afterEach(function () {
      tally.add(this.currentTest?.state === 'passed' ? 'tests passed' : 'tests failed')
    })
    after(() => {
      console.log(`    judged by ${name} ${found.version}: ${tally.toString()}`)
    })
    suite(tally)
  })
}

/** Full path of a command; daemons' folders are looked at, too. */
export function commandPath(command: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path))
}

/** The first of these paths that is there. */
export const firstThere = (paths: readonly string[]): string | undefined =>
  paths.find((path) => existsSync(path))
