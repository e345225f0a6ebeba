import type { Command } from 'commander'
import type { EndpointName } from '../../../src/api/admin/matrix.ts'
import type { Item, Page } from '../admin.ts'
import { Failure } from '../failure.ts'
import { cell, progress } from '../print.ts'
import { examples, verb, type Open, type Session } from '../verb.ts'

/** A list of a million entries takes some seconds. */
const TIMEOUT_MS = 120_000

interface Check {
  readonly endpoint: EndpointName
  /** Members at the beginning of a finding's line. */
  readonly of: readonly string[]
  readonly noun: string
  /** Of a page: what takes seconds, and no minutes. */
  readonly limit: number
}

export function addCertificateCheck(certificate: Command, open: Open): void {
  verb(certificate, 'check', {
    says: 'judge everything that was ever issued again, by the rules as they are now and by what is recorded',
    open,
    work: (session) =>
      check(session, {
        endpoint: 'GET /checks/certificates',
        of: ['serial', 'profile'],
        noun: 'certificates',
        limit: 200,
      }),
  })
}

/** `intaglio crl check` */
export function addListCommands(program: Command, open: Open): void {
  const crl = program.command('crl').description('revocation lists that are published')
  verb(crl, 'check', {
    says: 'judge each list by its issuer, by what is recorded of it, and by the certificates that it is about',
    open,
    work: (session) =>
      check(session, {
        endpoint: 'GET /checks/lists',
        of: ['issuerId', 'list', 'number'],
        noun: 'lists',
        limit: 16,
      }),
  })
  examples(crl, ['crl check'])
}

/** Findings one a line as they come, and how many; the service has a page at a time in its memory, and so has this. */
async function check({ admin, output }: Session, { endpoint, of, noun, limit }: Check): Promise<void> {
  let [checked, found]: [number, number] = [0, 0]
  let shown: ReturnType<typeof progress> | undefined
  try {
    for (let cursor: string | undefined; ;) {
      const query = { limit, cursor }
      const page = (await admin.page(endpoint, { query, timeoutMs: TIMEOUT_MS })) as Page & Item
      shown ??= progress(output, 'Checking', Number(page['total']))
      checked += Number(page['checked'])
      found += page.items.length
      for (const item of page.items) printFinding(output, item, of)
      shown.step(checked)
      if (page.next === undefined) break
      cursor = page.next
    }
  } finally {
    shown?.end()
  }
  if (output.json) output.out.write(`${JSON.stringify({ checked, found })}\n`)
  else output.out.write(`${checked} ${noun} checked, ${found} findings.\n`)
  if (found > 0) throw new Failure('refused', 'Not all is as it should be.')
}

/** `4F0C… ncp-n error serial_is_the_recorded (RFC 5280, 4.1.2.2): another one`; of JSON, one object a line. */
function printFinding(output: Session['output'], item: Item, of: readonly string[]): void {
  const [severity, rule, clause, says] = ['severity', 'rule', 'clause', 'says'].map((name) =>
    cell(item[name]),
  )
  const line = `${of.map((name) => cell(item[name])).join(' ')} ${severity} ${rule} (${clause}): ${says}`
  output.out.write(`${output.json ? JSON.stringify(item) : line}\n`)
}
