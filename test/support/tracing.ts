import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import {
  context,
  propagation,
  ROOT_CONTEXT,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type ContextManager,
  type Link,
  type Span,
  type SpanContext,
  type SpanKind,
  type SpanOptions,
  type TextMapPropagator,
  type Tracer,
} from '@opentelemetry/api'

/** A span as it was when it ended. */
export interface RecordedSpan {
  readonly name: string
  readonly kind: SpanKind | undefined
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | undefined
  readonly attributes: Attributes
  readonly links: readonly Link[]
}

/** What an operator's SDK does, by the interfaces of the API alone: the smallest one that records. */
export class TestSdk {
  readonly spans: RecordedSpan[] = []
  #isOn = true

  constructor() {
    trace.setGlobalTracerProvider({ getTracer: () => this.#tracer })
    context.setGlobalContextManager(manager())
    propagation.setGlobalPropagator(w3c)
  }

  /** Whoever holds the tracer records nothing from now on. */
  stop(): void {
    this.#isOn = false
    trace.disable()
    context.disable()
    propagation.disable()
  }

  readonly #tracer: Tracer = {
    startSpan: (name, options = {}, parent = context.active()) => this.#start(name, options, parent),
    startActiveSpan: (name: string, ...more: unknown[]): never => {
      const work = more.at(-1) as (span: Span) => never
      const options = (more.length > 1 ? more[0] : {}) as SpanOptions
      const span = this.#start(name, options, context.active())
      return context.with(trace.setSpan(context.active(), span), () => work(span))
    },
  }

  #start(name: string, options: SpanOptions, parent: Context): Span {
    const above = trace.getSpanContext(parent)
    const own: SpanContext = {
      traceId: above?.traceId ?? randomBytes(16).toString('hex'),
      spanId: randomBytes(8).toString('hex'),
      traceFlags: TraceFlags.SAMPLED,
    }
    const attributes: Attributes = { ...options.attributes }
    let shown = name
    const span: Span = {
      spanContext: () => own,
      setAttribute: (key, value) => ((attributes[key] = value), span),
      setAttributes: (more) => (Object.assign(attributes, more), span),
      addEvent: () => span,
      addLink: () => span,
      addLinks: () => span,
      setStatus: () => span,
      updateName: (other) => ((shown = other), span),
      recordException: () => undefined,
      isRecording: () => this.#isOn,
      end: () => {
        const { kind, links = [] } = options
        const { traceId, spanId } = own
        if (this.#isOn)
          this.spans.push({ name: shown, kind, traceId, spanId, parentId: above?.spanId, attributes, links })
      },
    }
    return span
  }
}

function manager(): ContextManager {
  const storage = new AsyncLocalStorage<Context>()
  const self: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, work, ...[thisArg, ...args]) =>
      storage.run(active, () => work.apply(thisArg as never, args)),
    bind: (_active, target) => target,
    enable: () => self,
    disable: () => self,
  }
  return self
}

const w3c: TextMapPropagator = {
  inject: () => undefined,
  extract: (active, carrier, getter) => {
    const header = String(getter.get(carrier, 'traceparent') ?? '')
    const [, traceId, spanId] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/.exec(header) ?? []
    if (traceId === undefined || spanId === undefined) return active
    return trace.setSpanContext(active, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true })
  },
  fields: () => ['traceparent'],
}
