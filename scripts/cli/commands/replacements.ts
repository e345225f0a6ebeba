import type { Command } from 'commander'
import type { Item } from '../admin.ts'
import { octetsOf, writeTo } from '../files.ts'
import { cell, printItem, printJson } from '../print.ts'
import { text, verb, type Open, type Options, type Session } from '../verb.ts'
import { bare, daysOf, pems } from './pems.ts'

/** `intaglio certificate renew` and `rekey`. */
export function addReplacements(certificate: Command, open: Open): void {
  verb(certificate, 'renew <certificate>', {
    says: 'another certificate over the same key, for the same subject; the old one stays what it is',
    open,
    work: renew,
  })
    .option('--reason <reason>', 'expiry, request or policy; expiry if absent')
    .option('--days <count>', 'how long it is valid; as long as before, or as credentials are, if absent')
    .option('--out <file>', 'a new file for certificate and chain; standard output if absent')
  verb(certificate, 'rekey <certificate>', {
    says: 'another certificate over another key; of a credential, the link by which its holder makes the key',
    open,
    work: rekey,
  })
    .option('--request <file>', 'a PKCS#10, in PEM: the new key, where it is in other hands')
    .option('--reason <reason>', 'expiry, request, policy or compromise')
    .option('--days <count>', 'how long it is valid; as long as the profile allows if absent')
    .option('--out <file>', 'a new file for certificate and chain; standard output if absent')
}

async function renew(session: Session, [which = '']: readonly string[], options: Options): Promise<void> {
  const body = { reason: text(options, 'reason'), ...daysOf(text(options, 'days')) }
  const made = await session.admin.item('POST /certificates/:id/renew', { params: { id: bare(which) }, body })
  printMade(session, made, options)
}

async function rekey(session: Session, [which = '']: readonly string[], options: Options): Promise<void> {
  const file = text(options, 'request')
  const body = {
    reason: text(options, 'reason'),
    ...daysOf(text(options, 'days')),
    ...(file === undefined ? {} : { request: octetsOf(file).toString('latin1') }),
  }
  const made = await session.admin.item('POST /certificates/:id/rekey', { params: { id: bare(which) }, body })
  if (made['enrolment'] === undefined) {
    printMade(session, made, options)
    return
  }
  if (text(options, 'out') !== undefined && !session.output.json)
    session.output.err.write('There is no certificate yet: its holder makes the key by this link.\n')
  printItem(session.output, made)
}

function printMade({ output }: Session, made: Item, options: Options): void {
  if (output.json) {
    printJson(output, made)
    return
  }
  const { serial } = made['replaces'] as Item
  output.err.write(`${cell(made['serial'])} has the place of ${cell(serial)}.\n`)
  writeTo(text(options, 'out'), output.out, pems(made, true))
}
