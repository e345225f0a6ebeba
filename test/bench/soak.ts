import { memory, type Bench } from './arrange.ts'
import { measure } from './measure.ts'
import { schemeOf, USED_KEYS } from './scenarios.ts'

/** One round of load; between two rounds the next SADs are made. */
const ROUND_S = 30
/** Requests of one signature that a SAD is for: making a SAD for each would take longer than the load. */
const PER_SAD = 16
/** Signatures a second that a round is prepared for. */
const EXPECTED = 4_000

/** The same load for minutes, and what each process holds in memory meanwhile: it has to stay flat. */
export async function soak(bench: Bench, minutes: number, say: (text: string) => void): Promise<void> {
  const credentials = await bench.credentials('P-256', USED_KEYS)
  const served = await bench.start()
  let signatures = 0
  try {
    for (let loaded = 0; loaded < minutes * 60; loaded += ROUND_S) {
      const scenario = {
        keyType: 'P-256',
        scheme: schemeOf['P-256'],
        hashes: 1,
        connections: 64,
        keys: USED_KEYS,
        seconds: ROUND_S,
      } as const
      const one = await measure(bench, served, { scenario, credentials, expected: EXPECTED, perSad: PER_SAD })
      signatures += one.verified
      const { service, signers } = memory(served.pid)
      say(
        `${loaded + ROUND_S} s: ${Math.round(one.rate)} signatures/s, p99 ${one.p99.toFixed(1)} ms, ` +
          `service ${service} MB, signers ${signers.join(' + ')} MB`,
      )
    }
  } finally {
    await served.stop()
  }
  say(`${signatures} signatures, each verified.`)
}
