import type { Command } from 'commander'
import { printItem, printPage } from '../print.ts'
import { examples, paged, pageOf, text, verb, type Open } from '../verb.ts'

export function addKeyCommands(program: Command, open: Open): void {
  const key = program.command('key').description('keys as the service knows them')
  const list = verb(key, 'list', {
    says: 'keys, oldest first',
    open,
    work: async ({ admin, output }, _args, options) => {
      const query = { ...pageOf(options), purpose: text(options, 'purpose') }
      const columns = ['id', 'purpose', 'keyType', 'state', 'createdAt']
      printPage(output, await admin.page('GET /keys', { query }), columns)
    },
  })
  paged(list).option('--purpose <purpose>', 'signing, ca, oauth, …')
  verb(key, 'show <id>', {
    says: 'one key, with its attributes in the token',
    open,
    work: async ({ admin, output }, [id = '']) =>
      printItem(output, await admin.item('GET /keys/:id', { params: { id } })),
  })
  const changes = {
    disable: 'let the key sign nothing more, until it is enabled',
    enable: 'let the key sign again',
    unlock: 'forget the wrong secrets that were tried at a key',
  } as const
  for (const state of Object.keys(changes) as (keyof typeof changes)[]) {
    verb(key, `${state} <id>`, {
      says: changes[state],
      open,
      work: async ({ admin, output }, [id = '']) =>
        printItem(output, await admin.item(`POST /keys/:id/${state}`, { params: { id } })),
    })
  }
  examples(key, ['key list --purpose signing', 'key show 3f2c…', 'key disable 3f2c…'])
}
