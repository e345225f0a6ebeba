import type { Command } from 'commander'
import type { Described } from '../../../src/pki/describe.ts'
import type { Item } from '../admin.ts'
import { Failure } from '../failure.ts'
import { octetsOf, writeTo } from '../files.ts'
import { cell, printItem, printJson, printPage } from '../print.ts'
import { subjectOf } from '../subject.ts'
import { addCertificateCheck } from './checks.ts'
import { bare, daysOf, pems } from './pems.ts'
import { addReplacements } from './replacements.ts'
import { examples, paged, pageOf, text, verb, type Open, type Options, type Session } from '../verb.ts'

/** A serial number or an id: everything else is a file. */
const ON_SERVER = /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9A-Fa-f:\s]{2,100})$/

/** `intaglio certificate …`: what the service issued to others, and to itself. */
export function addIssuedCommands(program: Command, open: Open): void {
  const certificate = program.command('certificate').description('certificates that the service has issued')
  verb(certificate, 'issue', {
    says: "certify the key of a PKCS#10; the subject is what you verified, not the request's",
    open,
    work: issue,
  })
    .option('--profile <profile>', 'such as ncp-l: one that certifies keys of others')
    .option('--request <file>', 'the PKCS#10, in PEM')
    .option('--subject <name>', 'such as "CN=Narvik seal, O=Narvik AS, C=NO"; a comma in a value: \\,')
    .option('--days <count>', 'how long it is valid; as long as the profile allows if absent')
    .option('--out <file>', 'a new file for certificate and chain; standard output if absent')
  verb(certificate, 'show <certificate>', {
    says: 'one certificate as people read it, by serial number or id; or a file, without the service',
    open,
    work: show,
  })
  addReplacements(certificate, open)
  addSearch(certificate, open)
  verb(certificate, 'export <certificate>', {
    says: 'the certificate, by serial number or id, in PEM',
    open,
    work: exported,
  })
    .option('--chain', 'and those of its authorities, up to the root')
    .option('--der', 'in DER')
    .option('--out <file>', 'a new file; standard output if absent')
  addCertificateCheck(certificate, open)
  examples(certificate, [
    'certificate issue --profile ncp-l --request seal.csr --subject "CN=Narvik seal, O=Narvik AS, ' +
      'organizationIdentifier=NTRNO-987654321, C=NO" --out seal.pem',
    'certificate show 4F0C…',
    'certificate search --subject "Narvik" --state issued',
    'certificate search --expires-before 2027-01-01T00:00:00Z --replaced false',
    'certificate renew 4F0C… --out seal.pem',
    'certificate rekey 4F0C… --request new.csr --out seal.pem',
    'certificate export 4F0C… --chain --out chain.pem',
    'certificate check',
  ])
}

function addSearch(certificate: Command, open: Open): void {
  const search = verb(certificate, 'search', {
    says: 'certificates by how their common name or serial number begins; all of them if neither is given',
    open,
    work: async ({ admin, output }, _args, options) => {
      const query = {
        ...pageOf(options),
        subject: text(options, 'subject'),
        serial: text(options, 'serial'),
        state: text(options, 'state'),
        profile: text(options, 'profile'),
        expiresBefore: text(options, 'expiresBefore'),
        replaced: text(options, 'replaced'),
      }
      const page = await admin.page('GET /certificates', { query })
      printPage(output, page, ['serial', 'profile', 'state', 'notAfter', 'replacedBy', 'subject'])
    },
  })
  paged(search)
    .option('--subject <prefix>', 'how the common name begins, whatever the case')
    .option('--serial <prefix>', 'how the serial number begins: whole octets')
    .option('--state <state>', 'planned, issued, suspended, revoked or void')
    .option('--profile <profile>', 'such as ncp-n')
    .option('--expires-before <time>', 'such as 2027-01-01T00:00:00Z')
    .option('--replaced <whether>', 'true or false: whether another one has its place')
}

async function issue({ admin, output }: Session, _args: readonly string[], options: Options): Promise<void> {
  const [profile, request, subject, days] = ['profile', 'request', 'subject', 'days'].map((name) =>
    text(options, name),
  )
  if (profile === undefined || request === undefined || subject === undefined)
    throw new Failure('usage', 'Give --profile, --request and --subject.')
  const body = {
    profile,
    request: octetsOf(request).toString('latin1'),
    subject: subjectOf(subject),
    ...daysOf(days),
  }
  const made = await admin.item('POST /certificates', { body })
  if (output.json) {
    printJson(output, made)
    return
  }
  const wrote = (made['requested'] as Item)['subject']
  output.err.write(`${cell(made['serial'])} is for ${cell((made['says'] as Item)['subject'])}\n`)
  output.err.write(`The request names ${wrote === '' ? 'nobody' : cell(wrote)}, which counts for nothing.\n`)
  writeTo(text(options, 'out'), output.out, pems(made, true))
}

