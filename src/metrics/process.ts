import { readdirSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Gauge, Counter, type Registry } from 'prom-client'

/** How often the delay of the event loop is measured: its timer is the whole cost. */
const RESOLUTION_MS = 20
const QUANTILES = [0.5, 0.9, 0.99]

/**
 * The process, under the names that dashboards know. The library's own collection starts timers and observers for each
 * registry and cannot end them; this one can.
 * @returns ends the measuring
 */
export function observeProcess(registry: Registry): () => void {
  const registers = [registry]
  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value())
      },
    })
  }
  const startedAt = Date.now() / 1000 - process.uptime()
  gauge('process_start_time_seconds', 'Start of the process, seconds since 1970.', () => startedAt)
  gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss())
  gauge('nodejs_heap_size_used_bytes', 'Heap in use.', () => process.memoryUsage().heapUsed)
  gauge('process_open_fds', 'Open file descriptors; 0 where the system does not tell.', openDescriptors)
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Time on the processor, user and system.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage()
      this.reset()
      this.inc((user + system) / 1e6)
    },
  })
  return observeEventLoop(registry)
}

function observeEventLoop(registry: Registry): () => void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  new Gauge({
    name: 'nodejs_eventloop_lag_seconds',
    help: 'Delay of the event loop between two scrapes.',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      for (const quantile of QUANTILES) {
        // What is measured holds the timer's own period.
        const seconds = delay.percentile(quantile * 100) / 1e9 - RESOLUTION_MS / 1000
        this.set({ quantile }, Math.max(0, seconds))
      }
      delay.reset()
    },
  })
  return () => {
    delay.disable()
  }
}

function openDescriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return 0
  }
}
