/** Published revocation lists, judged again: against their issuer, their record, and the certificates that they are about. */
import type { Context } from '../context.ts'
import { listedEntries, oneState } from '../db/crls.ts'
import type { Queries } from '../db/database.ts'
import {
  changedSince,
  checkedList,
  listOctets,
  numberProblems,
  oneOfShard,
  type CheckedList,
  type OlderEntry,
} from '../db/listChecks.ts'
import { sha256 } from '../signing/sha256.ts'
import { entriesOf, readList, type ReadEntry, type ReadList } from './crlRead.ts'
import { issuerById } from './issuers.ts'
import type { Issuer } from './issue.ts'
import type { Finding } from './lint.ts'
import { readTbs } from './lintParse.ts'
import { listAddress } from './lintStatus.ts'
import { OID } from './oids.ts'
import { publication } from './publication.ts'
import { isSignedBy, schemeByIdentifier } from './signedBy.ts'

/** TABLE of what holds of each list. */
const clauses = {
  list_is_published: 'RFC 5280, 5; EN 319 411-1, 6.3.9',
  list_is_der: 'RFC 5280, 5.1',
  list_octets_are_the_recorded: 'RFC 5280, 5.1',
  list_is_signed_by_the_issuer: 'RFC 5280, 5.1.1.3',
  list_has_the_issuers_name: 'RFC 5280, 5.1.2.3',
  list_times_are_the_recorded: 'RFC 5280, 5.1.2.4 and 5.1.2.5',
  list_has_not_ended: 'RFC 5280, 5.1.2.5',
  list_number_is_the_recorded: 'RFC 5280, 5.2.3',
  list_numbers_are_accounted_for: 'RFC 5280, 5.2.3',
  list_address_is_what_certificates_name: 'RFC 5280, 5.2.5',
  list_entries_are_the_revoked: 'RFC 5280, 5.1.2.6 and 5.3.1',
} as const
type Rule = keyof typeof clauses

const wrong = (rule: Rule, says: string): Finding => ({
  rule,
  clause: clauses[rule],
  severity: 'error',
  says,
})
const unless = (holds: boolean, rule: Rule, says: string): Finding[] => (holds ? [] : [wrong(rule, says)])

/** @returns empty: nothing is wrong */
export async function checkList(ctx: Context, id: string): Promise<Finding[]> {
  const { issuerId } = await checkedList(ctx.db, id)
  const issuer = await issuerById(ctx, issuerId)
  return oneState(ctx.db, async (q, now) => {
    const list = await checkedList(q, id)
    const numbers = await numberFindings(q, id)
    const { number, octets, nextUpdate } = list
    if (number === null || octets === null || nextUpdate === null)
      return [...numbers, wrong('list_is_published', 'no list is')]
    const der = await listOctets(q, { id, number, octets })
    const isKept = der.length === octets && list.sha256 !== null && (await sha256(der)).equals(list.sha256)
    return [
      ...numbers,
      ...unless(nextUpdate > now, 'list_has_not_ended', `it ended on ${nextUpdate.toISOString()}`),
      ...unless(isKept, 'list_octets_are_the_recorded', 'their SHA-256 is another one'),
      ...(await contentFindings(ctx, { q, list, issuer, der })),
    ]
  })
}

async function numberFindings(q: Queries, id: string): Promise<Finding[]> {
  const { missing, open, disordered, beyond } = await numberProblems(q, id)
  const rule = 'list_numbers_are_accounted_for'
  return [
    ...unless(missing === 0, rule, `${missing} were given and are not recorded`),
    ...unless(open === 0, rule, `${open} are neither published nor void, though later ones were given`),
    ...unless(
      disordered === 0,
      rule,
      `${disordered} are of lists that are older than those of lower numbers`,
    ),
    ...unless(beyond === 0, rule, `${beyond} are beyond the one that was given or published last`),
  ]
}

interface Content {
  readonly q: Queries
  readonly list: CheckedList
  readonly issuer: Issuer
  readonly der: Buffer
}

async function contentFindings(ctx: Context, it: Content): Promise<Finding[]> {
  const { q, list, issuer } = it
  let read: ReadList
  try {
    read = readList(it.der)
  } catch (error) {
    return [wrong('list_is_der', (error as Error).message)]
  }
  const isInTime =
    +read.thisUpdate === Number(list.thisUpdate) && Number(read.nextUpdate) === Number(list.nextUpdate)
  return [
    ...unless(isSignedByIssuer(read, issuer.key.spki), 'list_is_signed_by_the_issuer', 'it is not'),
    ...unless(read.issuer.equals(issuer.name), 'list_has_the_issuers_name', 'another one'),
    ...unless(isInTime, 'list_times_are_the_recorded', 'others'),
    ...unless(read.number === list.number, 'list_number_is_the_recorded', String(read.number)),
    ...(await addressFindings(ctx, q, { list, read })),
    ...(await entryFindings(q, list, read)),
  ]
}

