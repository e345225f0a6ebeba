import type { Context } from '../context.ts'
import { auditEntry } from '../audit.ts'
import { insertAudit } from '../db/audit.ts'
import {
  changesFor,
  countListed,
  enterLists,
  giveBackLists,
  listedEntries,
  oneState,
  storePublished,
  takeLists,
  type PublishedList,
  type TakenList,
} from '../db/crls.ts'
import type { Database } from '../db/database.ts'
import { inTurn } from '../signing/inTurn.ts'
import { permitForService } from '../signing/permit.ts'
import { sha256 } from '../signing/sha256.ts'
import { sign } from '../signing/sign.ts'
import { checkTakenSince, isTimeTrusted, trustedTime } from './clock.ts'
import { CrlWriter } from './crl.ts'
import type { Issuer } from './issue.ts'
import { issuerById } from './issuers.ts'
import { profiles } from './profiles.ts'
import { CRL_SHARDS, publication } from './publication.ts'
import { schemeOf } from './tbsCertificate.ts'

/** How often it is looked whether a list is due, where nobody says so; and whether there is a new authority. */
const POLL_MS = 1_000
const ENTER_MS = 60_000
/** Lists that are made at once: small ones cost two transactions and a permit together. */
const AT_ONCE = 32
/** A list that came to nothing: its token may be away, or in a safe. */
const RETRY_S = 10
const HOUR_S = 3_600
/** Inputs of a permit, and their octets, together at most: whatever is more is signed by itself. */
const TOGETHER_OCTETS = 4 * 1024 * 1024
/** A list of so many entries is made at most once a second for changes; one of a hundred times as many, every 100 s. */
const ENTRIES_PER_S = 10_000

const publishers = new WeakMap<Database, () => void>()

/** A certificate's status was changed: saves the wait for the next look. Without it, or in another replica, a second passes. */
export function wakePublisher(db: Database): void {
  publishers.get(db)?.()
}

/** Every authority has its lists before anything else is issued: certificates name them. What cannot be made now follows. */
export async function publishFirstLists(ctx: Context): Promise<void> {
  await enterAll(ctx)
  await publishDue(ctx, { first: true })
}

/**
 * Publishes revocation lists as they are due: in time before they end, and where a certificate's status has changed. Any
 * replica does it, for all. @returns a function that stops it and resolves when it has
 */
export function startPublisher(ctx: Context): () => Promise<void> {
  let enteredAt = performance.now()
  let running: Promise<void> | undefined
  let isWanted = false
  const pass = async (): Promise<void> => {
    isWanted = false
    if (performance.now() - enteredAt > ENTER_MS) {
      enteredAt = performance.now()
      await enterAll(ctx)
    }
    await publishDue(ctx)
  }
  const look = (): void => {
    isWanted = true
    running ??= pass()
      .catch((error: unknown) => {
        ctx.log.warn({ err: error }, 'revocation lists were not looked at; they will be again')
      })
      .finally(() => {
        running = undefined
        // Said while a pass was under way, which may have looked before.
        if (isWanted && publishers.get(ctx.db) === look) look()
      })
  }
  publishers.set(ctx.db, look)
  const timer = setInterval(look, POLL_MS)
  timer.unref()
  return async () => {
    clearInterval(timer)
    publishers.delete(ctx.db)
    await running
  }
}

function enterAll(ctx: Context): Promise<void> {
  const sharded = Object.values(profiles)
    .filter(({ authority }) => authority?.pathLength === 0)
    .map(({ name }) => name)
  return enterLists(ctx.db, { sharded, shards: CRL_SHARDS })
}

/**
 * Publishes every list that is due now. One that cannot be made is left for later, and keeps no other from its turn. While
 * nobody knows the time none is taken: what was revoked meanwhile stands in the next ones.
 * @param only.first those that were never published
 */
export function publishDue(ctx: Context, only: { readonly first?: boolean } = {}): Promise<void> {
  return inTurn(`crl ${ctx.instanceId}`, async () => {
    while (isTimeTrusted(ctx)) {
      // 1. Whose turn it is, and the numbers. If we die after it: the numbers are void, and the lists are anybody's.
      const taken = await takeLists(ctx.db, { instanceId: ctx.instanceId, limit: AT_ONCE, ...only })
      for (const group of new Set(taken.map(groupOf))) {
        await publishOrGiveBack(
          ctx,
          taken.filter((list) => groupOf(list) === group),
        )
      }
      if (taken.length < AT_ONCE) return
    }
  })
}

/** Shards of an issuer together; a whole list, which may be a thousand times as long, alone. */
const groupOf = ({ issuerId, shard }: TakenList): string =>
  `${issuerId} ${shard === null ? 'whole' : 'shards'}`

