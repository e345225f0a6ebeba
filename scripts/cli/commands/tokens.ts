import type { Command } from 'commander'
import type { Item } from '../admin.ts'
import { Failure } from '../failure.ts'
import { printItem, printJson, printTable, progress } from '../print.ts'
import { examples, text, verb, type Open, type Session } from '../verb.ts'

/** A probe makes keys of every type, RSA-4096 included. */
const PROBE_TIMEOUT_MS = 300_000

export function addTokenCommands(program: Command, open: Open): void {
  const token = program.command('token').description('PKCS#11 tokens and what is in them')
  verb(token, 'list', { says: 'tokens of the service', open, work: list })
  verb(token, 'show [name]', { says: 'one token: module, firmware, health, PIN flags', open, work: show })
  verb(token, 'keys [name]', {
    says: 'key objects, with the attributes that the token reports',
    open,
    work: keys,
  })
  verb(token, 'generate <purpose>', { says: 'make a key of the service itself', open, work: generate })
    .option('--key-type <type>', 'P-256, P-384, RSA-3072, …', 'P-256')
    .option('--token <name>', 'which token')
  verb(token, 'probe [name]', { says: 'find out by trying what the token can do', open, work: probe })
  examples(token, ['token list', 'token keys', 'token generate oauth --key-type P-256', 'token probe --json'])
}

async function list({ admin, output }: Session): Promise<void> {
  const { items } = await admin.page('GET /tokens')
  const rows = items.map((item) => ({ ...item, up: (item['health'] as Item | undefined)?.['up'] }))
  if (output.json) printJson(output, items)
  else printTable(output, rows, ['name', 'label', 'serial', 'manufacturer', 'model', 'up'])
}

async function show({ admin, output }: Session, [name]: readonly string[]): Promise<void> {
  printItem(output, await admin.item('GET /tokens/:name', { params: { name: await tokenName(admin, name) } }))
}

async function keys({ admin, output }: Session, [name]: readonly string[]): Promise<void> {
  const params = { name: await tokenName(admin, name) }
  const { items } = await admin.page('GET /tokens/:name/keys', { params })
  const rows = items.map((item) => ({ ...item, attributes: flags(item['flags'] as Item) }))
  if (output.json) printJson(output, items)
  else printTable(output, rows, ['ckaId', 'class', 'keyType', 'label', 'attributes'])
}

/** Only what is set: SENSITIVE, LOCAL, … */
function flags(all: Item): string {
  return Object.keys(all)
    .filter((name) => all[name] === true)
    .join(' ')
}

async function generate(
  { admin, output }: Session,
  [purpose]: readonly string[],
  options: Readonly<Record<string, string | boolean | undefined>>,
): Promise<void> {
  const params = { name: await tokenName(admin, text(options, 'token')) }
  const body = { purpose, keyType: text(options, 'keyType') }
  printItem(output, await admin.item('POST /tokens/:name/keys', { params, body }))
}

async function probe({ admin, output }: Session, [name]: readonly string[]): Promise<void> {
  const params = { name: await tokenName(admin, name) }
  const shown = progress(output, 'Trying every key type and scheme')
  const found = await admin
    .item('POST /tokens/:name/probe', { params, timeoutMs: PROBE_TIMEOUT_MS })
    .finally(() => shown.end())
  if (output.json) printJson(output, found)
  else printTable(output, found['schemes'] as Item[], ['keyType', 'scheme', 'works', 'reason'])
}

/** The only token needs no name. */
async function tokenName(admin: Session['admin'], name: string | undefined): Promise<string> {
  if (name !== undefined) return name
  const { items } = await admin.page('GET /tokens')
  const [first, second] = items
  if (first === undefined || second !== undefined) throw new Failure('usage', 'Which token? Name it.')
  return String(first['name'])
}