function isSignedByIssuer({ tbs, algorithm, signature }: ReadList, spki: Buffer): boolean {
  const scheme = schemeByIdentifier(algorithm)
  return scheme !== undefined && isSignedBy(spki, { message: tbs, scheme, signature })
}

/** A shard says which one it is, in the words of its certificates; the whole list says nothing. */
async function addressFindings(
  ctx: Context,
  q: Queries,
  { list, read }: { readonly list: CheckedList; readonly read: ReadList },
): Promise<Finding[]> {
  const { issuerId, shard } = list
  const rule = 'list_address_is_what_certificates_name'
  if (shard === null) return unless(read.uri === undefined, rule, 'the whole list says that it is a part')
  const expected = publication(ctx).crl(issuerId, shard)
  const says = read.uri ?? 'nothing'
  // One stands for all here: the check of certificates compares each with the same address.
  const tbs = await oneOfShard(q, { issuerId, shard })
  const named = tbs === undefined ? undefined : listIn(tbs)
  return [
    ...unless(read.uri === expected, rule, `it says ${says}, and it is served at ${expected}`),
    ...unless(
      named === undefined || named === read.uri,
      rule,
      `it says ${says}, and a certificate ${String(named)}`,
    ),
  ]
}

function listIn(tbs: Buffer): string | undefined {
  try {
    const found = readTbs(tbs).extensions.find(({ oid }) => oid === OID.cRLDistributionPoints)
    return found && listAddress(found.value)
  } catch {
    return undefined
  }
}

/** Entries against the certificates' rows, as those were when the list was made. */
async function entryFindings(q: Queries, list: CheckedList, read: ReadList): Promise<Finding[]> {
  const rule = 'list_entries_are_the_revoked'
  const compared = new Comparison(entriesOf(read), await changedSince(q, list))
  try {
    await compared.over(listedEntries(q, list))
  } catch (error) {
    return [wrong(rule, (error as Error).message)]
  }
  const { count, missing, surplus, first } = compared
  return [
    ...unless(count === list.entries, rule, `${count} entries, and ${String(list.entries)} were recorded`),
    ...unless(
      missing === 0,
      rule,
      `${missing} are missing or say something else, the first ${String(first)}`,
    ),
    ...unless(
      surplus === 0,
      rule,
      `${surplus} are not revoked, or say something else, the first ${String(first)}`,
    ),
  ]
}

/** Both are in the order of serial numbers, so that neither is ever in memory as a whole. */
class Comparison {
  readonly #entries: Iterator<ReadEntry>
  /** Certificates that were changed by something the list does not know of: judged by what they were. */
  readonly #older: ReadonlyMap<string, OlderEntry>
  readonly #met = new Set<string>()
  count = 0
  missing = 0
  surplus = 0
  /** The serial number of the first difference. */
  first: string | undefined

  constructor(entries: Iterator<ReadEntry>, older: readonly OlderEntry[]) {
    this.#entries = entries
    this.#older = new Map(older.map((one) => [one.serial.toString('hex'), one]))
  }

  async over(pages: AsyncIterable<Buffer>): Promise<this> {
    let entry = this.#next()
    for await (const page of pages) {
      for (const row of unpacked(page)) {
        if (this.#older.has(row.serial)) continue
        for (; entry !== undefined && entry.serial < row.serial; entry = this.#next())
          this.#differs('surplus', entry.serial)
        if (entry?.serial !== row.serial) {
          this.#differs('missing', row.serial)
          continue
        }
        if (!isSame(entry, row)) this.#differs('missing', row.serial)
        entry = this.#next()
      }
    }
    for (; entry !== undefined; entry = this.#next()) this.#differs('surplus', entry.serial)
    for (const [serial, { seconds }] of this.#older)
      if (seconds !== null && !this.#met.has(serial)) this.#differs('missing', serial)
    return this
  }

  /** The next entry of a certificate that is as it was. */
  #next(): ReadEntry | undefined {
    for (;;) {
      const step = this.#entries.next()
      if (step.done === true) return undefined
      this.count++
      const { serial } = step.value
      const then = this.#older.get(serial)
      if (then === undefined) return step.value
      this.#met.add(serial)
      if (!isSame(step.value, then)) this.#differs('surplus', serial)
    }
  }

  #differs(how: 'missing' | 'surplus', serial: string): void {
    this[how]++
    this.first ??= serial.toUpperCase()
  }
}

const isSame = (
  a: Pick<ReadEntry, 'seconds' | 'reason'>,
  b: { readonly seconds: number | null; readonly reason: number },
): boolean => a.seconds === b.seconds && a.reason === b.reason

/** As src/db/crls.ts packs them. */
function* unpacked(page: Buffer): Generator<ReadEntry> {
  for (let at = 0; at < page.length;) {
    const length = page.readUInt16BE(at)
    const rest = at + 2 + length
    yield {
      serial: page.toString('hex', at + 2, rest),
      seconds: Number(page.readBigInt64BE(rest)),
      reason: page.readInt16BE(rest + 8),
    }
    at = rest + 10
  }
}
