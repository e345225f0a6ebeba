import { readFileSync } from 'node:fs'
import type { EndpointName } from '../../../src/api/admin/matrix.ts'
import { Failure } from '../failure.ts'
import { progress } from '../print.ts'
import type { Session } from '../verb.ts'

/**
 * One request for each line of a file of JSON objects, in order; each answer is printed as one line as soon as it is
 * there, so that what was done is known if one is refused: the rest is not tried.
 */
export async function createEach(
  { admin, output }: Session,
  endpoint: EndpointName,
  file: string,
): Promise<void> {
  const bodies = readLines(file)
  const shown = progress(output, 'Creating', bodies.length)
  try {
    for (const [index, body] of bodies.entries()) {
      const made = await admin.call(endpoint, { body }).catch((error: unknown) => {
        if (error instanceof Failure) error.message = `${file}, line ${index + 1}: ${error.message}`
        throw error
      })
      output.out.write(`${JSON.stringify(made)}\n`)
      shown.step(index + 1)
    }
  } finally {
    shown.end()
  }
}

function readLines(file: string): unknown[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new Failure(
      'usage',
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unreadable'}).`,
    )
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line, index) => {
    try {
      return JSON.parse(line) as unknown
    } catch {
      throw new Failure('usage', `${file}, line ${index + 1}: not JSON.`)
    }
  })
}
