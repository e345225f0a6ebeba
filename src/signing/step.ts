import type { Context } from '../context.ts'
import type { Step } from '../metrics.ts'
import { inSpan } from '../tracing.ts'

/** A step of a signature's life, measured and, where its request is traced, a span of its own. */
export function step<T>(ctx: Context, name: Step, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  return inSpan(SPANS[name], work).then((result) => {
    ctx.metrics.step(name, startedAt)
    return result
  })
}

const SPANS: Readonly<Record<Step, string>> = {
  authorise: 'signature authorise',
  reserve: 'signature reserve',
  sign: 'signature sign',
  complete: 'signature complete',
}
