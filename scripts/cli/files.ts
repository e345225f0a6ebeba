import { readFileSync, writeFileSync } from 'node:fs'
import { Failure } from './failure.ts'

/** @throws Failure 'usage' */
export function octetsOf(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new Failure('usage', `${path} cannot be read (${codeOf(error) ?? 'unreadable'}).`)
  }
}

/** Into a file that was not there, or where nobody names one to standard output. @throws Failure 'usage' */
export function writeTo(path: string | undefined, out: NodeJS.WritableStream, octets: string | Buffer): void {
  if (path === undefined) {
    out.write(octets)
    return
  }
  try {
    writeFileSync(path, octets, { flag: 'wx' })
  } catch (error) {
    const code = codeOf(error)
    const why = code === 'EEXIST' ? 'is there already' : `cannot be written (${code ?? 'unwritable'})`
    throw new Failure('usage', `${path} ${why}.`)
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code
