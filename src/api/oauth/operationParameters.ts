import { z } from 'zod'
import type { ParameterName } from './parameters.ts'
import { detailTypes, scopes } from './scopes.ts'

/** For the API's document. */
export const text = (description: string) => z.string().optional().meta({ description })

/** TABLE of an authorization request's parameters, each of them. */
const parameters = {
  response_type: z.literal('code'),
  response_mode: z.literal('query').optional(),
  client_id: z.string(),
  redirect_uri: text('As registered; may be left out where only one is'),
  scope: z.enum(scopes).optional().meta({ description: 'service where absent' }),
  state: text('Comes back with the answer'),
  code_challenge: z.string().meta({ description: 'SHA-256 of the code_verifier, base64url (RFC 7636)' }),
  code_challenge_method: z.literal('S256'),
  dpop_jkt: text('SHA-256 of the key that the code is bound to (RFC 9449, 10), base64url'),
  authorization_details: text(`RFC 9396, a list of one, as JSON; types ${detailTypes.join(', ')}`),
  request: z.undefined().optional(),
  request_uri: text('Of a pushed request; with client_id and nothing else'),
  lang: text('Languages that the page may have, the preferred one first'),
  credentialID: text(
    'Scope credential: what is to be signed with; credential-deletion: what is to be deleted',
  ),
  signatureQualifier: z.undefined().optional(),
  numSignatures: text('Scope credential: how many signatures; absent: as many as hashes'),
  hashes: text('Scope credential: digests in base64url, separated by commas; needed under SCAL 2'),
  hashAlgorithmOID: text('OID of the hash'),
  description: text('Shown to the holder'),
  account_token: text('JWT that says whose account it must be (CSC API v2.2, 8.2.2)'),
  clientData: text("The client's own; it changes nothing"),
} satisfies Record<ParameterName, z.ZodType>

const request = z.object(parameters)
const pushedOnly = { client_id: parameters.client_id.optional(), request_uri: z.undefined().optional() }
/** What a client pushes, whose name is known by its authentication. */
export const pushed = z.object({ ...parameters, ...pushedOnly })
/** What a browser brings: all of it, or the name of what was pushed. */
export const brought = z.object({
  ...request.partial().shape,
  client_id: parameters.client_id,
})
