import type { Context } from '../context.ts'
import type { Step } from '../metrics.ts'
import { inSpan } from '../tracing.ts'

/** A step of a signature's life, measured and, where its request is traced, a span of its own. */
export async function step<T>(ctx: Context, name: Step, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  const result = await inSpan(`signature ${name}`, work)
  ctx.metrics.step(name, startedAt)
  return result
}
