import type { Request, Response } from 'express'
import type { Context } from '../../context.ts'
import { findDocument, type StatusForm } from '../../db/statusPublications.ts'
import { likelyTime } from '../../pki/clock.ts'
import { Refusal } from '../../refusal.ts'
import { WHOLE_UUID } from '../../uuid.ts'
import { matchesEtag } from '../http/etag.ts'

const FORMS: ReadonlySet<string> = new Set(['revocation', 'suspension', 'token'] satisfies StatusForm[])
const isForm = (form: string): form is StatusForm => FORMS.has(form)
const SECOND_MS = 1000

/**
 * GET /status/{list}/{form}: what relying parties are told of all credentials of a list at once (Bitstring Status List 1.0,
 * 2.2; Token Status List, 8). Nobody is asked who they are, and nothing says later that they asked.
 */
export async function status(ctx: Context, request: Request, response: Response): Promise<void> {
  const { list = '', form = '' } = request.params as Readonly<Record<string, string>>
  const found =
    WHOLE_UUID.test(list) && isForm(form) ? await findDocument(ctx.db, { listId: list, form }) : undefined
  if (found === undefined) throw new Refusal('not_found', 'There is no such list.')
  const { body, mediaType, sha256, publishedAt, expiresAt } = found
  const left = Math.floor((expiresAt.getTime() - likelyTime(ctx)) / SECOND_MS)
  const maxAge = Math.max(0, Math.min(ctx.config.status.ttlSeconds, left))
  const etag = `"${sha256.toString('base64url')}"`
  response.setHeader('ETag', etag)
  response.setHeader('Vary', 'Accept')
  response.setHeader('Last-Modified', publishedAt.toUTCString())
  response.setHeader('Cache-Control', `public, max-age=${String(maxAge)}`)
  if (matchesEtag(request.headers['if-none-match'], etag)) {
    response.status(304).end()
    return
  }
  response.setHeader('Content-Type', mediaTypeFor(request, mediaType))
  response.setHeader('Content-Length', body.length)
  response.end(body)
}

/** A credential is JSON-LD and JSON, too: for verifiers that ask for these alone. What is a token is nothing else. */
function mediaTypeFor(request: Request, mediaType: string): string {
  if (mediaType !== 'application/vc') return mediaType
  const accepted = request.accepts([mediaType, 'application/ld+json', 'application/json'])
  return accepted === false ? mediaType : accepted
}
