import type { Command } from 'commander'
import { printItem, printPage } from '../print.ts'
import { examples, paged, pageOf, text, verb, type Open } from '../verb.ts'

const COLUMNS = ['id', 'state', 'clientId', 'receiver', 'attempts', 'lastError', 'createdAt']

const verbs = {
  show: ['GET /deliveries/:id', 'one notification'],
  replay: ['POST /deliveries/:id/replay', 'send it again, now, and for a day if it fails'],
} as const

export function addDeliveryCommands(program: Command, open: Open): void {
  const deliveries = program
    .command('deliveries')
    .description('what clients are told at their response URIs, and whether it arrived')
  const list = verb(deliveries, 'list', {
    says: 'notifications, newest first',
    open,
    work: async ({ admin, output }, _args, options) => {
      const query = { ...pageOf(options), state: text(options, 'state') }
      printPage(output, await admin.page('GET /deliveries', { query }), COLUMNS)
    },
  })
  paged(list).option('--state <state>', 'waiting, running, done or dead (given up)')
  for (const [name, [endpoint, says]] of Object.entries(verbs)) {
    verb(deliveries, `${name} <id>`, {
      says,
      open,
      work: async ({ admin, output }, [id = '']) =>
        printItem(output, await admin.item(endpoint, { params: { id } })),
    })
  }
  examples(deliveries, ['deliveries list --state dead', 'deliveries replay 0b6e…'])
}
