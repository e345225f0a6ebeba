import type { Command } from 'commander'
import { printItem, printPage } from '../print.ts'
import { examples, paged, pageOf, text, verb, type Open } from '../verb.ts'

const COLUMNS = ['serial', 'change', 'reason', 'requestedAt', 'decidedAt', 'publishedAt', 'actor']

const verbs = {
  revoke: 'for good: nothing is signed with it any more, and the lists have it',
  suspend: 'until it is reinstated: nothing is signed with it meanwhile',
  reinstate: 'end a suspension: the lists do not have it any more',
} as const

export function addRevocationCommands(program: Command, open: Open): void {
  const revocation = program
    .command('revocation')
    .description("changes of certificates' status: asked for, decided, published")
  addChanges(revocation, open)
  addViews(revocation, open)
  examples(revocation, [
    'revocation revoke 4F0C… --reason keyCompromise --requested-at 2026-03-01T09:30:00Z',
    'revocation suspend 4F0C…',
    'revocation report --from 2026-01-01T00:00:00Z',
  ])
}

function addChanges(revocation: Command, open: Open): void {
  for (const [change, says] of Object.entries(verbs)) {
    const command = verb(revocation, `${change} <serial>`, {
      says,
      open,
      work: async ({ admin, output }, [serial = ''], options) => {
        const [requestedAt, reason] = [text(options, 'requestedAt'), text(options, 'reason')]
        const body = { change, serial, requestedAt, ...(change === 'revoke' ? { reason } : {}) }
        printItem(output, await admin.item('POST /revocations', { body }))
      },
    })
    const came = 'when the request came in, such as 2026-03-01T09:30:00Z; now if absent'
    command.option('--requested-at <time>', came)
    if (change === 'revoke') command.option('--reason <reason>', 'of RFC 5280, such as keyCompromise')
  }
}

function addViews(revocation: Command, open: Open): void {
  const list = verb(revocation, 'list', {
    says: 'changes, newest first',
    open,
    work: async ({ admin, output }, _args, options) => {
      const query = { ...pageOf(options), serial: text(options, 'serial') }
      printPage(output, await admin.page('GET /revocations', { query }), COLUMNS)
    },
  })
  paged(list).option('--serial <serial>', 'of one certificate')
  const report = verb(revocation, 'report', {
    says: 'how long changes took from request to published status, and which took too long',
    open,
    work: async ({ admin, output }, _args, options) => {
      const query = { from: text(options, 'from'), to: text(options, 'to') }
      printItem(output, await admin.item('GET /revocations/report', { query }))
    },
  })
  report.option('--from <time>', 'changes decided since; 30 days if absent')
  report.option('--to <time>', 'and before; now if absent')
}
