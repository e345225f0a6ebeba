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
  for (const suite of suites.filter(({ name }) => name.includes(process.env['ONLY'] ?? ''))) {
    it(suite.name, async function () {
      const folder = join(FOLDER ?? '', suite.name)
      const result = await runSuite({ folder, ...suite.run(judged) })
      console.log(suite.name, result.passed.length, result.failed.length, result.skipped.length)
      for (const { title, message } of result.failed) console.log('  FAILED', title, '::', message.slice(0, 300))
      for (const title of result.skipped) console.log('  skipped', title)
      tally.add('tests of suites', result.passed.length)
    }).timeout(180_000)
  }
})
