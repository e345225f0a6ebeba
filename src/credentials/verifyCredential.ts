import type { Context } from '../context.ts'
import type { Problem } from './credentialKey.ts'
import { issuerKeyByMethod } from '../db/credentialIssuers.ts'
import { keyResolver, type OwnKeys } from './did/resolver.ts'
import { verifyAny } from './formats/index.ts'
import type { JsonObject, VerifyRequest } from './formats/format.ts'
import { checkIssuerKey } from './issuers.ts'
import { statusProblems } from './status/check.ts'
import { ForeignLists, readNone } from './status/foreignLists.ts'

export interface VerifyOrder extends Pick<
  VerifyRequest,
  'secured' | 'challenge' | 'domain' | 'profile' | 'kind'
> {
  /** Whether its status counts. */
  readonly status: boolean
}

export interface Verified {
  /** Empty: it is good. */
  readonly problems: readonly Problem[]
  readonly content: JsonObject | undefined
}

type Resolve = VerifyRequest['resolve']
interface Others {
  readonly resolve: Resolve
  readonly lists: ForeignLists
}
const others = new WeakMap<Context, Others>()

/** What is known of others, by one for a context: it remembers their documents and lists for a while. */
function othersOf(ctx: Context): Others {
  const known = others.get(ctx)
  if (known !== undefined) return known
  const { fetch, clock } = ctx
  const resolve = keyResolver({ fetch, clock, own: ownKeys(ctx) })
  const made = { resolve, lists: new ForeignLists({ fetch, clock, resolve }) }
  others.set(ctx, made)
  return made
}

/**
 * Keys of issuers of this service, without asking itself over the network. Keys of the key service are none of them: their
 * names are their clients' own choice.
 */
const ownKeys =
  (ctx: Context): OwnKeys =>
  async (id, relationship) => {
    const row = await issuerKeyByMethod(ctx.db, id)
    if (row === undefined) return undefined
    await checkIssuerKey(ctx, row)
    if (row.keyState !== 'enabled') return 'not believed'
    if (relationship === 'authentication' && row.state !== 'enabled') return 'not believed'
    const { key, identifier: controller, scheme } = row
    return { id, controller, keyType: key.keyType, spki: key.spki, scheme }
  }

/**
 * Judges a credential or a presentation, in whichever format it is. Nothing is fetched but documents of DIDs of the web and, where
 * the status counts, lists of others: from hosts that the configuration names.
 */
export async function verifySecured(ctx: Context, order: VerifyOrder): Promise<Verified> {
  const { status, ...asked } = order
  const isPresentation = order.kind === 'presentation'
  const { resolve, lists } = othersOf(ctx)
  const read = lists.reader()
  const statusOf = (one: JsonObject, isGood: boolean) => statusProblems(ctx, one, isGood ? read : readNone)
  const within = status && isPresentation ? statusOf : undefined
  const now = new Date(ctx.clock())
  const verdict = await verifyAny({ ...asked, now, resolve, status: within })
  const { content } = verdict
  const problems = [...verdict.problems]
  if (status && !isPresentation && content !== undefined)
    problems.push(...(await statusOf(content, problems.length === 0)))
  return { problems, content }
}
