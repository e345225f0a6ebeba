import type { Command } from 'commander'
import type { Item } from '../admin.ts'
import { cell, printJson } from '../print.ts'
import { examples, paged, pageOf, text, verb, type Open, type Options, type Session } from '../verb.ts'

export function addAuditCommands(program: Command, open: Open): void {
  const audit = program.command('audit').description('what was done, by whom')
  const listed = verb(audit, 'list', { says: 'acts, newest first, one a line', open, work: list })
  paged(listed)
    .option('--act <act>', 'only this act, such as credential.create')
    .option('--subject <subject>', 'only what touched this, such as credential:77ab…')
  examples(audit, ['audit list --limit 20', 'audit list --subject operator:0b6e…', 'audit list --json'])
}

async function list({ admin, output }: Session, _args: readonly string[], options: Options): Promise<void> {
  const query = { ...pageOf(options), act: text(options, 'act'), subject: text(options, 'subject') }
  const page = await admin.page('GET /audit', { query })
  if (output.json) {
    printJson(output, page)
    return
  }
  for (const item of page.items) output.out.write(`${line(item)}\n`)
  if (page.next !== undefined) output.err.write(`There are more: --cursor ${page.next}\n`)
}

/** `2026-11-21T04:10:22.123Z operator:0b6e… credential.create credential:77ab… person:3f2c… keyType=P-256` */
function line(item: Item): string {
  const kind = item['kind'] === 'act' ? '' : `(${cell(item['kind'])})`
  const detail = Object.entries((item['detail'] ?? {}) as Item).map(
    ([name, value]) => `${name}=${cell(value)}`,
  )
  const subjects = (item['subjects'] as readonly string[]).join(' ')
  return [cell(item['at']), cell(item['actor']), cell(item['act']), kind, subjects, ...detail]
    .filter((part) => part !== '')
    .join(' ')
}
