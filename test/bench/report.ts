import { readFileSync } from 'node:fs'
import type { Measured, Raw } from './measure.ts'

/** What a run leaves behind, for comparing with. */
export interface Report {
  readonly machine: string
  readonly node: string
  readonly commit: string
  readonly durability: string
  readonly raw: Readonly<Record<string, Raw>>
  readonly measured: readonly Measured[]
}

const number = (value: number, digits = 0): string =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })

export function rawLine(keyType: string, raw: Raw): string {
  return (
    `${keyType}: the token alone makes ${number(raw.sign)} signatures/s, and ${number(raw.signAndVerify)} signed and verified; ` +
    `${number(raw.signCpu)} and ${number(raw.signAndVerifyCpu)} µs of processor each`
  )
}

const HEAD = [
  'key',
  'hashes',
  'connections',
  'keys in token',
  'signatures/s',
  'of sign + verify',
  'of sign',
  'p50 ms',
  'p99 ms',
  'liveness p99 ms',
  'service MB',
  'signers MB',
  'CPU µs: service, signers, Postgres, load',
  'by CPU: of sign + verify',
  'of sign',
]

/** A table in Markdown. */
export function table(report: Report): string {
  const rows = report.measured.map((m) => cells(m, report.raw[m.keyType]))
  const lines = [HEAD, HEAD.map((_, index) => (index === 0 ? '---' : '--:')), ...rows]
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n')
}

function cells(m: Measured, raw: Raw | undefined): string[] {
  const { service, signers, postgres, load } = m.costs
  const cpu = service + signers + postgres + load
  return [
    m.keyType,
    String(m.hashes),
    String(m.connections),
    number(m.keys),
    number(m.rate),
    ratio(m.rate, raw?.signAndVerify),
    ratio(m.rate, raw?.sign),
    number(m.p50, 1),
    number(m.p99, 1),
    number(m.livenessP99, 1),
    String(m.memory.service),
    m.memory.signers.join(' + '),
    [service, signers, postgres, load].map((cost) => number(cost)).join(', '),
    ratio(raw?.signAndVerifyCpu, cpu),
    ratio(raw?.signCpu, cpu),
  ]
}

const ratio = (part: number | undefined, of: number | undefined): string =>
  part === undefined || of === undefined ? '' : (part / of).toFixed(2)

/** How this run stands to an earlier one, whose JSON is at a path: shares of the token's rate, since machines differ. */
export function comparison(report: Report, path: string): string {
  const before = JSON.parse(readFileSync(path, 'utf8')) as Report
  const name = (m: Measured): string => `${m.keyType} ${m.hashes}×${m.connections}, ${m.keys} keys`
  const share = (of: Report, m: Measured): number => m.rate / (of.raw[m.keyType]?.signAndVerify ?? NaN)
  const lines = report.measured.flatMap((now) => {
    const then = before.measured.find((m) => name(m) === name(now))
    if (then === undefined) return []
    const [a, b] = [share(before, then), share(report, now)]
    return [`${name(now)}: ${a.toFixed(3)} → ${b.toFixed(3)} (${((b / a - 1) * 100).toFixed(0)} %)`]
  })
  return [`Shares of the token's own rate, ${before.commit} → ${report.commit}:`, ...lines].join('\n')
}
