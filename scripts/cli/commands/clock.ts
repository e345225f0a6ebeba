import type { Command } from 'commander'
import { printItem } from '../print.ts'
import { examples, verb, type Open, type Session } from '../verb.ts'

export function addClockCommands(program: Command, open: Open): void {
  const clock = program
    .command('clock')
    .description('the clock that certificates, lists and timestamps are dated by')
  verb(clock, 'show', { says: 'whether it is trusted, and if not, why', open, work: show })
  verb(clock, 'vouch', {
    says: 'vouch for a clock that jumped: it shows the right time now, as does the clock of this machine',
    open,
    work: vouch,
  })
  examples(clock, ['clock show', 'clock vouch --url https://replica-2.internal:8443'])
}

async function show({ admin, output }: Session): Promise<void> {
  printItem(output, await admin.item('GET /clock'))
}

async function vouch({ admin, output }: Session): Promise<void> {
  const { instance } = await admin.item('GET /clock')
  const body = { instance, now: new Date().toISOString() }
  printItem(output, await admin.item('POST /clock/vouch', { body }))
}
