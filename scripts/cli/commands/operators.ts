import { readFileSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { incompatiblePair, roles, type Role } from '../../../config/operators.ts'
import { newIdentity, publicHalf } from '../../../src/api/admin/identity.ts'
import { Failure } from '../failure.ts'
import { printItem, printPage } from '../print.ts'
import { examples, paged, pageOf, text, verb, type Open, type Options, type Session } from '../verb.ts'

const ROLES_HELP = `separated by commas: ${roles.join(', ')}`

/** @returns the noun, for more verbs */
export function addOperatorCommands(program: Command, open: Open): Command {
  const operator = program.command('operator').description('the people who run this service')
  verb(operator, 'new-key', {
    says: 'make a key pair on this machine, for an operator to be',
    open,
    work: newKey,
  })
    .requiredOption('--name <name>', 'whose')
    .requiredOption('--roles <roles>', ROLES_HELP)
    .requiredOption('--out <file>', 'the key file; <file> without .json plus .pub.json gets the public half')
    .option('--service <url>', 'written into the key file, so that --url need not be given')
  verb(operator, 'create', { says: 'enter an operator by the public half of their key', open, work: create })
    .requiredOption('--name <name>', 'whose')
    .requiredOption('--roles <roles>', ROLES_HELP)
    .requiredOption('--public-key <file>', 'JWK; `operator new-key` makes one')
  const list = verb(operator, 'list', {
    says: 'operators',
    open,
    work: async ({ admin, output }, _args, options) => {
      const page = await admin.page('GET /operators', { query: pageOf(options) })
      printPage(output, page, ['id', 'name', 'state', 'roles', 'createdAt'])
    },
  })
  paged(list)
  verb(operator, 'roles <id> <roles>', {
    says: 'give an operator these roles and no others',
    open,
    work: async ({ admin, output }, [id = '', wanted = '']) => {
      const body = { roles: roleList(wanted) }
      printItem(output, await admin.item('POST /operators/:id/roles', { params: { id }, body }))
    },
  })
  addIdVerbs(operator, open)
  examples(operator, [
    'operator new-key --name "Ola" --roles auditor --out ola.json',
    'operator create --name "Ola" --roles auditor --public-key ola.pub.json',
    'operator list --operator ola.json',
  ])
  return operator
}

function addIdVerbs(operator: Command, open: Open): void {
  const verbs = {
    show: ['GET /operators/:id', 'one operator'],
    disable: ['POST /operators/:id/disable', 'refuse this operator from now on'],
  } as const
  for (const [name, [endpoint, says]] of Object.entries(verbs)) {
    verb(operator, `${name} <id>`, {
      says,
      open,
      work: async ({ admin, output }, [id = '']) =>
        printItem(output, await admin.item(endpoint, { params: { id } })),
    })
  }
}

/** Asks no service: the private half is made here and stays here. */
function newKey({ output }: Session, _args: readonly string[], options: Options): Promise<void> {
  const out = text(options, 'out') ?? ''
  const url = text(options, 'service')
  const made = newIdentity({
    name: text(options, 'name') ?? '',
    roles: roleList(text(options, 'roles') ?? ''),
  })
  const publicFile = `${out.replace(/\.json$/, '')}.pub.json`
  writeNew(out, { ...made, ...(url === undefined ? {} : { url }) }, 0o600)
  writeNew(publicFile, publicHalf(made), 0o644)
  printItem(output, { privateKey: out, publicKey: publicFile })
  return Promise.resolve()
}

/** Never over another file: it may be somebody's only key. */
function writeNew(path: string, content: unknown, mode: number): void {
  try {
    writeFileSync(path, `${JSON.stringify(content, undefined, 2)}\n`, { mode, flag: 'wx' })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Failure('usage', code === 'EEXIST' ? `${path} is there already.` : `${path} cannot be written.`)
  }
}

async function create({ admin, output }: Session, _args: readonly string[], options: Options): Promise<void> {
  const file = text(options, 'publicKey') ?? ''
  const body = {
    name: text(options, 'name'),
    roles: roleList(text(options, 'roles') ?? ''),
    publicKey: readJson(file),
  }
  printItem(output, await admin.item('POST /operators', { body }))
}

function roleList(given: string): Role[] {
  const named = given.split(',').map((role) => role.trim())
  const unknown = named.find((role) => !(roles as readonly string[]).includes(role))
  if (unknown !== undefined)
    throw new Failure('usage', `There is no role "${unknown}"; there are ${roles.join(', ')}.`)
  const pair = incompatiblePair(named as Role[])
  if (pair !== undefined) throw new Failure('usage', `One operator cannot be ${pair[0]} and ${pair[1]}.`)
  return named as Role[]
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    throw new Failure('usage', `${file} is no readable JSON file.`)
  }
}
