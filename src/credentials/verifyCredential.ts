import type { Context } from '../context.ts'
import type { Problem } from './credentialKey.ts'
import { issuerKeyByMethod } from '../db/credentialIssuers.ts'
import { keyResolver, type OwnKeys } from './did/resolver.ts'
import { verifyAny } from './formats/index.ts'
import type { JsonObject, VerifyRequest } from './formats/format.ts'
import { checkIssuerKey } from './issuers.ts'
import { statusProblems } from './status/check.ts'

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
const resolvers = new WeakMap<Context, Resolve>()

/** One for a context: it remembers documents of others for a while. */
function resolverOf(ctx: Context): Resolve {
  const { fetch, clock } = ctx
  const resolve = resolvers.get(ctx) ?? keyResolver({ fetch, clock, own: ownKeys(ctx) })
  resolvers.set(ctx, resolve)
  return resolve
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

/** Judges a credential or a presentation, in whichever format it is. Nothing is fetched but what DIDs of the web name. */
export async function verifySecured(ctx: Context, order: VerifyOrder): Promise<Verified> {
  const { status, ...asked } = order
  const isPresentation = order.kind === 'presentation'
  const within = status && isPresentation ? (one: JsonObject) => statusProblems(ctx, one) : undefined
  const now = new Date(ctx.clock())
  const verdict = await verifyAny({ ...asked, now, resolve: resolverOf(ctx), status: within })
  const { content } = verdict
  const problems = [...verdict.problems]
  if (status && !isPresentation && content !== undefined)
    problems.push(...(await statusProblems(ctx, content)))
  return { problems, content }
}
