/** What a long campaign says while it runs, and its figures at the end. */
export class Progress {
  readonly #name: string
  readonly #steps: number
  readonly #start = performance.now()
  #done = 0
  #saidAt = 0

  constructor(name: string, steps: number) {
    this.#name = name
    this.#steps = steps
  }

  step(what: string, figures: Readonly<Record<string, number>>): void {
    this.to(this.#done + 1, what, figures)
  }

  to(done: number, what: string, figures: Readonly<Record<string, number>>): void {
    this.#done = done
    // One line every few seconds.
    if (performance.now() - this.#saidAt < 5_000 && this.#done < this.#steps) return
    this.#saidAt = performance.now()
    console.log(
      `  ${this.#name} ${this.#done}/${this.#steps} (${what}) ${this.#seconds()} s: ${line(figures)}`,
    )
  }

  end(figures: Readonly<Record<string, number>>, answers: ReadonlyMap<string, number>): void {
    console.log(`  ${this.#name}: ${this.#seconds()} s`)
    for (const [name, value] of Object.entries(figures)) console.log(`    ${name}: ${value}`)
    for (const [answer, count] of [...answers].sort((a, b) => b[1] - a[1])) {
      console.log(`    ${count} × ${answer}`)
    }
  }

  #seconds(): number {
    return Math.round((performance.now() - this.#start) / 1000)
  }
}

function line(figures: Readonly<Record<string, number>>): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}
