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

/** JSON lines. Bodies and headers are never logged, neither is a query. */
export function createLogger(level: string, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: {},
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
      serializers: { err: describeError },
    },
    destination,
  )
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
