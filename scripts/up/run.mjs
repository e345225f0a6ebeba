import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * Runs a command to its end.
 * @param {string} command
 * @param {readonly string[]} args never a secret: every user of the machine can read them
 * @param {{ input?: string, cwd?: string, env?: NodeJS.ProcessEnv, uid?: number, gid?: number }} [options]
 * @returns {Promise<{ code: number, output: string }>} exit status (127: not found), stdout and stderr together
 */
export function run(command, args, { input, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
    let output = ''
    const add = (chunk) => {
      output += chunk
    }
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    // A command that is not there, or that ends before it read its input, is told by its status.
    child.stdin.on('error', () => {})
    child.on('error', (error) => resolve({ code: 127, output: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
    child.stdin.end(input)
  })
}

/** The last lines of an output, for a sentence that explains a failure. */
export function tail(output, lines = 15) {
  return output.trimEnd().split('\n').slice(-lines).join('\n')
}

/**
 * Asks again and again until the answer is not undefined.
 * @returns {Promise<T | undefined>} undefined: the time is over
 * @template T
 */
export async function poll(ask, { everyMs = 20, forMs }) {
  const end = Date.now() + forMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() >= end) return undefined
    await delay(everyMs)
  }
}
