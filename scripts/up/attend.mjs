import { constants } from 'node:os'

/**
 * Waits for a child, and lets it end in its own time when a signal comes: the terminal sends Ctrl-C to the whole group,
 * so the child has it already.
 * @returns {Promise<number>} its exit status, 128 + n where signal n ended it, as a shell says it
 */
export async function attend(child) {
  const forward = (signal) => child.kill(signal)
  const stay = () => {}
  process.on('SIGTERM', forward).on('SIGINT', stay).on('SIGHUP', stay)
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]))
    })
  } finally {
    process.off('SIGTERM', forward).off('SIGINT', stay).off('SIGHUP', stay)
  }
}
