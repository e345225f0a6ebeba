import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { printItem, printPage } from '../print.ts'
import { examples, paged, pageOf, text, verb, type Open, type Options, type Session } from '../verb.ts'
import { createEach } from './bulk.ts'

export function addPersonCommands(program: Command, open: Open): void {
  const person = program.command('person').description('persons who hold credentials')
  verb(person, 'create', { says: 'register a person, or many from a file', open, work: create })
    .option('--given-name <name>', 'as in the identity document')
    .option('--surname <name>', 'as in the identity document')
    .option('--country <code>', 'two letters, ISO 3166-1')
    .option('--serial-number <identifier>', 'EN 319 412-1, such as PNONO-12345678901')
    .option('--contact <uri>', 'mailto:… or tel:+…, where messages reach the person')
    .option('--file <file>', 'one JSON object a line: givenName, surname, country, serialNumber, contact')
  addList(person, open)
  verb(person, 'show <id>', {
    says: 'one person',
    open,
    work: async ({ admin, output }, [id = '']) =>
      printItem(output, await admin.item('GET /persons/:id', { params: { id } })),
  })
  verb(person, 'contact <id> <uri>', {
    says: 'another contact, mailto:… or tel:+…; codes are sent there from now on',
    open,
    work: async ({ admin, output }, [id = '', contact = '']) =>
      printItem(output, await admin.item('POST /persons/:id/contact', { params: { id }, body: { contact } })),
  })
  verb(person, 'erase <id>', {
    says: 'remove the personal data; the audit log keeps its proof',
    open,
    work: erase,
  }).option('--yes', 'this cannot be undone, and is meant')
  examples(person, [
    'person create --given-name Kari --surname Nordmann --country NO',
    'person create --file people.ndjson',
    'person erase 0b6e… --yes',
  ])
}

function addList(person: Command, open: Open): void {
  const list = verb(person, 'list', {
    says: 'persons, in the order of registration',
    open,
    work: async ({ admin, output }, _args, options) => {
      const page = await admin.page('GET /persons', { query: pageOf(options) })
      printPage(output, page, ['id', 'givenName', 'surname', 'country', 'serialNumber', 'state'])
    },
  })
  paged(list)
}

async function create(session: Session, _args: readonly string[], options: Options): Promise<void> {
  const file = text(options, 'file')
  if (file !== undefined) return createEach(session, 'POST /persons', file)
  const body = {
    givenName: text(options, 'givenName'),
    surname: text(options, 'surname'),
    country: text(options, 'country'),
    serialNumber: text(options, 'serialNumber'),
    contact: text(options, 'contact'),
  }
  if (body.givenName === undefined || body.surname === undefined || body.country === undefined) {
    throw new Failure('usage', 'Give --given-name, --surname and --country, or --file.')
  }
  printItem(session.output, await session.admin.item('POST /persons', { body }))
}

async function erase(
  { admin, output }: Session,
  [id = '']: readonly string[],
  options: Options,
): Promise<void> {
  if (options['yes'] !== true) throw new Failure('usage', 'This cannot be undone: say --yes.')
  printItem(output, await admin.item('POST /persons/:id/erase', { params: { id } }))
}
