import { expect } from 'chai'
import { withClient } from '../../support/database.ts'
import type { Ledger } from './ledger.ts'

interface AuditRow {
  readonly attempt: string
  readonly kind: 'intent' | 'result'
  readonly detail: { outcome?: string; digests?: string[]; signatures?: string[] }
  readonly authorisation: string | null
}

/** What became of an attempt, by the audit log alone. */
interface Recorded {
  authorisation: string | undefined
  digests: readonly string[]
  intents: number
  results: number
  outcome: string | undefined
  signatures: readonly string[]
}

/** Holds what clients received against what is recorded. For when nothing is under way, and recovery has run. */
export async function checkLedger(superUrl: string, ledger: Ledger): Promise<void> {
  expect(ledger.wrong, 'signatures that do not verify').to.deep.equal([])
  await withClient(superUrl, async (client) => {
    const open = await client.query('select id from attempt')
    expect(open.rows, 'attempts that nobody closed').to.deep.equal([])
    const { rows } = await client.query<AuditRow>(
      `select signature_id as attempt, kind, convert_from(body, 'utf8')::jsonb -> 'detail' as detail,
              (select substr(s, 15) from unnest(subjects) s where s like 'authorisation:%') as authorisation
         from audit where act = 'sign' and signature_id is not null`,
    )
    const recorded = collect(rows)
    expectOneResultEach(recorded)
    const sads = await client.query<{ id: string; sad: string }>(
      `select id, encode(sad_hash, 'hex') as sad from authorisation where sad_hash is not null`,
    )
    expectRecorded(ledger, recorded, new Map(sads.rows.map(({ id, sad }) => [sad, id])))
    const allowed = await client.query<{ authorisation: string; digest: string; count: number }>(
      `select authorisation_id as authorisation, encode(digest, 'hex') as digest, count(*)::int as count
         from authorised_hash group by authorisation_id, digest`,
    )
    expectNoneTwice(recorded, allowed.rows)
  })
}

function collect(rows: readonly AuditRow[]): Map<string, Recorded> {
  const recorded = new Map<string, Recorded>()
  for (const { attempt, kind, detail, authorisation } of rows) {
    const one: Recorded = recorded.get(attempt) ?? {
      authorisation: undefined,
      digests: [],
      intents: 0,
      results: 0,
      outcome: undefined,
      signatures: [],
    }
    recorded.set(attempt, one)
    if (kind === 'intent') {
      one.intents++
      one.authorisation = authorisation ?? undefined
      one.digests = detail.digests ?? []
    } else {
      one.results++
      one.outcome = detail.outcome
      one.signatures = detail.signatures ?? []
    }
  }
  return recorded
}

const OUTCOMES = ['signed', 'refused', 'unknown']

function expectOneResultEach(recorded: ReadonlyMap<string, Recorded>): void {
  const odd = [...recorded].filter(([, one]) => {
    const isWhole = one.intents === 1 && one.results === 1 && OUTCOMES.includes(one.outcome ?? '')
    return !isWhole || one.signatures.length !== (one.outcome === 'signed' ? one.digests.length : 0)
  })
  expect(odd, 'attempts without exactly one intent and one fitting result').to.deep.equal([])
}

/** Each signature in a client's hand stands in one result, beside its digest and under its authorisation. */
function expectRecorded(
  ledger: Ledger,
  recorded: ReadonlyMap<string, Recorded>,
  authorisations: ReadonlyMap<string, string>,
): void {
  const signed = new Set<string>()
  for (const { outcome, authorisation, digests, signatures } of recorded.values()) {
    if (outcome !== 'signed') continue
    signatures.forEach((signature, index) => {
      signed.add(`${authorisation} ${digests[index]} ${signature}`)
    })
  }
  const received = ledger.received.map(
    (one) => `${authorisations.get(one.sadHash)} ${one.digest} ${one.signatureHash}`,
  )
  const unrecorded = received.filter((one) => !signed.has(one))
  expect(unrecorded, 'signatures that a client received and no result names').to.deep.equal([])
}

/** Whatever may have been signed counts: what was not definitely refused. */
function expectNoneTwice(
  recorded: ReadonlyMap<string, Recorded>,
  allowed: readonly { authorisation: string; digest: string; count: number }[],
): void {
  const left = new Map(allowed.map((one) => [`${one.authorisation} ${one.digest}`, one.count]))
  const over: string[] = []
  for (const { outcome, authorisation, digests } of recorded.values()) {
    if (outcome === 'refused') continue
    for (const digest of digests) {
      // Under SCAL 1 an occurrence names no digest.
      const bound = `${authorisation} ${digest}`
      const name = left.has(bound) ? bound : `${authorisation} `
      const count = (left.get(name) ?? 0) - 1
      left.set(name, count)
      if (count < 0) over.push(name)
    }
  }
  expect(over, 'authorised occurrences that were signed, or may have been, too often').to.deep.equal([])
}