async function publishOrGiveBack(ctx: Context, lists: readonly TakenList[]): Promise<void> {
  try {
    await publish(ctx, lists)
  } catch (error) {
    ctx.log.warn({ err: error, lists: lists.length }, 'revocation lists were not published; they will be')
    const ids = lists.map(({ id }) => id)
    await giveBackLists(ctx.db, { ids, instanceId: ctx.instanceId, retryS: RETRY_S })
  }
}

/** A list that is written and not signed yet. */
interface Written extends Pick<PublishedList, 'list' | 'thisUpdate' | 'nextUpdate' | 'entries' | 'changes'> {
  readonly writer: CrlWriter
  readonly tbs: Buffer
}

/** Lists of one issuer. */
async function publish(ctx: Context, lists: readonly TakenList[]): Promise<void> {
  const [first] = lists
  if (first === undefined) return
  const issuer = await issuerById(ctx, first.issuerId)
  const since = trustedTime(ctx)
  // 2. What stands in them: one state of the database for all, with the changes that it has, and its time.
  const written = await oneState(ctx.db, async (q, now) => {
    checkTakenSince(ctx, { taken: now, since })
    const made: Written[] = []
    for (const list of lists) made.push(await write(ctx, { q, now, list, issuer }))
    return made
  })
  // 3. Signed by the authority's key. If we die after it: lists that never left, under numbers that are void.
  const signatures = await signAll(ctx, issuer, written)
  const published = await Promise.all(
    written.map(async (one, index): Promise<PublishedList> => {
      const der = one.writer.signed(signatures[index] ?? Buffer.alloc(0))
      return { ...one, der, sha256: await sha256(der), ...timing(ctx, one) }
    }),
  )
  // 4. Stored: from here on relying parties get them, and what they are the first to know of is published.
  await ctx.db.transaction(async (tx) => {
    for (const one of published) await storePublished(tx, one)
    await insertAudit(tx, [publishedEntry(first.issuerId, published)])
  })
}

async function write(
  ctx: Context,
  by: {
    readonly q: Parameters<typeof listedEntries>[0]
    readonly now: Date
    readonly list: TakenList
    readonly issuer: Issuer & { readonly notBefore: Date }
  },
): Promise<Written> {
  const { q, now: thisUpdate, list, issuer } = by
  const { issuerId, shard } = list
  const changes = await changesFor(q, list)
  const writer = new CrlWriter(shard === null ? await countListed(q, issuerId) : 0)
  for await (const page of listedEntries(q, list)) writer.add(page)
  const { entries } = writer
  const nextUpdate = new Date(thisUpdate.getTime() + ctx.config.ca.crlHours * HOUR_S * 1000)
  const tbs = writer.tbs({
    scheme: schemeOf(issuer.key),
    issuer: issuer.name,
    issuerSpki: issuer.key.spki,
    thisUpdate,
    nextUpdate,
    number: list.number,
    uri: shard === null ? undefined : publication(ctx).crl(issuerId, shard),
    expiredSince: issuer.notBefore,
  })
  return { list, thisUpdate, nextUpdate, entries, changes, writer, tbs }
}

/** @returns a signature for each, in their order */
async function signAll(ctx: Context, issuer: Issuer, written: readonly Written[]): Promise<Buffer[]> {
  const parts: Buffer[][] = []
  let octets = Infinity
  for (const { tbs } of written) {
    octets += tbs.length
    if (octets <= TOGETHER_OCTETS) parts.at(-1)?.push(tbs)
    else {
      parts.push([tbs])
      octets = tbs.length
    }
  }
  const signatures: Buffer[] = []
  for (const messages of parts) {
    const subjects = issuer.certificateId === null ? [] : [`certificate:${issuer.certificateId}`]
    const { key } = issuer
    const permit = permitForService({ key, scheme: schemeOf(key), messages, act: 'crl.sign', subjects })
    signatures.push(...(await sign(ctx, permit)))
  }
  return signatures
}

/** Made anew when half of their time is over, so that a fault has the other half to be mended in. */
function timing(ctx: Context, { entries }: Written): Pick<PublishedList, 'refreshS' | 'pauseS'> {
  return {
    refreshS: (ctx.config.ca.crlHours * HOUR_S) / 2,
    pauseS: Math.floor(entries / ENTRIES_PER_S),
  }
}

function publishedEntry(
  issuerId: string,
  published: readonly PublishedList[],
): ReturnType<typeof auditEntry> {
  const lists = published.map(
    ({ list, entries, sha256: hash }) =>
      `${list.shard === null ? 'whole' : String(list.shard)} ${String(list.number)} ${String(entries)} ${hash.toString('hex')}`,
  )
  const subjects = [`certificate:${issuerId}`]
  return auditEntry({ kind: 'act', act: 'crl.publish', actor: 'service', subjects, detail: { lists } })
}