async function exported(
  { admin, output }: Session,
  [which = '']: readonly string[],
  options: Options,
): Promise<void> {
  const [isChain, isDer] = [options['chain'] === true, options['der'] === true]
  if (isChain && isDer) throw new Failure('usage', 'DER is of one certificate: --chain goes without --der.')
  const item = await admin.item('GET /certificates/:id', { params: { id: bare(which) } })
  if (item['certificate'] === undefined)
    throw new Failure('refused', `The certificate is ${cell(item['state'])}: it never left.`)
  const out = pems(item, isChain)
  writeTo(text(options, 'out'), output.out, isDer ? derOf(Buffer.from(out)) : out)
}

async function show({ admin, output }: Session, [which = '']: readonly string[]): Promise<void> {
  if (!ON_SERVER.test(which)) {
    const says = await described(derOf(octetsOf(which)), which)
    printItem(output, output.json ? { says } : inWords(says as unknown as Item))
    return
  }
  const item = await admin.item('GET /certificates/:id', { params: { id: bare(which) } })
  printItem(output, output.json ? item : asShown(item))
}

async function described(der: Buffer, file: string): Promise<Described> {
  const { describeTbs, tbsOf } = await import('../../../src/pki/describe.ts')
  try {
    return describeTbs(tbsOf(der))
  } catch {
    throw new Failure('usage', `${file} is no certificate.`)
  }
}

/** The first certificate of a PEM file, or DER. */
function derOf(octets: Buffer): Buffer {
  const [, body] = /-----BEGIN CERTIFICATE-----([^-]+)-----END/.exec(octets.toString('latin1')) ?? []
  return body === undefined ? octets : Buffer.from(body, 'base64')
}

function asShown(item: Item): Item {
  const { serial, notBefore, notAfter, changes, id, profile, actor, keyId, credentialId, issuedAt } = item
  const { replacedBy } = item
  const replaces = item['replaces'] === undefined ? undefined : replacesInWords(item['replaces'] as Item)
  const whose = { askedForBy: actor, keyId, credentialId }
  const known = Object.entries({ id, profile, issuedAt, ...whose, replaces, replacedBy })
  return {
    // Of what cannot be read, what the service's own record has.
    ...inWords((item['says'] ?? { serial, notBefore, notAfter }) as Item),
    status: statusInWords(item),
    ...Object.fromEntries(known.filter(([, value]) => value !== undefined)),
    ...Object.fromEntries(
      (changes as Item[]).map((change, at) => [`change ${at + 1}`, changeInWords(change)]),
    ),
  }
}

const inWords = (says: Item): Item =>
  Object.fromEntries(
    Object.entries(says).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(cell).join('; ') : timeOr(value),
    ]),
  )

const timeOr = (value: unknown): unknown => (value instanceof Date ? value.toISOString() : value)

function statusInWords({ state, suspendedAt, revokedAt, reason, says }: Item): string {
  if (state === 'revoked') {
    const held = suspendedAt === undefined ? '' : `, suspended since ${cell(suspendedAt)}`
    return `revoked at ${cell(revokedAt)}: ${cell(reason ?? 'unspecified')}${held}`
  }
  if (state === 'suspended') return `suspended since ${cell(suspendedAt)}`
  if (state !== 'issued') return `${cell(state)}: nobody was ever given it`
  const ends = Date.parse(cell((says as Item | undefined)?.['notAfter']))
  return ends < Date.now() ? 'issued, expired' : 'issued'
}

const replacesInWords = ({ serial, by, reason }: Item): string =>
  `${cell(serial)}, ${cell(by)} (${cell(reason)})`

function changeInWords({ change, reason, actor, requestedAt, decidedAt, publishedAt }: Item): string {
  const why = reason === undefined ? '' : ` (${cell(reason)})`
  const asked = requestedAt === decidedAt ? '' : `, asked for at ${cell(requestedAt)}`
  const known = publishedAt === null ? 'not published yet' : `published at ${cell(publishedAt)}`
  return `${cell(change)}${why} by ${cell(actor)} at ${cell(decidedAt)}${asked}, ${known}`
}
