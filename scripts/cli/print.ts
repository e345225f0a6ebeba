import { styleText } from 'node:util'
import type { Item, Page } from './admin.ts'

export interface Output {
  readonly json: boolean
  readonly out: NodeJS.WritableStream
  readonly err: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

/** One thing: a line for each member, or the JSON as it came. */
export function printItem(output: Output, item: Item): void {
  if (output.json) {
    printJson(output, item)
    return
  }
  const lines = flattened(item)
  const width = Math.max(0, ...lines.map(([name]) => name.length))
  for (const [name, value] of lines) output.out.write(`${name.padEnd(width)}  ${value}\n`)
}

/** A list: a table with these members as columns, or the JSON as it came. */
export function printPage(output: Output, page: Page, columns: readonly string[]): void {
  if (output.json) {
    printJson(output, page)
    return
  }
  printTable(output, page.items, columns)
  if (page.next !== undefined) output.err.write(`There are more: --cursor ${page.next}\n`)
}

export function printTable(output: Output, items: readonly Item[], columns: readonly string[]): void {
  const rows = items.map((item) => columns.map((column) => cell(item[column])))
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => row[index]?.length ?? 0)),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((text, index) => text.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd()
  output.out.write(`${styleText('bold', line(columns), { stream: output.out })}\n`)
  for (const row of rows) output.out.write(`${line(row)}\n`)
}

export function printJson(output: Output, value: unknown): void {
  output.out.write(`${JSON.stringify(value, undefined, 2)}\n`)
}

/** `{a: {b: 1}}` as `a.b 1`. */
function flattened(item: Item, prefix = ''): [string, string][] {
  return Object.entries(item).flatMap(([name, value]): [string, string][] => {
    const path = `${prefix}${name}`
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return flattened(value as Item, `${path}.`)
    }
    return [[path, cell(value)]]
  })
}

export function cell(value: unknown): string {
  if (value === undefined || value === null) return '-'
  if (Array.isArray(value)) return value.map(cell).join(',')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const BAR_WIDTH = 30
const FRAME_MS = 100

export interface Progress {
  /** @param done how many of `total`; without a total, the time that has passed is shown. */
  step(done: number): void
  end(): void
}

/** Long work, on a terminal only: what is redirected stays clean. */
export function progress(output: Output, label: string, total?: number): Progress {
  if (output.err.isTTY !== true || output.json) return { step: () => undefined, end: () => undefined }
  const since = Date.now()
  let done = 0
  const draw = (): void => {
    const seconds = ((Date.now() - since) / 1000).toFixed(1)
    output.err.write(`\r${label} ${total === undefined ? `${seconds} s` : bar(done, total)}`)
  }
  const timer = setInterval(draw, FRAME_MS)
  return {
    step: (now) => {
      done = now
      draw()
    },
    end: () => {
      clearInterval(timer)
      // Clears the line: the result stands in its place.
      output.err.write('\r\u001b[K')
    },
  }
}

export function bar(done: number, total: number): string {
  const filled = total === 0 ? BAR_WIDTH : Math.round((done / total) * BAR_WIDTH)
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] ${done}/${total}`
}
