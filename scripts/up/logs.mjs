import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** A log that a developer never looks into should not fill the disk: at a start, one of this size becomes the old one. */
const LOG_OCTETS = 20 * 1024 * 1024

/**
 * Readies a log for a start that appends to it.
 * @param {string} path
 * @returns {{ from: number }} octets that were in it before
 */
export function openLog(path) {
  mkdirSync(dirname(path), { recursive: true })
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LOG_OCTETS) renameSync(path, `${path}.1`)
  closeSync(openSync(path, 'a', 0o600))
  return { from: statSync(path).size }
}

/** What was appended since. It is asked for often, so what was there before is not read. */
export function readLog(path, from) {
  const log = openSync(path, 'r')
  try {
    const added = Buffer.alloc(fstatSync(log).size - from)
    return added.subarray(0, readSync(log, added, 0, added.length, from)).toString()
  } finally {
    closeSync(log)
  }
}
