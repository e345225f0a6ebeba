/** What callers that nobody knows may take of one replica: so many at once, and so many a second. */
export class Quota {
  readonly #perSecond: number
  readonly #atOnce: number
  #underWay = 0
  /** Requests that may come now, as it was at a time of performance.now(); a second's worth at most. */
  #left: number
  #at = performance.now()

  constructor({ perSecond, underWay }: { readonly perSecond: number; readonly underWay: number }) {
    this.#perSecond = perSecond
    this.#atOnce = underWay
    this.#left = perSecond
  }

  /** @returns false: not now. Whoever is let in leaves. */
  enter(): boolean {
    const now = performance.now()
    this.#left = Math.min(this.#perSecond, this.#left + ((now - this.#at) / 1000) * this.#perSecond)
    this.#at = now
    if (this.#left < 1 || this.#underWay >= this.#atOnce) return false
    this.#left--
    this.#underWay++
    return true
  }

  leave(): void {
    this.#underWay--
  }
}
