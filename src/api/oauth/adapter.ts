import { createHash } from 'node:crypto'
import type { Adapter, AdapterFactory, AdapterPayload, ClientMetadata } from 'oidc-provider'
import type { Context } from '../../context.ts'
import { clientKeys } from '../../db/clientCertificates.ts'
import { clientJwks, type PublicJwk } from '../../db/clientKeys.ts'
import type { ClientRow } from '../../db/clients.ts'
import { deleteOauthObject, findOauthObject, PROVEN_TOKEN, storeOauthObject } from '../../db/oauth.ts'
import { seenFirst } from '../../db/seenOnce.ts'
import { bearerHash } from '../../signing/permit.ts'
import { clientSecret } from '../../signing/derived.ts'
import { CLIENT_GRANTS } from './asClient.ts'
import { REMEMBERED_S } from './assertion.ts'
import { knownClient } from './knownClient.ts'
import { errors } from './library.ts'

/**
 * Where the OAuth library keeps things: clients come from their own table, ids that work once are in another, everything
 * else is in oauth_object.
 */
export function oauthAdapter(ctx: Context): AdapterFactory {
  return (model) => {
    if (model === 'Client') return clients(ctx)
    return model === 'ReplayDetection' ? assertions(ctx) : objects(ctx, model)
  }
}

/** A client that cannot exist: its secret is derived where an unknown client's would be. */
const NOBODY = { id: '', version: 0 }

function clients(ctx: Context): Adapter {
  return {
    ...notOffered('Client'),
    async find(id): Promise<AdapterPayload | undefined> {
      const client = await knownClient(ctx, id)
      if (client === undefined) {
        // An unknown client costs what a known one does.
        await clientSecret(ctx, NOBODY)
        return undefined
      }
      const secret = await clientSecret(ctx, { id, version: client.secretVersion })
      const known = { ...metadata(client), client_secret: secret }
      if (client.authentication === 'secret') return known
      return client.authentication === 'key'
        ? { ...known, ...byKey(await clientJwks(ctx.db, id)) }
        : { ...known, ...byCertificate(await clientKeys(ctx.db, id)) }
    },
  }
}

/**
 * The library never sends anybody anywhere (authorize.ts does), but lets no client redeem codes that has no address, and
 * has rules of its own for addresses: this one stands for those that are registered.
 */
const SOME_ADDRESS = 'https://client.invalid/'

function metadata({ id, redirectUris }: ClientRow): ClientMetadata {
  const grants = ['client_credentials', ...CLIENT_GRANTS]
  const codes = redirectUris.length > 0
  return {
    client_id: id,
    grant_types: codes ? [...grants, 'authorization_code', 'refresh_token'] : grants,
    redirect_uris: codes ? [SOME_ADDRESS] : [],
    response_types: codes ? ['code'] : [],
    // The library takes client_secret_post for it as well.
    token_endpoint_auth_method: 'client_secret_basic',
  }
}

/**
 * RFC 8705, 2.1. The library wants one value that says which certificates are meant; ours lists the hashes of the keys that
 * are registered, and `isKeyAmong` looks one up in it. Where none is left, none matches. The secret stays: the library
 * believes that id_tokens need it, and takes it from no such client.
 */
function byCertificate(keys: readonly Buffer[]): Partial<ClientMetadata> {
  return {
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: ['spki', ...keys.map((key) => key.toString('hex'))].join(' '),
    tls_client_certificate_bound_access_tokens: true,
  }
}

/** RFC 7523. Where no key is left, nothing is believed. Each key is for the algorithms that its kind has. */
function byKey(keys: readonly PublicJwk[]): Partial<ClientMetadata> {
  return {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: keys },
  }
}

/** @param registered as `byCertificate` wrote it */
export function isKeyAmong(registered: string, spkiHash: Buffer): boolean {
  return registered.split(' ').includes(spkiHash.toString('hex'))
}

/**
 * The library looks whether an assertion's id is known, and then stores it. Here storing decides, in one statement, so that
 * of several replicas one believes the assertion.
 */
function assertions(ctx: Context): Adapter {
  return {
    ...notOffered('ReplayDetection'),
    find: () => Promise.resolve(undefined),
    async upsert(id, _payload, expiresIn = REMEMBERED_S) {
      const digest = createHash('sha256').update(`client_assertion ${id}`).digest()
      const isFirst = await seenFirst(ctx.db, { digest, expiresIn: Math.ceil(expiresIn) })
      if (!isFirst) throw new errors.InvalidClientAuth('an assertion came again')
    },
  }
}

/** Ids are bearer values: the table knows their SHA-256, and the payload's copy of the id (`jti`) stays out of it. */
function objects(ctx: Context, model: string): Adapter {
  return {
    ...notOffered(model),
    async upsert(id, given, expiresIn) {
      const payload: AdapterPayload = { ...given }
      delete payload.jti
      const { jkt } = payload
      await storeOauthObject(ctx.db, {
        model: jkt === undefined ? model : PROVEN_TOKEN,
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
