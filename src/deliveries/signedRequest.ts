import type { Context } from '../context.ts'
import { permitForService } from '../signing/permit.ts'
import { sign } from '../signing/sign.ts'
import { contentDigest, signatureBase, signatureInput, type Component } from './messageSignature.ts'
import { notificationKey } from './notificationKeys.ts'

const CONTENT_TYPE = 'application/json'
const LABEL = 'intaglio'

/** A POST of JSON to somebody else's server, which can verify that it is ours. */
export interface SignedRequest {
  readonly url: URL
  readonly body: Buffer
  /** Tells signatures of one use from those of another (RFC 9421, 2.3). */
  readonly tag: string
  /**
   * Unguessable, where the body holds what may not be guessed: the audit log keeps the hash of what is signed, and that
   * covers the body.
   */
  readonly nonce?: string
  /** The verb of the audit log, and what it is about. */
  readonly act: string
  readonly subjects: readonly string[]
}

/**
 * Its headers, signed by the newest key of the purpose `notification` (RFC 9421): anew each time, so that a receiver may
 * refuse what is old. @returns undefined where there is no such key
 */
export async function signedHeaders(
  ctx: Context,
  { url, body, tag, nonce, act, subjects }: SignedRequest,
): Promise<Record<string, string> | undefined> {
  const used = await notificationKey(ctx)
  if (used === undefined) return undefined
  const digest = contentDigest(body)
  const components: Component[] = [
    { name: '@method', value: 'POST' },
    { name: '@target-uri', value: url.href },
    { name: 'content-type', value: CONTENT_TYPE },
    { name: 'content-digest', value: digest },
  ]
  const created = Math.floor(ctx.clock() / 1000)
  const input = signatureInput(components, {
    created,
    keyid: used.keyid,
    alg: used.alg,
    ...(nonce === undefined ? {} : { nonce }),
    tag,
  })
  const permit = permitForService({
    key: used.key,
    scheme: used.scheme,
    messages: [Buffer.from(signatureBase(components, input))],
    act,
    subjects,
  })
  const [signature] = await sign(ctx, permit)
  if (signature === undefined) throw new Error('no signature')
  return {
    'content-type': CONTENT_TYPE,
    'content-digest': digest,
    'signature-input': `${LABEL}=${input}`,
    signature: `${LABEL}=:${signature.toString('base64')}:`,
  }
}
