/** npm run bench -- --growth <certificates>: what issuing and OCSP cost with a thousand certificates, and with so many. */
import { issuing, type Issuing } from './certificates.ts'
import type { Bench } from './arrange.ts'
import { grow } from './grow.ts'
import { asking, type Answering } from './ocsp.ts'

/** Certificates that the comparison begins with. */
const FEW = 1_000
/** Certificates that are issued before it is measured, and while it is, where there are enough. */
const WARM_UP = 1_000
const ISSUED = 4_000

interface Measured {
  readonly certificates: number
  readonly issuing: Issuing
  readonly answering: readonly Answering[]
}

interface Wanted {
  readonly certificates: number
  /** Each of OCSP's rates is measured so long, after as many that are not counted. */
  readonly seconds: number
  readonly warmUp?: number
  /** Certificates that are issued while it is measured (4,000). */
  readonly issued?: number
}

/** @param it.few certificates to begin with (1,000) */
export async function growth(
  bench: Bench,
  it: Wanted & { readonly few?: number },
  say: (text: string) => void,
): Promise<void> {
  const { certificates, few = FEW } = it
  const first = await measured(bench, { ...it, certificates: few }, say)
  const last = await measured(bench, { ...it, certificates }, say)
  const share = (now: number, then: number): string => `${((now / then) * 100).toFixed(0)} %`
  const compared = (what: string, now: Pick<Issuing, 'rate' | 'costs'>, then: typeof now): void => {
    const { service, signers, postgres } = then.costs
    const processors = now.costs.service + now.costs.signers + now.costs.postgres
    say(
      `${what}: the rate is ${share(now.rate, then.rate)} of what it was, processor time of one ` +
        share(processors, service + signers + postgres),
    )
  }
  say(`From ${few.toLocaleString('en')} to ${certificates.toLocaleString('en')} certificates`)
  compared('issuing', last.issuing, first.issuing)
  for (const [index, now] of last.answering.entries()) {
    const then = first.answering[index]
    if (then !== undefined) compared(now.what, now, then)
  }
}

/** Each with a service of its own, so that neither has the other's caches, or its compiled code. */
async function measured(bench: Bench, it: Wanted, say: (text: string) => void): Promise<Measured> {
  const { certificates, seconds, warmUp, issued = ISSUED } = it
  const served = await bench.start()
  try {
    // The first one is what all others are made like.
    await issuing(bench, served, 1)
    const [row] = await bench.service.sql<{ count: number }>('select count(*)::int as count from certificate')
    const startedAt = performance.now()
    await grow(bench.service, certificates - (row?.count ?? 0), () => undefined)
    const tookS = ((performance.now() - startedAt) / 1000).toFixed(0)
    say(`${certificates.toLocaleString('en')} certificates (made in ${tookS} s)`)
    const answering = await asking(bench, served, { seconds, warmUp, say })
    await issuing(bench, served, Math.min(WARM_UP, issued))
    const made = await issuing(bench, served, issued)
    say(made.says)
    return { certificates, issuing: made, answering }
  } finally {
    await served.stop()
  }
}
