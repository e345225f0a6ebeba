import type { Context } from '../../context.ts'
import type { Direct } from '../http/direct.ts'
import { ocspMethods, type OcspMethods } from './ocsp.ts'
import { serveTimestamps, type Serve } from './tsa.ts'

/** What is asked for a thousand times a second, without a router. */
export function pkiMethods(ctx: Context, mountedAt: string): OcspMethods {
  const { exact, below } = ocspMethods(ctx, mountedAt)
  if (ctx.config.tsa === undefined) return { exact, below }
  const timestamps: Direct = { path: '/tsa', serve: serverOf(ctx) }
  return { exact: [...exact, [`POST ${mountedAt}/tsa`, timestamps]], below }
}

/** One for a context, so that what callers may take is counted together, wherever they come in. */
const servers = new WeakMap<Context, Serve>()

function serverOf(ctx: Context): Serve {
  const serve = servers.get(ctx) ?? serveTimestamps(ctx)
  servers.set(ctx, serve)
  return serve
}
