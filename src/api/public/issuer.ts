import type { Request, Response } from 'express'
import type { Context } from '../../context.ts'
import { issuerKeys } from '../../db/credentialIssuers.ts'
import { controllerDocument } from '../../credentials/did/document.ts'
import { Refusal } from '../../refusal.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
/** Verifiers see another key after so long. */
const CACHE_S = 300

/** GET /issuers/{id}/did.json (did:web, 2.5.2): all keys that an issuer ever had, so that what they signed stays good. */
export async function issuerDocument(ctx: Context, request: Request, response: Response): Promise<void> {
  const id = String(request.params['id'])
  const keys = UUID.test(id) ? await issuerKeys(ctx.db, id) : []
  const [newest] = keys
  if (newest?.identifier.startsWith('did:web:') !== true)
    throw new Refusal('not_found', 'There is no such issuer.')
  const document = controllerDocument(
    newest.identifier,
    keys.map(({ verificationMethod: id, key, state, keyState }) => {
      const { keyType, spki } = key
      return { id, keyType, spki, form: 'Multikey', state: keyState === 'enabled' ? state : 'disabled' }
    }),
  )
  response.setHeader('Cache-Control', `public, max-age=${String(CACHE_S)}`)
  response.setHeader('Content-Type', 'application/did+json')
  response.end(JSON.stringify(document))
}
