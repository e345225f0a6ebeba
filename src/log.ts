import pino, { type DestinationStream, type Logger } from 'pino'

/** Names under which a secret might reach a log line by mistake; none is logged on purpose. */
const secretNames = [
  'pin',
  'PIN',
  'secret',
  'secrets',
  'password',
  'sad',
  'SAD',
  'token',
  'authorization',
  'cookie',
  'client_secret',
  'clientSecret',
  'access_token',
  'refresh_token',
]

/** How often each alarm was raised, by the log that it was raised through. */
const raised = new WeakMap<Logger, Map<string, number>>()

/** Alarms by name, and how often each was raised through this log since it was made. */
export function alarmCounts(log: Logger): ReadonlyMap<string, number> {
  return raised.get(log) ?? new Map<string, number>()
}

/** JSON lines. Bodies and headers are never logged, neither is a query. */
export function createLogger(level: string, destination: DestinationStream): Logger {
  const counts = new Map<string, number>()
  const log = pino(
    {
      level,
      hooks: {
        logMethod(args, method) {
          count(counts, args[0])
          method.apply(this, args)
        },
      },
      base: {},
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
      serializers: { err: describeError },
    },
    destination,
  )
  raised.set(log, counts)
  return log
}

/** Counted where every line passes, since alarms are raised in places that know no metrics. */
function count(counts: Map<string, number>, facts: unknown): void {
  if (typeof facts !== 'object' || facts === null || !('alarm' in facts)) return
  const alarm = String(facts.alarm)
  counts.set(alarm, (counts.get(alarm) ?? 0) + 1)
}

/** Enough to find the bug. A driver's other members are left out: Postgres puts the row's values into some of them. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) }
  const { code, kind, reason, detail } = error as {
    code?: unknown
    kind?: unknown
    reason?: unknown
    detail?: unknown
  }
  return {
    type: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    ...(kind === undefined ? {} : { kind }),
    ...(reason === undefined ? {} : { reason }),
    // Ours is an object meant for the log; Postgres' is text with values in it.
    ...(typeof detail === 'object' && detail !== null ? { detail } : {}),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  }
}
