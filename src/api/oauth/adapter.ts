import type { Adapter, AdapterFactory, AdapterPayload, ClientMetadata } from 'oidc-provider'
import type { Context } from '../../context.ts'
import { findClient } from '../../db/clients.ts'
import { deleteOauthObject, findOauthObject, storeOauthObject } from '../../db/oauth.ts'
import { bearerHash } from '../../signing/permit.ts'
import { clientSecret } from '../../signing/derived.ts'

/** Where the OAuth library keeps things: clients come from their own table, everything else from oauth_object. */
export function oauthAdapter(ctx: Context): AdapterFactory {
  return (model) => (model === 'Client' ? clients(ctx) : objects(ctx, model))
}

/** Ids that may be in the table; others need not be asked for, and some (NUL) Postgres would not take. */
const CLIENT_ID = /^[A-Za-z0-9_-]{1,64}$/
/** A client that cannot exist: its secret is derived where an unknown client's would be. */
const NOBODY = { id: '', version: 0 }

function clients(ctx: Context): Adapter {
  return {
    ...notOffered('Client'),
    async find(id): Promise<AdapterPayload | undefined> {
      const client = CLIENT_ID.test(id) ? await findClient(ctx.db, id) : undefined
      if (client?.state !== 'enabled') {
        // An unknown client costs what a known one does.
        await clientSecret(ctx, NOBODY)
        return undefined
      }
      const secret = await clientSecret(ctx, { id, version: client.secretVersion })
      return { ...metadata(id), client_secret: secret }
    },
  }
}

function metadata(id: string): ClientMetadata {
  return {
    client_id: id,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    // The library takes client_secret_post for it as well.
    token_endpoint_auth_method: 'client_secret_basic',
  }
}

/** Ids are bearer values: the table knows their SHA-256, and the payload's copy of the id (`jti`) stays out of it. */
function objects(ctx: Context, model: string): Adapter {
  return {
    ...notOffered(model),
    async upsert(id, given, expiresIn) {
      const payload: AdapterPayload = { ...given }
      delete payload.jti
      await storeOauthObject(ctx.db, {
        model,
        idHash: bearerHash(id),
        payload,
        clientId: payload.clientId,
        expiresIn,
      })
    },
    async find(id) {
      const payload = await findOauthObject(ctx.db, { model, idHash: bearerHash(id) })
      return payload && { ...payload, jti: id }
    },
    async destroy(id) {
      await deleteOauthObject(ctx.db, { model, idHash: bearerHash(id) })
    },
  }
}

/** What only the grants that are not offered would call. */
function notOffered(model: string): Adapter {
  const refuse = (): Promise<never> =>
    Promise.reject(new Error(`OAuth objects of kind ${model} are not offered`))
  return {
    upsert: refuse,
    find: refuse,
    findByUid: refuse,
    findByUserCode: refuse,
    consume: refuse,
    destroy: refuse,
    revokeByGrantId: refuse,
  }
}
