import { Lasting, raise } from './alarms.ts'
import type { Context } from './context.ts'
import { observe, takeInventory, type Inventory, type Observation } from './db/observations.ts'

const INTERVAL_MS = 5_000
/** What takes a look at whole tables. */
const INVENTORY_MS = 60_000
/** What heals itself, heals within this: a restart, a failover. */
const PATIENCE_MS = 30_000
/** Far from what a time service does by slewing, and well below the shortest life of an authorisation. */
const CLOCK_TOLERANCE_MS = 5_000
/** Above what holders take to ask again. */
const MESSAGES_PATIENCE_MS = 60_000
const DAY_MS = 86_400_000
/** A change is in the lists within seconds, in those of a million entries within two minutes; the duty is an hour. */
const CHANGE_PATIENCE_S = 600
/** A change of a credential's status is to be seen within five seconds; this is no token's restart any more. */
const STATUS_PATIENCE_S = 60
/** Of a token's capacity: what is left lasts until more was bought. */
const NEARLY_FULL = 0.9
/** A ceremony for a new authority takes this long to arrange. */
const AUTHORITY_NOTICE_DAYS = 90

/** What was last seen, for the metrics: those who ask for them wait for nothing. */
export interface Watched {
  /** Undefined: the last look was not answered. */
  observation: Observation | undefined
  inventory: Inventory | undefined
  /** This machine's clock less the database's. */
  skewMs: number
}

export interface Watch {
  readonly watched: Watched
  /** One look; rejects never. */
  look(): Promise<void>
  stop(): Promise<void>
}

/** Looks after the service as an operator would, every few seconds, and raises alarms about what lasts. */
export function startWatch(ctx: Context): Watch {
  const watched: Watched = { observation: undefined, inventory: undefined, skewMs: 0 }
  const lasting = new Lasting(ctx.log)
  const clock = clockWatch(ctx)
  let inventoryAt = -Infinity
  const look = async (): Promise<void> => {
    clock()
    watchTokens(ctx, lasting)
    watchMessages(ctx, lasting)
    await watchDatabase(ctx, watched, lasting)
    if (watched.observation === undefined || performance.now() - inventoryAt < INVENTORY_MS) return
    inventoryAt = performance.now()
    watched.inventory = await takeInventory(ctx.db).catch(() => undefined)
    watchAuthorities(ctx, watched, lasting)
    watchCapacity(ctx, watched, lasting)
    watchLists(watched, lasting)
    watchStatuses(watched, lasting)
  }
  let running: Promise<void> | undefined
  const next = (): Promise<void> => {
    // A database that does not answer holds up one look, not one for each interval.
    running ??= look().finally(() => {
      running = undefined
    })
    return running
  }
  void next()
  const timer = setInterval(() => void next(), INTERVAL_MS)
  timer.unref()
  return {
    watched,
    look: next,
    stop: async () => {
      clearInterval(timer)
      await running
    },
  }
}

function watchTokens(ctx: Context, lasting: Lasting): void {
  for (const { name, up } of ctx.token.metrics()) {
    const says = 'no signer of the token has signed a canary for 30 s: nothing is signed with its keys'
    lasting.note('no_signer', { on: !up, about: name, patienceMs: PATIENCE_MS, says })
  }
}

function watchMessages({ metrics: { messagesFailSince: since } }: Context, lasting: Lasting): void {
  const says = 'no message has reached the gateway for a minute: holders get neither codes nor links'
  const on = since !== undefined && performance.now() - since >= MESSAGES_PATIENCE_MS
  lasting.note('messages_fail', { on, says })
}

async function watchDatabase(ctx: Context, watched: Watched, lasting: Lasting): Promise<void> {
  const asked = ctx.clock()
  watched.observation = await observe(ctx.db).catch(() => undefined)
  const { observation } = watched
  const away = 'the database has not answered for 30 s: nothing is signed'
  lasting.note('database_away', { on: observation === undefined, patienceMs: PATIENCE_MS, says: away })
  if (observation === undefined) return
  // In the middle of the time that the question took.
  watched.skewMs = (asked + ctx.clock()) / 2 - observation.now
  const skewed = Math.abs(watched.skewMs) > CLOCK_TOLERANCE_MS
  const says = `the clocks of this machine and of the database differ by ${Math.round(watched.skewMs)} ms`
  lasting.note('clock_skew', { on: skewed, says })
}

function watchAuthorities(ctx: Context, { inventory }: Watched, lasting: Lasting): void {
  if (inventory !== undefined) {
    const on = !inventory.authorities.some(({ profile }) => profile === 'issuing')
    const says =
      'there is no issuing authority: nobody is enrolled and nothing is issued until a ceremony has made one'
    lasting.note('no_authority', { on, says })
  }
  for (const { profile, notAfter } of inventory?.authorities ?? []) {
    const days = Math.floor((notAfter.getTime() - ctx.clock()) / DAY_MS)
    // What it issues must not outlive it.
    const needed = AUTHORITY_NOTICE_DAYS + (profile === 'issuing' ? ctx.config.ca.endEntityDays : 0)
    const says = `the certificate of the authority '${profile}' ends in ${days} days`
    lasting.note('authority_ends', { on: days < needed, about: profile, says })
  }
}

function watchCapacity(ctx: Context, { inventory }: Watched, lasting: Lasting): void {
  for (const { config, token } of ctx.token.all) {
    const { capacity } = ctx.config.tokens.find(({ name }) => name === config.name) ?? {}
    if (capacity === undefined) continue
    const count = inventory?.keys.find(({ serial }) => serial === token.serial)?.count ?? 0
    const says = `the token holds ${count} keys and has room for ${capacity}`
    lasting.note('token_nearly_full', { on: count >= capacity * NEARLY_FULL, about: config.name, says })
  }
}

function watchLists({ inventory }: Watched, lasting: Lasting): void {
  const { late = 0, oldestChange = 0 } = inventory?.lists ?? {}
  const schedule = `${late} revocation lists were not made anew in time: they end soon, or are not there`
  lasting.note('crl_late', { on: late > 0, about: 'schedule', says: schedule })
  const waits = `a change of a certificate's status has waited for ${Math.round(oldestChange)} s to be published`
  lasting.note('crl_late', { on: oldestChange > CHANGE_PATIENCE_S, about: 'change', says: waits })
}

function watchStatuses({ inventory }: Watched, lasting: Lasting): void {
  const { late = 0, oldestChange = 0 } = inventory?.statuses ?? {}
  const schedule = `${late} status lists were not made anew in time: they end soon, or are not there`
  // One that is being made is not there for a moment.
  const patienceMs = INVENTORY_MS / 2
  lasting.note('status_list_late', { on: late > 0, about: 'schedule', patienceMs, says: schedule })
  const waits = `a change of a credential's status has waited for ${Math.round(oldestChange)} s to be published`
  const on = oldestChange > STATUS_PATIENCE_S
  lasting.note('status_list_late', { on, about: 'change', says: waits })
}

/** A clock that was set, or a machine that slept: the wall clock against the one that only runs. */
function clockWatch(ctx: Context): () => void {
  const offset = (): number => ctx.clock() - performance.now()
  let last = offset()
  return () => {
    const now = offset()
    const jumpMs = Math.round(now - last)
    last = now
    if (Math.abs(jumpMs) <= CLOCK_TOLERANCE_MS) return
    raise(ctx.log, 'clock_jump', { says: 'the clock of this machine jumped', jumpMs })
  }
}
