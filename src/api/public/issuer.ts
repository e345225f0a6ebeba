import type { Request, Response } from 'express'
import type { Context } from '../../context.ts'
import { controllerDocument } from '../../credentials/did/document.ts'
import { keysOfIssuer } from '../../credentials/issuers.ts'
import { Refusal } from '../../refusal.ts'
import type { JsonObject } from '../../signing/strictJson.ts'
import { WHOLE_UUID } from '../../uuid.ts'

/** Verifiers see another key after so long. */
const CACHE_S = 300

/** GET /issuers/{id}/did.json (did:web, 2.5.2): all keys that an issuer ever had, so that what they signed stays good. */
export async function issuerDocument(ctx: Context, request: Request, response: Response): Promise<void> {
  const document = await documentOf(ctx, String(request.params['id']))
  if (document === undefined) throw new Refusal('not_found', 'There is no such issuer.')
  response.setHeader('Cache-Control', `public, max-age=${String(CACHE_S)}`)
  response.setHeader('Content-Type', 'application/did+json')
  response.end(JSON.stringify(document))
}

/** The same by its DID; undefined for one that is none of this service. */
export async function documentOfIssuer(ctx: Context, did: string): Promise<JsonObject | undefined> {
  const document = await documentOf(ctx, did.slice(did.lastIndexOf(':') + 1))
  return document?.['id'] === did ? document : undefined
}

async function documentOf(ctx: Context, id: string): Promise<JsonObject | undefined> {
  const keys = WHOLE_UUID.test(id) ? await keysOfIssuer(ctx, id) : []
  const [newest] = keys
  if (newest?.identifier.startsWith('did:web:') !== true) return undefined
  return controllerDocument(
    newest.identifier,
    keys.map(({ verificationMethod, key, state, keyState }) => {
      const { keyType, spki } = key
      const listed = { id: verificationMethod, keyType, spki, form: 'Multikey' } as const
      return { ...listed, state: keyState === 'enabled' ? state : 'disabled' }
    }),
  )
}
