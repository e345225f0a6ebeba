import type { Context } from '../context.ts'
import { tokenRefusal } from './tokenRefusal.ts'

/**
 * A client's secret: 256 bits, base64url, derived in the token over the client's id and the version of its secret.
 * Nothing is stored, so nothing can be stolen from a database.
 * @throws Refusal 'unavailable' when the token is away
 */
export async function clientSecret(
  ctx: Context,
  client: { readonly id: string; readonly version: number },
): Promise<string> {
  const id = Buffer.from(client.id, 'utf8')
  // Length first: no id and version together spell another id and version.
  const data = Buffer.alloc(4 + id.length + 4)
  data.writeUInt32BE(id.length)
  id.copy(data, 4)
  data.writeUInt32BE(client.version, 4 + id.length)
  const secret = await ctx.token.mac('client-secret', data).catch((error: unknown) => {
    throw tokenRefusal(ctx, error)
  })
  return secret.toString('base64url')
}
