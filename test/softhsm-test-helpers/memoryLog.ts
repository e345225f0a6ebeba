import type { TokenLog } from '../../hsm/types.ts'

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

/** Keeps what is logged, so that a test can look at it; prints it with HSM_TEST_LOG set. */
export class MemoryLog implements TokenLog {
  readonly lines: LogLine[] = []

  info(fields: object, message: string): void {
    this.#keep('info', fields, message)
  }

  warn(fields: object, message: string): void {
    this.#keep('warn', fields, message)
  }

  error(fields: object, message: string): void {
    this.#keep('error', fields, message)
  }

  /** Names of the alarms that were raised. */
  get alarms(): unknown[] {
    return this.lines.flatMap(({ fields }) => ('alarm' in fields ? [fields['alarm']] : []))
  }

  #keep(level: LogLine['level'], fields: object, message: string): void {
    this.lines.push({ level, fields: { ...fields }, message })
    if (process.env['HSM_TEST_LOG'] !== undefined) console.error(level, message, fields)
  }
}
