/**
 * A queue that is fair between flows: each flow in turn gives up its oldest item, so that a flow with a thousand items
 * delays another by one of its own only. Bounded as a whole and per flow.
 */
export class FairQueue<Item extends { readonly flow: string; readonly cost: number }> {
  readonly #flows = new Map<string, { items: Item[]; cost: number }>()
  readonly #limits: { readonly whole: number; readonly flow: number }
  #cost = 0

  /** @param limits in units of `cost`. */
  constructor(limits: { readonly whole: number; readonly flow: number }) {
    this.#limits = limits
  }

  /** Of all that waits. */
  get cost(): number {
    return this.#cost
  }

  get isEmpty(): boolean {
    return this.#flows.size === 0
  }

  /** Whether so much more fits, for this flow and as a whole. Something of any size fits where nothing waits. */
  hasRoom(flow: string, cost: number): boolean {
    const held = this.#flows.get(flow)?.cost ?? 0
    const fitsFlow = held === 0 || held + cost <= this.#limits.flow
    return fitsFlow && (this.#cost === 0 || this.#cost + cost <= this.#limits.whole)
  }

  /** @param first ahead of the flow's others: for what was taken out before and came back. */
  push(item: Item, first = false): void {
    const flow = this.#flows.get(item.flow) ?? { items: [], cost: 0 }
    this.#flows.set(item.flow, flow)
    if (first) flow.items.unshift(item)
    else flow.items.push(item)
    flow.cost += item.cost
    this.#cost += item.cost
  }

  /**
   * Offers the oldest item of each flow in turn until none is taken any more, or `isOpen` says that none would be. A
   * flow whose item was taken goes to the end of the round.
   * @param take returns whether it took the item.
   */
  drain(isOpen: () => boolean, take: (item: Item) => boolean): void {
    let isTaking = true
    while (isTaking) {
      isTaking = false
      // A flow that is moved to the end while the map is walked comes round again; so it should.
      for (const [name, flow] of this.#flows) {
        if (!isOpen()) return
        const [item] = flow.items
        if (item === undefined || !take(item)) continue
        isTaking = true
        flow.items.shift()
        this.#took(name, flow, item)
      }
    }
  }

  /** Takes out everything that fits the predicate. */
  remove(fits: (item: Item) => boolean): Item[] {
    const removed: Item[] = []
    for (const [name, flow] of [...this.#flows]) {
      const kept: Item[] = []
      const gone: Item[] = []
      for (const item of flow.items) (fits(item) ? gone : kept).push(item)
      flow.items = kept
      for (const item of gone) this.#took(name, flow, item)
      removed.push(...gone)
    }
    return removed
  }

  #took(name: string, flow: { items: Item[]; cost: number }, item: Item): void {
    flow.cost -= item.cost
    this.#cost -= item.cost
    this.#flows.delete(name)
    if (flow.items.length > 0) this.#flows.set(name, flow)
  }
}
