import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Context } from '../../context.ts'
import { grouped } from '../../db/groupCommit.ts'
import {
  insertEntries,
  insertList,
  isListBeingMade,
  takePositions,
  type TakenPositions,
} from '../../db/statusLists.ts'
import { unavailable } from '../../refusal.ts'
import { publishDue } from './publish.ts'
import { shuffled, SHUFFLE_OCTETS } from './shuffle.ts'

/** Tries at a list with room: who loses against another replica, or against the publisher, finds the one that it makes. */
const TRIES = 30
/** Between them: that one waits for three signatures. */
const PAUSE_MS = 100
/** Looks that find nobody at it, before it is given up: all others wait meanwhile. One may come between two steps of a replica. */
const MAX_IDLE = 2

/** A credential's place in a list of its issuer. */
export interface StatusEntry {
  readonly listId: string
  readonly index: number
}

interface Wanted {
  readonly issuerId: string
  readonly credentialId: string | undefined
  /** What the credential will name it for; absent: everything. */
  readonly purposes?: readonly string[] | undefined
}

interface Asked extends Wanted {
  readonly ctx: Context
}

/**
 * Gives a credential that is about to be issued its entry. Each is given out once: a position is taken by one statement, and
 * positions and indices of a list correspond one to one. If we die before the credential is issued, its entry is nobody's.
 * @throws Refusal 'unavailable' when a first list cannot be signed now
 */
export function allocateEntry(ctx: Context, asked: Wanted): Promise<StatusEntry> {
  return allocated(ctx.db, { ctx, ...asked })
}

/** One statement each for all that ask at once: no row is waited for longer than it takes to write it. */
const allocated = grouped<Asked, StatusEntry>({
  name: 'status-allocate',
  rows: () => 1,
  flush: async (db, items) => {
    const places = new Map<Asked, StatusEntry>()
    for (const issuerId of new Set(items.map((item) => item.issuerId))) {
      const own = items.filter((item) => item.issuerId === issuerId)
      const [first] = own
      if (first === undefined) continue
      const { listId, ...taken } = await positions(first.ctx, issuerId, own.length)
      own.forEach((item, nth) => {
        const index = shuffled(taken.first + nth, { key: taken.shuffle, length: taken.length })
        places.set(item, { listId, index })
      })
    }
    const entries = items.map((item) => {
      const { credentialId, purposes } = item
      return { ...placeOf(places, item), credentialId, purposes }
    })
    await insertEntries(db, entries)
    return items.map((item) => placeOf(places, item))
  },
})

function placeOf(places: ReadonlyMap<Asked, StatusEntry>, item: Asked): StatusEntry {
  const place = places.get(item)
  if (place === undefined) throw new Error('an entry that nobody took')
  return place
}

async function positions(ctx: Context, issuerId: string, count: number): Promise<TakenPositions> {
  let idle = 0
  for (let tries = 0; tries < TRIES && idle < MAX_IDLE; tries++) {
    // Asked first: it may be done by the time that we look for a place in it.
    const isMade = tries === 0 || (await isListBeingMade(ctx.db, issuerId))
    const taken = await takePositions(ctx.db, { issuerId, count })
    if (taken !== undefined) return taken
    if (!isMade) idle++
    if (tries > 0) await pause(PAUSE_MS)
    // None was published, or the last one is full. What is left in it is too little to be waited for.
    await openList(ctx, issuerId, count)
  }
  throw unavailable('The status list cannot be made now')
}

/** A list is published before anything is in it: whoever gets a credential can look its status up. */
async function openList(ctx: Context, issuerId: string, count: number): Promise<void> {
  const { entries: length } = ctx.config.status
  const list = { id: randomUUID(), issuerId, length, shuffle: randomBytes(SHUFFLE_OCTETS) }
  await insertList(ctx.db, { list, count })
  await publishDue(ctx, { issuerId })
}
