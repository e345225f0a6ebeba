import { Counter, Histogram, type Registry } from 'prom-client'

/** What a metric is called, what it says, and the labels that tell its children apart. */
export interface Described<Label extends string> {
  readonly name: string
  readonly help: string
  readonly labels?: readonly Label[]
}

/** One number that only grows. */
export interface Count {
  value: number
}

interface Labelled<T> {
  readonly labels: Readonly<Record<string, string>>
  readonly it: T
}

/**
 * Children of one metric, found by their labels' values. prom-client hashes and checks the labels of each single
 * observation, which costs more than all that is observed of a signature together; so plain numbers are kept here, and
 * it is given them when it is asked for its text.
 */
class Children<T> {
  readonly #names: readonly string[]
  readonly #make: () => T
  readonly #byValues = new Map<string, Labelled<T>>()

  constructor(names: readonly string[], make: () => T) {
    this.#names = names
    this.#make = make
  }

  of(values: readonly string[]): T {
    const key = values.length === 1 ? (values[0] ?? '') : values.join('\n')
    let child = this.#byValues.get(key)
    if (child === undefined) {
      const labels = Object.fromEntries(this.#names.map((name, index) => [name, values[index] ?? '']))
      child = { labels, it: this.#make() }
      this.#byValues.set(key, child)
    }
    return child.it
  }

  all(): Iterable<Labelled<T>> {
    return this.#byValues.values()
  }
}

export class CountFamily {
  readonly #children: Children<Count>

  constructor(registry: Registry, { name, help, labels = [] }: Described<string>) {
    const children = new Children<Count>(labels, () => ({ value: 0 }))
    this.#children = children
    new Counter({
      name,
      help,
      labelNames: labels,
      registers: [registry],
      collect() {
        this.reset()
        for (const child of children.all()) this.inc(child.labels, child.it.value)
      },
    })
  }

  /** The count of these values, in the order of the labels' names. To be kept by whoever counts often. */
  of(...values: readonly string[]): Count {
    return this.#children.of(values)
  }
}

/** What was observed under one set of labels. */
export class Buckets {
  readonly #bounds: readonly number[]
  /** One for each bound, and one for what is above all of them. */
  readonly counts: number[]
  sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number): void {
    let index = 0
    while (value > (this.#bounds[index] ?? Infinity)) index++
    this.counts[index] = (this.counts[index] ?? 0) + 1
    this.sum += value
  }

  /** @param startedAt by performance.now() */
  secondsSince(startedAt: number): void {
    this.observe((performance.now() - startedAt) / 1000)
  }
}

export class HistogramFamily {
  readonly #children: Children<Buckets>

  constructor(registry: Registry, described: Described<string> & { readonly bounds: readonly number[] }) {
    this.#children = new Children(described.labels ?? [], () => new Buckets(described.bounds))
    const { name, help, labels = [], bounds } = described
    new Collected({ name, help, labelNames: labels, buckets: [...bounds], registers: [registry] }, () =>
      [...this.#children.all()].flatMap((child) => lines(name, bounds, child)),
    )
  }

  of(...values: readonly string[]): Buckets {
    return this.#children.of(values)
  }
}

type Answer = Awaited<ReturnType<Histogram['get']>>
type Line = Answer['values'][number]

/** A histogram whose numbers are kept elsewhere: the library has no way to set one. */
class Collected extends Histogram {
  readonly #described: ConstructorParameters<typeof Histogram>[0]
  readonly #values: () => Line[]

  constructor(described: ConstructorParameters<typeof Histogram>[0], values: () => Line[]) {
    super(described)
    this.#described = described
    this.#values = values
  }

  override get(): Promise<Answer> {
    const { name, help } = this.#described
    // The library's types know neither the word that it writes for the type, nor that `collect` may be absent.
    const answer: unknown = { name, help, type: 'histogram', aggregator: 'sum', values: this.#values() }
    return Promise.resolve(answer as Answer)
  }

  /** What the registry asks in place of get(), where there is one. */
  getForPromString(): Promise<Answer> {
    return this.get()
  }
}

function lines(name: string, bounds: readonly number[], child: Labelled<Buckets>): Line[] {
  const { labels, it } = child
  let count = 0
  const buckets = it.counts.map((counted, index) => {
    count += counted
    return { labels: { ...labels, le: bounds[index] ?? '+Inf' }, value: count, metricName: `${name}_bucket` }
  })
  return [
    ...buckets,
    { labels, value: it.sum, metricName: `${name}_sum` },
    { labels, value: count, metricName: `${name}_count` },
  ]
}
