import type { IncomingHttpHeaders } from 'node:http'
import {
  context,
  INVALID_TRACEID,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Link,
  type Span,
} from '@opentelemetry/api'
import { version } from './version.ts'

/**
 * Traces by the API of OpenTelemetry alone: without an SDK, which the operator loads or does not (docs/operator.md),
 * nothing of this does anything. Attributes hold no secret, nothing personal and no id of a client or credential.
 */
const tracer = trace.getTracer('intaglio', version)
/** Whether a request was ever recorded: until then its steps need not look for its span. */
let isRecording = false

/** W3C Trace Context, 2.2.2: version-traceid-parentid-flags; versions after 00 may append members. */
const TRACEPARENT =
  /^(?:00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}|(?!00|ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?)$/
const NO_TRACE = '0'.repeat(32)
const NO_PARENT = '0'.repeat(16)

export interface RequestTrace {
  /** Of the SDK's span, or of the caller's header where there is no SDK; undefined: of neither. */
  readonly traceId: string | undefined
  /** What is done in here is part of the request's span. */
  run(work: () => void): void
  end(done: { readonly name: string; readonly status: number; readonly attributes: Attributes }): void
}

/** One server span for a request, a child of what its headers name. */
export function traceRequest(method: string, headers: IncomingHttpHeaders): RequestTrace {
  const parent = propagation.extract(ROOT_CONTEXT, headers)
  const span = tracer.startSpan(method, { kind: SpanKind.SERVER }, parent)
  const own = span.spanContext()
  // There is no SDK, or it takes no sample of this one.
  if (!span.isRecording())
    return unrecorded(own.traceId === INVALID_TRACEID ? callersTraceId(headers) : own.traceId)
  isRecording = true
  return {
    traceId: own.traceId,
    run: (work) => context.with(trace.setSpan(parent, span), work),
    end: ({ name, status, attributes }) => {
      span.updateName(name)
      span.setAttributes({
        'http.request.method': method,
        'http.response.status_code': status,
        ...attributes,
      })
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    },
  }
}

function unrecorded(traceId: string | undefined): RequestTrace {
  return { traceId, run, end }
}
const run = (work: () => void): void => work()
const end = (): void => undefined

/** For the log, where no SDK reads it. What is malformed is ignored (W3C Trace Context, 3.2.2.3). */
function callersTraceId({ traceparent }: IncomingHttpHeaders): string | undefined {
  if (typeof traceparent !== 'string' || !TRACEPARENT.test(traceparent)) return undefined
  const traceId = traceparent.slice(3, 35)
  return traceId === NO_TRACE || traceparent.slice(36, 52) === NO_PARENT ? undefined : traceId
}

/** A step of a request, as a child of its span. Where no request is traced it costs a look. */
export function inSpan<T>(name: string, work: () => Promise<T>, links: readonly Link[] = []): Promise<T> {
  if (!isRecording || trace.getActiveSpan() === undefined) return work()
  return tracer.startActiveSpan(name, { links: [...links] }, (span) => ended(span, work))
}

/** The request that is under way here, for a span that several requests share. */
export function currentSpan(): Span | undefined {
  return isRecording ? trace.getActiveSpan() : undefined
}

/** A statement that several requests wait for: a child of the first one's span, linked to the others'. */
export function inSharedSpan<T>(
  name: string,
  spans: readonly (Span | undefined)[],
  work: () => Promise<T>,
): Promise<T> {
  const [first, ...others] = spans.filter((span) => span !== undefined)
  if (first === undefined) return work()
  const links = others.map((span) => ({ context: span.spanContext() }))
  return context.with(trace.setSpan(ROOT_CONTEXT, first), () => inSpan(name, work, links))
}

async function ended<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    // The class alone: a message may hold what a caller sent.
    span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : '' })
    throw error
  } finally {
    span.end()
  }
}
