import type { Command } from 'commander'
import type * as ceremonyWork from '../ceremonyWork.ts'
import { printPage } from '../print.ts'
import { examples, paged, pageOf, verb, type Open, type Options, type Work } from '../verb.ts'

/** What reads plans and transcripts is loaded for these verbs alone: for every other it would be a fifth of the time. */
const later =
  (name: keyof typeof ceremonyWork): Work =>
  async (...given) =>
    (await import('../ceremonyWork.ts'))[name](...given)

export function addCeremonyCommands(program: Command, open: Open): void {
  const ceremony = program
    .command('ceremony')
    .description('how authorities come into being: plan, approvals, transcript')
  addPlanVerbs(ceremony, open)
  addLifeVerbs(ceremony, open)
  addTranscriptVerbs(ceremony, open)
  examples(ceremony, [
    'ceremony --check plan.yaml',
    'ceremony plan.yaml',
    'ceremony approve <id> --plan plan.yaml --operator ola.json',
    'ceremony run <id> --out root-g1',
    'ceremony verify root-g1.json --signed-by <thumbprint>',
  ])
}

function addPlanVerbs(ceremony: Command, open: Open): void {
  ceremony
    .command('submit <plan>', { isDefault: true })
    .description('read a plan, show what will happen, and submit it for approval')
    .option('--check', 'read and show it, and ask no service')
    .action((file: string, options: Options, command: Command) =>
      later('submit')(open(command), [file], options),
    )
  const list = verb(ceremony, 'list', {
    says: 'ceremonies',
    open,
    work: async ({ admin, output }, _args, options) => {
      const page = await admin.page('GET /ceremonies', { query: pageOf(options) })
      printPage(output, page, ['id', 'state', 'planSha256', 'submittedAt', 'expiresAt'])
    },
  })
  paged(list)
  verb(ceremony, 'show <id>', { says: 'a plan, its approvals, and what was done', open, work: later('show') })
}

function addLifeVerbs(ceremony: Command, open: Open): void {
  verb(ceremony, 'approve <id>', {
    says: 'sign a plan with your own key',
    open,
    work: later('approve'),
  }).option('--plan <file>', 'the plan that you reviewed: another one is not signed')
  verb(ceremony, 'run <id>', {
    says: 'do what an approved plan says, or go on with it',
    open,
    work: later('run'),
  }).option('--out <name>', 'where the transcript goes: <name>.json and <name>.md')
  verb(ceremony, 'abandon <id>', {
    says: 'end a ceremony that will not be run, or not be gone on with',
    open,
    work: later('abandon'),
  }).option('--yes', 'it is meant')
}

function addTranscriptVerbs(ceremony: Command, open: Open): void {
  verb(ceremony, 'transcript <id>', {
    says: 'get the transcript of a ceremony that is done, once more',
    open,
    work: later('transcript'),
  }).option('--out <name>', 'where the transcript goes: <name>.json and <name>.md')
  verb(ceremony, 'verify <transcript>', {
    says: 'verify a transcript, and the .md beside it: signatures, approvals, keys, certificates. Asks no service',
    open,
    work: later('verify'),
  })
    .option('--signed-by <thumbprint>', 'of the key that must have signed the transcript')
    .option('--approved-by <thumbprints>', 'of all keys that may have approved, separated by commas')
}
