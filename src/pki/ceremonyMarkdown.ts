import { X509Certificate } from 'node:crypto'
import type { Transcript } from './ceremonyDocument.ts'
import type { Verified } from './ceremonyVerify.ts'
import { inWords, stepsOf } from './ceremonySteps.ts'

/** A transcript as people read it, and sign it by hand. The same for the same transcript, always. */
export function markdownOf(verified: Verified): string {
  const { transcript, plan } = verified
  return [
    ...headOf(verified),
    '## Approvals',
    table(
      ['operator', 'roles', 'time', 'thumbprint of the key that signed the approval'],
      transcript.approvals.map((one) => [named(one), one.roles.join(', '), one.at, code(one.thumbprint)]),
    ),
    '## What was to be done',
    stepsOf(plan)
      .map((step, index) => `${index + 1}. ${text(inWords(step, plan))}`)
      .join('\n'),
    '## Steps',
    table(
      ['time', 'step', '', 'by'],
      transcript.steps.map(({ at, step, event, by }) => [at, step, event, by ? named(by) : '']),
    ),
    '## Tokens',
    tokens(transcript),
    '## Keys',
    ...transcript.keys.map(keySection),
    '## Certificates',
    ...certificates(transcript),
    '## Signed by hand',
    table(
      ['name', 'date', 'signature'],
      [...plan.roles, ...plan.witnesses].map(({ person }) => [person, '', '']),
    ),
    '',
  ].join('\n\n')
}

function headOf({ transcript, plan, signedBy }: Verified): string[] {
  const { plan: submitted, service, ceremony } = transcript
  const { submittedBy: one } = submitted
  const who =
    one === null
      ? 'nobody: the service itself, in development'
      : `${text(named(one))}, key ${code(one.thumbprint)}`
  return [
    `# ${text(plan.title)}`,
    `Transcript of the ceremony ${ceremony} at ${text(plan.place)}. Intaglio ${service.version}, profile ` +
      `${service.profile}, ${service.baseUrl}. Signed as JSON by the key with the thumbprint ${code(signedBy)}; verify it by ` +
      '`intaglio ceremony verify`.',
    '## People',
    table(['role', 'person'], [...plan.roles.map(({ role, person }) => [role, person]), ...witnesses(plan)]),
    '## Plan',
    `Submitted ${submitted.submittedAt} by ${who}; SHA-256 ${code(submitted.sha256)}. It takes ${plan.quorum.approvals} ` +
      `approvals of ${plan.quorum.approvers.length}, before ${plan.expires}.`,
    fenced('yaml', Buffer.from(submitted.octets, 'base64').toString('utf8')),
  ]
}

const named = ({ name, id }: { readonly name: string; readonly id: string }): string => `${name} (${id})`

function witnesses(plan: Verified['plan']): string[][] {
  return plan.witnesses.map(({ person: name, from }) => [
    'witness',
    from === undefined ? name : `${name}, ${from}`,
  ])
}

function tokens({ keys }: Transcript): string {
  const known = new Map(keys.map(({ token }) => [token.serial, token]))
  const columns = ['label', 'serial', 'manufacturer', 'model', 'firmware'] as const
  const rows = [...known.values()].map((token) => [
    ...columns.map((name) => token[name]),
    `${token.libraryDescription} ${token.libraryVersion}, ${token.modulePath}`,
    code(token.moduleSha256),
  ])
  return table([...columns, 'module', 'SHA-256 of the module'], rows)
}

function keySection({ part, keyId, token, attributes, publicKey }: Transcript['keys'][number]): string {
  const flags = Object.entries(attributes.flags).map(([name, is]) => [
    name,
    is === null ? 'not told' : String(is),
  ])
  const rows = [
    ['id', keyId],
    ['type', attributes.keyType ?? 'unknown'],
    ['token', `${token.label} (${token.serial})`],
    ['CKA_ID', code(attributes.ckaId)],
    ['CKA_LABEL', attributes.label],
    [
      'CKA_ALLOWED_MECHANISMS',
      attributes.allowedMechanisms?.map((one) => `0x${one.toString(16)}`).join(' ') ?? 'not told',
    ],
    ['public key', code(publicKey)],
    ...flags,
  ]
  return `### ${part}\n\nAs read back from the token.\n\n${table(['attribute', 'value'], rows)}`
}

function certificates({ certificates: made, existingRoot }: Transcript): string[] {
  const shown = [
    ...(existingRoot === undefined ? [] : [{ part: 'root (there before)', ...existingRoot }]),
    ...made,
  ]
  return shown.map(({ part, sha256, pem }) => {
    const { subject, issuer, serialNumber, validFrom, validTo } = new X509Certificate(pem)
    const rows = [
      ['subject', oneLine(subject)],
      ['issuer', oneLine(issuer)],
      ['serial number', code(serialNumber.toLowerCase())],
      ['valid', `${validFrom} to ${validTo}`],
      ['SHA-256', code(sha256)],
    ]
    return `### ${part}\n\n${table(['field', 'value'], rows)}\n\n${fenced('', pem)}`
  })
}

const oneLine = (name: string): string => name.replaceAll('\n', ', ')
const code = (value: string): string => `\`${value}\``

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(text).join(' | ')} |`
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

/** Nothing that was typed becomes a table, a heading, a link or markup. What stands between backticks is ours. */
function text(value: string): string {
  return /^`[^`]*`$/.test(value) ? value : value.replaceAll(/[\\|<>[\]*_#`~]/g, '\\$&')
}

/** A fence longer than any that stands in it. */
function fenced(language: string, content: string): string {
  const longest = Math.max(2, ...(content.match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${content.replace(/\n?$/, '\n')}${fence}`
}
