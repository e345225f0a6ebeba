import type { Command } from 'commander'
import type { Admin } from './admin.ts'
import type { Output } from './print.ts'

/** What a command works with. */
export interface Session {
  readonly admin: Admin
  readonly output: Output
  /** INTAGLIO_HOME, or where a development service keeps its files. */
  readonly home: string
}

export type Open = (command: Command) => Session
export type Options = Readonly<Record<string, string | boolean | undefined>>
export type Work = (session: Session, args: readonly string[], options: Options) => Promise<void>

/** Adds a command's verb: `signature` as commander writes it, such as `show <id>`. */
export function verb(
  noun: Command,
  signature: string,
  { says, open, work }: { readonly says: string; readonly open: Open; readonly work: Work },
): Command {
  return noun
    .command(signature)
    .description(says)
    .action(async (...given: unknown[]) => {
      const command = given.at(-1) as Command
      await work(open(command), command.args, command.opts())
    })
}

/** Adds the options of a list. */
export function paged(command: Command): Command {
  return command
    .option('--limit <count>', 'rows to show, 200 at most', '50')
    .option('--cursor <cursor>', 'go on where a list ended')
}

export function pageOf(options: Options): { limit: string; cursor: string | undefined } {
  return { limit: text(options, 'limit') ?? '50', cursor: text(options, 'cursor') }
}

export function text(options: Options, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

export function examples(command: Command, lines: readonly string[]): void {
  command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ intaglio ${line}`).join('\n')}`)
}
