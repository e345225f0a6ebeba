import type { Context } from '../context.ts'
import type { Problem } from './credentialKey.ts'
import { resolverOf } from './did/resolve.ts'
import { verifyAny } from './formats/index.ts'
import type { JsonObject, VerifyRequest } from './formats/format.ts'
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

/** Judges a credential or a presentation, in whichever format it is. Nothing is fetched but what DIDs of the web name. */
export async function verifySecured(ctx: Context, order: VerifyOrder): Promise<Verified> {
  const { status, ...asked } = order
  const verdict = await verifyAny({ ...asked, now: new Date(ctx.clock()), resolve: resolverOf(ctx) })
  const { content } = verdict
  const problems = [...verdict.problems]
  if (status && content !== undefined) problems.push(...(await statusProblems(ctx, content)))
  return { problems, content }
}
