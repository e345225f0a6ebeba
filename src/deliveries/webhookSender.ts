import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Config } from '../../config/config.ts'
import { ConfigError } from '../../config/load.ts'
import type { Context } from '../context.ts'
import { OutgoingError } from '../outgoing/errors.ts'
import { SenderError, type Message, type Sender } from '../sender.ts'
import { ensureNotificationKey } from './notificationKeys.ts'
import { signedHeaders } from './signedRequest.ts'

/**
 * Milliseconds in which a message is signed and taken by the gateway: a person waits for it before a page, and the client's
 * own request is open meanwhile. A gateway that queues answers in a tenth of it.
 */
export const SEND_WITHIN_MS = 5_000
/** Tells these signatures from those of notifications, which go to others (RFC 9421, 2.3). */
const TAG = 'intaglio-message'
const NONCE_OCTETS = 16
/** RFC 6750, 2.1: b64token. */
const BEARER = /^[A-Za-z0-9._~+/-]+=*$/

type Webhook = Pick<NonNullable<Config['messages']['webhook']>, 'url' | 'tokenFile'>

/** Posts each message to the operator's own gateway for SMS and e-mail, signed as notifications are. Never twice. */
export function webhookSender({ url: address, tokenFile }: Webhook): Sender {
  const url = new URL(address)
  return {
    prepare: async (ctx) => {
      await ensureNotificationKey(ctx, 'service')
      if (tokenFile !== undefined) await checkToken(tokenFile)
    },
    send: (ctx, message) => {
      const signal = AbortSignal.timeout(SEND_WITHIN_MS)
      return within(signal, post(ctx, message, { url, tokenFile, signal }))
    },
  }
}

interface Way {
  readonly url: URL
  readonly tokenFile: string | undefined
  readonly signal: AbortSignal
}

/** @throws SenderError */
async function post(
  ctx: Context,
  { to, text, language, kind, id }: Message,
  { url, tokenFile, signal }: Way,
): Promise<void> {
  const body = Buffer.from(JSON.stringify({ to, text, language, kind, id }))
  const authorization = tokenFile === undefined ? {} : { authorization: `Bearer ${await tokenIn(tokenFile)}` }
  const nonce = randomBytes(NONCE_OCTETS).toString('base64url')
  const [act, subjects] = ['message.sign', [`${kind}:${id}`]]
  const signed = await signedHeaders(ctx, { url, body, tag: TAG, nonce, act, subjects })
  if (signed === undefined) throw new SenderError('no_key')
  const headers = { ...signed, ...authorization }
  const { status } = await ctx
    .fetch({ purpose: 'message', method: 'POST', url, headers, body, signal })
    .catch((error: unknown) => {
      throw error instanceof OutgoingError ? new SenderError(error.reason, error) : error
    })
  if (status < 200 || status > 299) throw new SenderError(`status_${status}`)
}

/** What is not done in time ends by itself, and nobody waits for it. */
function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new SenderError('too_slow')), { once: true })
    work.then(resolve, reject)
  })
}

/** Read for each message, so that whoever replaces the file need not restart. @throws SenderError */
async function tokenIn(file: string): Promise<string> {
  const token = await readFile(file, 'utf8').then(
    (text) => text.trim(),
    (error: unknown) => {
      throw new SenderError('no_token', error)
    },
  )
  if (!BEARER.test(token)) throw new SenderError('no_token')
  return token
}

async function checkToken(file: string): Promise<void> {
  await tokenIn(file).catch((error: unknown) => {
    const cause = (error as SenderError).cause as NodeJS.ErrnoException | undefined
    const why = cause === undefined ? 'holds no bearer token' : `cannot be read (${cause.code ?? ''})`
    throw new ConfigError([`messages.webhook.tokenFile: ${file} ${why}`])
  })
}
