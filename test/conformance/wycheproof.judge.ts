import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { vectorFiles } from '../support/wycheproof.ts'
import { wycheproof } from '../signing/wycheproof.suite.ts'
import { judge, type Probe } from './judge.ts'

/** The whole set: testvectors_v1 of a clone of C2SP/wycheproof. `npm test` has what stands beside the checkout. */
const FOLDER = process.env['INTAGLIO_TEST_WYCHEPROOF']

function probe(): Probe {
  if (FOLDER === undefined || !existsSync(join(FOLDER, 'json_web_signature_test.json')))
    return { missing: 'INTAGLIO_TEST_WYCHEPROOF does not name the folder testvectors_v1 of Wycheproof' }
  return { version: `of ${String(vectorFiles(FOLDER).length)} files` }
}

judge('Wycheproof', probe, (tally) => {
  wycheproof(FOLDER ?? '', (verifier, vectors) => {
    tally.add(`vectors by ${verifier}`, vectors)
  })
})
