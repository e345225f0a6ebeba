import { Refusal } from '../../refusal.ts'
import { isObject } from '../../signing/strictJson.ts'
import { contextOf } from './contexts.ts'

/** The library's active context, as far as it is handled here. */
interface ActiveContext {
  mappings: Map<string, unknown>
  protected: Record<string, unknown>
  previousContext?: ActiveContext
  inverse: null
  clone: () => ActiveContext
  revertToPreviousContext: () => ActiveContext
}
interface Processed {
  readonly context: ActiveContext
  readonly events: readonly unknown[]
}

/** Contexts that stand in documents themselves, of which what was made is kept: the newest. */
const MAX_INLINE = 100
/** Longer ones are not kept. */
const MAX_INLINE_CHARACTERS = 20_000
/** Contexts that name contexts: what the library allows. */
const MAX_NESTED = 10

/**
 * A context, and what the library has made of it under others. The library keeps this too, but copies the active context, deeply,
 * at each node that has a type with a context of its own, and so never finds it again: an Open Badge took four times as long.
 * Active contexts are not changed once they are made: here they are shared, and copies are shallow.
 */
class Context {
  readonly document: object | null
  readonly #plain = new WeakMap<ActiveContext, Processed>()
  readonly #ofType = new WeakMap<ActiveContext, Processed>()

  constructor(document: object | null) {
    this.document = document
  }

  /** @param base the active context that it is to be processed under, if it is the first of a list. */
  under(base: ActiveContext | undefined): object {
    // For a type's context the library processes a fresh copy, whose previous one is the base itself.
    const isCopy = (active: ActiveContext): boolean =>
      base !== undefined && active !== base && active.previousContext === base
    return {
      document: this.document,
      getProcessed: (active: ActiveContext) =>
        base !== undefined && isCopy(active) ? this.#ofType.get(base) : this.#plain.get(active),
      setProcessed: (active: ActiveContext, made: Processed) => {
        share(made.context)
        if (base !== undefined && isCopy(active)) {
          made.context.previousContext = base
          this.#ofType.set(base, made)
        } else this.#plain.set(active, made)
      },
    }
  }
}

function share(context: ActiveContext): void {
  context.clone = shallowCopy
  context.revertToPreviousContext = previous
}

function shallowCopy(this: ActiveContext): ActiveContext {
  return { ...this, mappings: new Map(this.mappings), protected: { ...this.protected }, inverse: null }
}

function previous(this: ActiveContext): ActiveContext {
  return this.previousContext ?? this
}

const byUrl = new Map<string, readonly Context[]>()
const byText = new Map<string, Context>()
const byObject = new WeakMap<object, Context>()

interface Asked {
  readonly activeCtx: ActiveContext
  readonly context: unknown
}

/** What the library resolves contexts with: from memory, and nothing of it twice. It is the same for all documents. */
export const contextResolver = {
  // The library awaits it.
  resolve: ({ activeCtx, context }: Asked): Promise<object[]> => {
    share(activeCtx)
    const inner = isObject(context) && '@context' in context ? context['@context'] : context
    const found = contextsOf(inner, 0)
    return Promise.resolve(found.map((one, at) => one.under(at === 0 ? activeCtx : undefined)))
  },
}

function contextsOf(context: unknown, depth: number): Context[] {
  if (depth > MAX_NESTED) throw refused('contexts that name contexts are nested too deep')
  return (Array.isArray(context) ? (context as unknown[]) : [context]).flatMap((item) => {
    if (typeof item === 'string') return named(item, depth)
    if (item === null) return new Context(null)
    if (!isObject(item)) throw refused('an item is neither a URL nor an object')
    return inline(item)
  })
}

function named(url: string, depth: number): readonly Context[] {
  const known = byUrl.get(url)
  if (known !== undefined) return known
  const { '@context': content = {} } = contextOf(url) as { readonly '@context'?: unknown }
  const made = contextsOf(content, depth + 1)
  byUrl.set(url, made)
  return made
}

function inline(document: object): Context {
  const seen = byObject.get(document)
  if (seen !== undefined) return seen
  // The library keeps what it imports where it keeps what it has processed, and mistakes one for the other.
  if ('@import' in document) throw refused('@import is not taken')
  const text = JSON.stringify(document)
  const made = byText.get(text) ?? new Context(document)
  if (text.length <= MAX_INLINE_CHARACTERS) keep(text, made)
  byObject.set(document, made)
  return made
}

function keep(text: string, context: Context): void {
  byText.delete(text)
  byText.set(text, context)
  const [oldest] = byText.keys()
  if (byText.size > MAX_INLINE && oldest !== undefined) byText.delete(oldest)
}

const refused = (what: string): Refusal => new Refusal('invalid_request', `@context: ${what}`)
