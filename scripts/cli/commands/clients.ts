import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { printItem, printPage } from '../print.ts'
import { addClientKeyCommands } from './clientKeys.ts'
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
  addCreate(client, open)
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
  addRedirectUris(client, open)
  addResponseUris(client, open)
  addRequirePushed(client, open)
  addCreationLimit(client, open)
  addClientKeyCommands(client, open)
  examples(client, ['client create "Municipality of Narvik"', 'client rotate-secret 5d1f…'])
  return client
}

function addCreate(client: Command, open: Open): void {
  verb(client, 'create <name>', {
    says: 'enter a client; its secret is shown once',
    open,
    work: async ({ admin, output }, [name], options) => {
      const redirectUris = listOf(text(options, 'redirectUris'))
      const body = {
        name,
        id: text(options, 'id'),
        ...(redirectUris.length === 0 ? {} : { redirectUris }),
        ...(options['unpushed'] === true ? { requirePushed: false } : {}),
      }
      printItem(output, await admin.item('POST /clients', { body }))
    },
  })
    .option('--id <id>', 'its client_id; random if absent')
    .option('--redirect-uris <uris>', 'where its authorization codes may be sent, separated by spaces')
    .option('--unpushed', 'also takes authorization requests that it did not push itself')
}

/** A URI has no space in it. */
function listOf(uris = ''): string[] {
  return uris.split(/\s+/).filter((uri) => uri !== '')
}

function addRedirectUris(client: Command, open: Open): void {
  verb(client, 'redirect-uris <id> [uris...]', {
    says: 'where its authorization codes may be sent, in place of what was; without any: nowhere',
    open,
    work: async ({ admin, output }, [id = '', ...redirectUris]) =>
      printItem(
        output,
        await admin.item('POST /clients/:id/redirect-uris', { params: { id }, body: { redirectUris } }),
      ),
  })
}

function addResponseUris(client: Command, open: Open): void {
  verb(client, 'response-uris <id> [uris...]', {
    says: 'where it may be notified, in place of what was; a / at the end stands for all below',
    open,
    work: async ({ admin, output }, [id = '', ...responseUris]) =>
      printItem(
        output,
        await admin.item('POST /clients/:id/response-uris', { params: { id }, body: { responseUris } }),
      ),
  })
}

function addRequirePushed(client: Command, open: Open): void {
  verb(client, 'require-pushed <id> <on|off>', {
    says: 'whether authorization requests that it did not push itself are refused; off lets strangers begin one',
    open,
    work: async ({ admin, output }, [id = '', value = '']) => {
      if (!['on', 'off'].includes(value)) throw new Failure('usage', `${value} is neither on nor off.`)
      const body = { requirePushed: value === 'on' }
      printItem(output, await admin.item('POST /clients/:id/require-pushed', { params: { id }, body }))
    },
  })
}

function addCreationLimit(client: Command, open: Open): void {
  verb(client, 'creation-limit <id> <count>', {
    says: 'how many credentials a person may have for it before it can have no more created; 0: it can have none created',
    open,
    work: async ({ admin, output }, [id = '', count = '']) => {
      if (!/^[0-9]{1,3}$/.test(count)) throw new Failure('usage', `${count} is no count.`)
      const body = { creationLimit: Number(count) }
      printItem(output, await admin.item('POST /clients/:id/creation-limit', { params: { id }, body }))
    },
  })
}
