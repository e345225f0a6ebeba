'use strict'
const { reporters } = require('mocha')

/** The specification reporter, closing with the counts alone on a line: `7 passed, 0 failed, 1 skipped`. */
module.exports = class Closing extends reporters.Spec {
  epilogue() {
    super.epilogue()
    const { passes = 0, failures = 0, pending = 0 } = this.stats
    const counts = [`${passes} passed`, `${failures} failed`]
    if (pending > 0) counts.push(`${pending} skipped`)
    reporters.Base.consoleLog(counts.join(', '))
  }
}
