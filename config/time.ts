import { z } from 'zod'
import type { Config } from './config.ts'

/** TABLE of the hashes that timestamps are made over (TS 119 312, 5.2). SHA-1 and older ones are none of them. */
export const timestampHashes = ['SHA-256', 'SHA-384', 'SHA-512', 'SHA3-256', 'SHA3-384', 'SHA3-512'] as const
export type TimestampHash = (typeof timestampHashes)[number]

/** How this machine's clock is watched (src/pki/clock.ts). */
export const clockSchema = z.strictObject({
  /** Milliseconds that the clock may be off before nothing is dated by it: no certificate, list, status answer, timestamp. */
  toleranceMs: z.int().min(20).max(5_000).default(500),
  /** Seconds that it has to be right again before it is trusted again. */
  settleSeconds: z.int().min(1).max(3_600).default(10),
  /**
   * NTP servers (RFC 5905), `name` or `name:port`, that it is compared with; more than half of them must agree with it. Three
   * or more of one's own. Absent or empty: the clock is watched for jumps, and compared with the database's; one that jumped is
   * trusted again when it has come back, when an operator vouches for it, or when the service was started again.
   */
  ntpServers: z
    .array(z.string().regex(/^[A-Za-z0-9.-]+(:[0-9]{1,5})?$/, 'a name or an IPv4 address, and a port'))
    .max(9)
    .default([]),
  /** Seconds between two comparisons. */
  ntpSeconds: z.int().min(1).max(1_024).default(16),
})

/** Timestamps (RFC 3161). */
export const tsaSchema = z.strictObject({
  /**
   * OID of the policy that timestamps are issued under: the operator's own, or 0.4.0.2023.1.1 (BTSP, EN 319 421), which
   * claims that all of EN 319 421 is kept.
   */
  policy: z.string().regex(/^[0-2](\.(0|[1-9][0-9]{0,9})){1,20}$/, 'a dotted OID'),
  /** Milliseconds that the time in a timestamp may differ from UTC; EN 319 422 wants a second or better. */
  accuracyMs: z.int().min(1).max(1_000).default(1_000),
  /** Hashes of what is stamped. */
  hashes: z.array(z.enum(timestampHashes)).min(1).default(['SHA-256', 'SHA-384', 'SHA-512']),
  /**
   * The operator declares that this is a qualified service (eIDAS, article 42): each timestamp then says so (EN 319 422, 9.1).
   * Only for one that stands in a trusted list.
   */
  qualified: z.boolean().default(false),
  /** Timestamps a second, of one replica, for callers that nobody knows: each is recorded for good. */
  anonymousPerSecond: z.int().min(0).max(100_000).default(200),
})

/** What would promise more than is kept. Each sentence begins with the path. */
export function timeProblems({ profile, clock, tsa }: Config): string[] {
  if (tsa === undefined) return []
  const problems: string[] = []
  if (clock.toleranceMs > tsa.accuracyMs) {
    problems.push('clock.toleranceMs: a timestamp is no more accurate than the clock: at most tsa.accuracyMs')
  }
  if (tsa.qualified && profile === 'dev') {
    problems.push('tsa.qualified: nothing that a laptop makes is qualified')
  }
  return problems
}
