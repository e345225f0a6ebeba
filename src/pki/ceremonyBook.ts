import { eventsOf, recordAhead, recordEvent, type EventRow, type Facts } from '../db/ceremonies.ts'
import type { Queries } from '../db/database.ts'
import { RUN_STEP } from './ceremonySteps.ts'

/** What a ceremony has done so far, in order, as the database has it. One process writes in it at a time. */
export class CeremonyBook {
  readonly #ceremonyId: string
  readonly #events: EventRow[]

  private constructor(ceremonyId: string, events: EventRow[]) {
    this.#ceremonyId = ceremonyId
    this.#events = events
  }

  static async open(q: Queries, ceremonyId: string): Promise<CeremonyBook> {
    return new CeremonyBook(ceremonyId, await eventsOf(q, ceremonyId))
  }

  get events(): readonly EventRow[] {
    return this.#events
  }

  isDone(step: string): boolean {
    return this.#find(step) !== undefined
  }

  /** What a step that is done recorded. */
  factsOf(step: string): Facts {
    const found = this.#find(step)
    if (found === undefined) throw new Error(`the step '${step}' is not done`)
    return found.facts
  }

  /** Before a step: keys and certificates have a durable commit of their own before the token is asked for anything. */
  begin(q: Queries, step: string): Promise<void> {
    return this.#record({ step, event: 'begun', facts: {} }, (made) => recordAhead(q, this.#ceremonyId, made))
  }

  /** In the transaction that has it run. */
  run(tx: Queries, facts: Facts): Promise<void> {
    const made = { step: RUN_STEP, event: 'begun', facts } as const
    return this.#record(made, (event) => recordEvent(tx, this.#ceremonyId, event))
  }

  /** Of the last time that it was run. */
  get lastRun(): Facts {
    return this.#events.findLast(({ step }) => step === RUN_STEP)?.facts ?? {}
  }

  /** In the transaction that stores what was done. */
  done(tx: Queries, step: string, facts: Facts): Promise<void> {
    return this.#record({ step, event: 'done', facts }, (made) => recordEvent(tx, this.#ceremonyId, made))
  }

  /** After what was stored by itself, and would be found again. */
  found(q: Queries, step: string, facts: Facts): Promise<void> {
    return this.#record({ step, event: 'done', facts }, (made) => recordAhead(q, this.#ceremonyId, made))
  }

  #find(step: string): EventRow | undefined {
    return this.#events.find((event) => event.step === step && event.event === 'done')
  }

  async #record(
    made: Pick<EventRow, 'step' | 'event' | 'facts'>,
    store: (made: Pick<EventRow, 'position' | 'step' | 'event' | 'facts'>) => Promise<EventRow>,
  ): Promise<void> {
    this.#events.push(await store({ ...made, position: this.#events.length }))
  }
}
