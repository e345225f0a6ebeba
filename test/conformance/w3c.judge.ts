import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { judge, type Probe } from './judge.ts'
import { openJudgedService, type JudgedService } from './w3cService.ts'
import { suites } from './w3cSuites.ts'
import { runSuite } from './w3cSuite.ts'

/** Holds the checkouts of the suites, each with its node_modules. */
const FOLDER = process.env['INTAGLIO_TEST_W3C_SUITES']

function probe(): Probe {
  if (FOLDER === undefined) return { missing: 'INTAGLIO_TEST_W3C_SUITES names no folder of suites' }
  const there = suites.filter(({ name }) => existsSync(join(FOLDER, name, 'node_modules')))
  return { version: `with ${there.length} suites` }
}

judge('the test suites of W3C and its credentials community group', probe, (tally) => {
  let judged: JudgedService
  before(async () => {
    judged = await openJudgedService()
  })
  afterEach(() => judged.service.checkState())
  after(() => judged.close())
  for (const suite of suites) {
    const { name, passed, skipped: [skipped, why] = [0, ''], failed = {} } = suite
    it(`${name}: ${passed} tests pass`, async function () {
      const folder = join(FOLDER ?? '', name)
      if (!existsSync(join(folder, 'node_modules'))) {
        if (process.env['INTAGLIO_TEST_REQUIRE'] === '1') throw new Error(`${folder} is not installed`)
        this.skip()
      }
      const result = await runSuite({ folder, ...suite.run(judged) })
      // The messages are what one wants to see where something fails that should not.
      const unexpected = result.failed.filter(({ title }) => exceptionFor(failed, title) === undefined)
      expect(unexpected).to.deep.equal([])
      const excepted = result.failed.map(({ title }) => exceptionFor(failed, title))
      expect(excepted).to.have.members(Object.keys(failed))
      expect({ passed: result.passed.length, skipped: result.skipped.length }).to.deep.equal({
        passed,
        skipped,
      })
      for (const [title, reason] of Object.entries(failed))
        console.log(`      not passed: ${title} (${reason})`)
      if (skipped > 0) console.log(`      skipped by the suite: ${skipped} (${why})`)
      tally.add('tests of suites passed', passed)
      tally.add('not passed, for a reason', excepted.length)
      tally.add('skipped by suites', skipped)
    }).timeout(180_000)
  }
})

const exceptionFor = (failed: Readonly<Record<string, string>>, title: string): string | undefined =>
  Object.keys(failed).find((end) => title.endsWith(end))
