import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { printItem, printPage } from '../print.ts'
import { examples, paged, pageOf, text, verb, type Open, type Options, type Session } from '../verb.ts'
import { createEach } from './bulk.ts'

const verbs = {
  show: ['GET /credentials/:id', 'one credential'],
  link: [
    'POST /credentials/:id/link',
    'a new one-time link for a pending credential; the old one stops working',
  ],
  disable: [
    'POST /credentials/:id/disable',
    'let it sign nothing more, until it is enabled; a pending one ends',
  ],
  enable: ['POST /credentials/:id/enable', 'let it sign again'],
  unlock: ['POST /credentials/:id/unlock', 'let its holder try again after too many wrong PINs'],
  'send-codes': [
    'POST /credentials/:id/send-codes',
    'ask its holder for a code that is sent to their contact, besides the PIN',
  ],
  'reset-second-factor': [
    'POST /credentials/:id/reset-second-factor',
    'ask for the PIN alone, until its holder sets one-time codes up anew: the phone is lost',
  ],
} as const

export function addCredentialCommands(program: Command, open: Open): void {
  const credential = program
    .command('credential')
    .description('signing credentials: a key and its certificate')
  verb(credential, 'create', {
    says: 'open a credential; prints the one-time link by which its holder sets the PIN',
    open,
    work: create,
  })
    .option('--person <id>', 'whose')
    .option('--client <id>', 'by which client it is used')
    .option('--key-type <type>', 'P-256, P-384, P-521, RSA-3072, RSA-4096, Ed25519; P-256 if absent')
    .option('--scal <level>', '1, or 2: a SAD is bound to the hashes; 2 if absent')
    .option(
      '--mode <mode>',
      'explicit: the client passes the PIN on; oauth2code: on this service’s page; oob: there, by a link that is sent',
    )
    .option('--multisign <count>', 'signatures that one authorisation may cover')
    .option('--description <text>', 'shown to the holder by clients')
    .option(
      '--file <file>',
      'one JSON object a line: personId, clientId, keyType, scal, mode, multisign, description',
    )
  addList(credential, open)
  for (const [name, [endpoint, says]] of Object.entries(verbs)) {
    verb(credential, `${name} <id>`, {
      says,
      open,
      work: async ({ admin, output }, [id = '']) =>
        printItem(output, await admin.item(endpoint, { params: { id } })),
    })
  }
  examples(credential, ['credential create --person 0b6e… --client demo', 'credential unlock 77ab…'])
}

function addList(credential: Command, open: Open): void {
  const list = verb(credential, 'list', {
    says: 'credentials, in the order of their ids',
    open,
    work: async ({ admin, output }, _args, options) => {
      const query = {
        ...pageOf(options),
        clientId: text(options, 'client'),
        personId: text(options, 'person'),
      }
      const page = await admin.page('GET /credentials', { query })
      printPage(output, page, ['id', 'state', 'keyType', 'scal', 'clientId', 'personId', 'createdAt'])
    },
  })
  paged(list).option('--client <id>', 'of this client').option('--person <id>', 'of this person')
}

async function create(session: Session, _args: readonly string[], options: Options): Promise<void> {
  const file = text(options, 'file')
  if (file !== undefined) return createEach(session, 'POST /credentials', file)
  const [personId, clientId] = [text(options, 'person'), text(options, 'client')]
  if (personId === undefined || clientId === undefined) {
    throw new Failure('usage', 'Give --person and --client, or --file.')
  }
  const body = {
    personId,
    clientId,
    keyType: text(options, 'keyType'),
    scal: whole(options, 'scal'),
    mode: text(options, 'mode'),
    multisign: whole(options, 'multisign'),
    description: text(options, 'description'),
  }
  printItem(session.output, await session.admin.item('POST /credentials', { body }))
}

function whole(options: Options, name: string): number | undefined {
  const given = text(options, name)
  if (given === undefined) return undefined
  if (!/^[0-9]{1,9}$/.test(given)) throw new Failure('usage', `--${name} takes a whole number.`)
  return Number(given)
}
