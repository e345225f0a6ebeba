/** What stops a command with a sentence for people, not with a stack. */
export class Stop extends Error {}

/** Steps that take longer say so, shorter ones stay silent. */
const QUIET_MS = 1000

/**
 * Does one step; a step of over a second is named on stderr while it runs.
 * @param {string} name what happens, as people say it: "Installing the dependencies"
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 * @template T
 */
export async function step(name, work) {
  const timer = setTimeout(() => say(`${name} ...`), QUIET_MS)
  try {
    return await work()
  } finally {
    clearTimeout(timer)
  }
}

/** One line for people; stdout belongs to what the command itself prints. */
export function say(line) {
  process.stderr.write(`${line}\n`)
}
