import type { Command } from 'commander'
import { printItem, printPage } from '../print.ts'
import { examples, paged, pageOf, text, verb, type Open } from '../verb.ts'

const WHAT_STATES_MEAN = {
  disable: 'let it issue nothing more, until it is enabled',
  enable: 'let it issue again',
} as const

export function addIssuerCommands(program: Command, open: Open): void {
  const issuer = program.command('issuer').description('identities of clients that issue W3C credentials')
  const list = verb(issuer, 'list', {
    says: 'issuers',
    open,
    work: async ({ admin, output }, _args, options) => {
      const query = { ...pageOf(options), client: text(options, 'client') }
      const columns = ['id', 'client', 'identifier', 'state', 'createdAt']
      printPage(output, await admin.page('GET /issuers', { query }), columns)
    },
  })
  paged(list).option('--client <id>', 'of one client alone')
  addCreate(issuer, open)
  verb(issuer, 'show <id>', {
    says: 'one issuer, with its keys',
    open,
    work: async ({ admin, output }, [id = '']) =>
      printItem(output, await admin.item('GET /issuers/:id', { params: { id } })),
  })
  addChanges(issuer, open)
  examples(issuer, ['issuer create --client demo --key-type Ed25519', 'issuer list --client demo'])
}

function addCreate(issuer: Command, open: Open): void {
  verb(issuer, 'create', {
    says: 'make an issuer for a client, with a key in the token',
    open,
    work: async ({ admin, output }, _args, options) => {
      const body = {
        client: text(options, 'client'),
        keyType: text(options, 'keyType'),
        method: text(options, 'method'),
      }
      printItem(output, await admin.item('POST /issuers', { body }))
    },
  })
    .requiredOption('--client <id>', 'who issues by it')
    .option('--key-type <type>', 'Ed25519, P-256, P-384, …', 'P-256')
    .option(
      '--method <method>',
      'key: named by its key for good; web: by a document here, so that keys change',
      'key',
    )
}

function addChanges(issuer: Command, open: Open): void {
  verb(issuer, 'rotate <id>', {
    says: 'give it another key; what the old one signed stays good',
    open,
    work: async ({ admin, output }, [id = ''], options) => {
      const body = { keyType: text(options, 'keyType') }
      printItem(output, await admin.item('POST /issuers/:id/rotate', { params: { id }, body }))
    },
  }).option('--key-type <type>', 'another type than the old one')
  for (const state of ['disable', 'enable'] as const) {
    verb(issuer, `${state} <id>`, {
      says: WHAT_STATES_MEAN[state],
      open,
      work: async ({ admin, output }, [id = '']) =>
        printItem(output, await admin.item(`POST /issuers/:id/${state}`, { params: { id } })),
    })
  }
}
