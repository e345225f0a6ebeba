import type { Context } from './context.ts'
import { registerGauges } from './metrics/gauges.ts'
import { observeProcess } from './metrics/process.ts'
import { startWatch } from './watch.ts'

/** Starts what looks after the service: the watch that raises alarms, and the metrics of what it sees. @returns ends it */
export function startObserving(ctx: Context): () => Promise<void> {
  const watch = startWatch(ctx)
  registerGauges(ctx, watch.watched)
  const endProcess = observeProcess(ctx.metrics.registry)
  return async () => {
    endProcess()
    await watch.stop()
  }
}
