import type { Request, Response } from 'express'
import type { Context } from '../../context.ts'
import { partsOfDid, type DidFault } from '../../credentials/did/did.ts'
import { readDidJwk } from '../../credentials/did/didJwk.ts'
import { resolveDidKey, type Resolution } from '../../credentials/did/didKey.ts'
import { controllerDocument } from '../../credentials/did/document.ts'
import { documentOfIssuer } from './issuer.ts'

const MEDIA_TYPE = 'application/ld+json;profile="https://w3id.org/did-resolution"'
const CONTEXT = 'https://w3id.org/did-resolution/v1'
/** A DID that is its key, and what does not change for a while. */
const CACHE_S = 300
/** A key of RSA-4096 as did:jwk has some 1,000 characters. */
const URL_MAX = 2_000

/** TABLE of what a fault is answered with (DID Resolution, 6.1: the HTTP binding). */
const statuses: Readonly<Record<DidFault, number>> = {
  invalidDid: 400,
  invalidDidUrl: 400,
  methodNotSupported: 501,
  notFound: 404,
  invalidPublicKey: 400,
  invalidPublicKeyLength: 400,
  invalidPublicKeyType: 400,
  unsupportedPublicKeyType: 400,
}

/**
 * GET /1.0/identifiers/{DID or DID URL} (DID Resolution; did:key, 3.1): did:key and did:jwk, which are their documents, and
 * did:web of issuers of this service. Nothing is fetched.
 */
export async function resolve(ctx: Context, request: Request, response: Response): Promise<void> {
  const url = String(request.params['did'])
  const { publicKeyFormat } = request.query
  const format = typeof publicKeyFormat === 'string' ? publicKeyFormat : undefined
  const { document, error, isDereferenced } = await resolution(ctx, url, format)
  const metadata = isDereferenced ? 'didDereferencingMetadata' : 'didResolutionMetadata'
  const body = {
    '@context': CONTEXT,
    didDocument: document ?? null,
    didDocumentMetadata: {},
    [metadata]: error === undefined ? { contentType: 'application/did+ld+json' } : { error },
  }
  if (error === undefined) response.setHeader('Cache-Control', `public, max-age=${String(CACHE_S)}`)
  response.setHeader('Content-Type', MEDIA_TYPE)
  response.status(error === undefined ? 200 : statuses[error]).end(JSON.stringify(body))
}

/** What is said of a DID or a DID URL, without HTTP around it. */
export async function resolution(ctx: Context, url: string, format: string | undefined): Promise<Resolution> {
  const isDereferenced = /[/?#]/.test(url)
  if (url.length > URL_MAX) return { error: 'invalidDid', isDereferenced }
  const [did = ''] = url.split(/[/?#]/, 1)
  const { method } = partsOfDid(did) ?? {}
  if (method !== 'jwk' && method !== 'web') return resolveDidKey(url, { publicKeyFormat: format })
  if (isDereferenced) return { error: 'invalidDidUrl', isDereferenced }
  if (method === 'jwk') {
    const key = readDidJwk(did)
    return typeof key === 'string'
      ? { error: key, isDereferenced }
      : {
          document: controllerDocument(did, [{ ...key, state: 'enabled', form: 'JsonWebKey' }]),
          isDereferenced,
        }
  }
  const document = await documentOfIssuer(ctx, did)
  return document === undefined ? { error: 'notFound', isDereferenced } : { document, isDereferenced }
}
