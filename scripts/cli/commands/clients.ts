import type { Command } from 'commander'
import { printItem, printPage } from '../print.ts'
import { examples, paged, pageOf, text, verb, type Open } from '../verb.ts'

const verbs = {
  show: ['GET /clients/:id', 'one client'],
  disable: ['POST /clients/:id/disable', 'refuse the client, with its tokens'],
  enable: ['POST /clients/:id/enable', 'let the client in again'],
  'rotate-secret': ['POST /clients/:id/rotate-secret', 'a new secret, shown once; the old one stops working'],
} as const

/** @returns the noun, for more verbs */
export function addClientCommands(program: Command, open: Open): Command {
  const client = program.command('client').description('OAuth clients: the customers of this service')
  verb(client, 'create <name>', {
    says: 'enter a client; its secret is shown once',
    open,
    work: async ({ admin, output }, [name], options) => {
      const body = { name, id: text(options, 'id') }
      printItem(output, await admin.item('POST /clients', { body }))
    },
  }).option('--id <id>', 'its client_id; random if absent')
  const list = verb(client, 'list', {
    says: 'clients',
    open,
    work: async ({ admin, output }, _args, options) => {
      const page = await admin.page('GET /clients', { query: pageOf(options) })
      printPage(output, page, ['id', 'name', 'state', 'authentication', 'createdAt'])
    },
  })
  paged(list)
  for (const [name, [endpoint, says]] of Object.entries(verbs)) {
    verb(client, `${name} <id>`, {
      says,
      open,
      work: async ({ admin, output }, [id = '']) =>
        printItem(output, await admin.item(endpoint, { params: { id } })),
    })
  }
  examples(client, ['client create "Municipality of Narvik"', 'client rotate-secret 5d1f…'])
  return client
}
