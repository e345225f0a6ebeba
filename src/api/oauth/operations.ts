import { z } from 'zod'
import type { Rendered } from '../http/errors.ts'
import { EXAMPLE_HASH, example } from '../http/exampleValues.ts'
import { creationRequestSchema } from '../http/creationRequest.ts'
import { jsonSchema, type JsonSchema } from '../http/jsonSchema.ts'
import type { Operation } from '../http/openapi.ts'
import { signingTypes } from './asked.ts'
import { CREATION_TYPE, DELETION_TYPE, scopes } from './scopes.ts'
import { brought, pushed, text } from './operationParameters.ts'
import {
  refusedCode,
  refusedClient,
  refusedRequest,
  refusedRevocation,
  refusedToken,
} from './operationRefusals.ts'

const FORM = 'application/x-www-form-urlencoded'
const TAG = 'OAuth 2.0'

const asked = {
  response_type: 'code',
  redirect_uri: example.redirectUri,
  state: 'a state',
  code_challenge: example.codeChallenge,
  code_challenge_method: 'S256',
}
const oneHash = {
  scope: 'credential',
  credentialID: example.oauthCredentialID,
  numSignatures: '1',
  hashes: Buffer.from(EXAMPLE_HASH, 'base64').toString('base64url'),
  hashAlgorithmOID: '2.16.840.1.101.3.4.2.1',
}
const detail = {
  type: signingTypes[1],
  credentialID: example.oauthCredentialID,
  numSignatures: 1,
  documentDigests: [{ hash: EXAMPLE_HASH, label: 'lease.pdf' }],
  hashAlgorithmOID: '2.16.840.1.101.3.4.2.1',
}

const creation = { type: CREATION_TYPE, credentialCreationRequest: {} }

const details = z.array(
  z.union([
    z.object({ type: z.literal(CREATION_TYPE), credentialCreationRequest: creationRequestSchema }),
    z.object({ type: z.literal(DELETION_TYPE), credentialID: z.string() }),
    z.object({
      type: z.enum(signingTypes),
      credentialID: z.string(),
      numSignatures: z.int(),
      documentDigests: z.array(z.object({ hash: z.string(), label: z.string().optional() })).optional(),
      hashAlgorithmOID: z.string().optional(),
    }),
  ]),
)
const tokenResponse = z.object({
  access_token: z.string(),
  expires_in: z.int(),
  token_type: z.literal('Bearer'),
  scope: z.enum(scopes),
  refresh_token: z.string().optional().meta({ description: 'Of a login: renews the service token, once' }),
  credentialID: z.string().optional().meta({ description: 'What the token signs with, or deletes' }),
  authorization_details: details.optional().meta({ description: 'What was granted (RFC 9396, 7)' }),
})
const tokenRequest = z.object({
  grant_type: z.enum(['client_credentials', 'authorization_code', 'refresh_token']),
  scope: z.enum(['service']).optional(),
  code: text('Of the grant authorization_code'),
  redirect_uri: text('As in the authorization request'),
  code_verifier: text('RFC 7636, 4.1'),
  refresh_token: text('Of the grant refresh_token'),
})

const form = (schema: z.ZodType): { type: typeof FORM; schema: JsonSchema } => ({
  type: FORM,
  schema: jsonSchema(schema),
})

/** The authorisation server, as the API's document describes it. Its pages for holders are not for programs. */
export function oauthOperations(): readonly Operation[] {
  return [
    {
      method: 'post',
      path: '/oauth2/token',
      tag: TAG,
      summary: 'Gives access tokens to clients',
      clause: 'RFC 6749; CSC API v2.2, 8.2.4',
      access: ['client'],
      request: form(tokenRequest),
      examples: {
        'for the client itself': { grant_type: 'client_credentials', scope: 'service' },
        'for what a holder approved': {
          grant_type: 'authorization_code',
          code: example.code,
          redirect_uri: example.redirectUri,
          code_verifier: example.codeVerifier,
        },
        'in place of a service token that ends': {
          grant_type: 'refresh_token',
          refresh_token: example.refreshToken,
        },
      },
      answer: { status: 200, description: 'A token', schema: jsonSchema(tokenResponse) },
      refusals: [...refusedClient, ...refusedToken],
    },
    pushedAuthorize(),
    authorize(),
    revoke(),
    metadata(),
  ]
}

function pushedAuthorize(): Operation {
  return {
    method: 'post',
    path: '/oauth2/pushed_authorize',
    tag: TAG,
    summary: 'Takes an authorization request, so that the browser carries a name for it and nothing else',
    clause: 'RFC 9126; CSC API v2.2, 8.2.3',
    access: ['client'],
    request: form(pushed),
    examples: {
      'one signature': { ...asked, ...oneHash },
      'one signature, by authorization_details': {
        ...asked,
        authorization_details: JSON.stringify([detail]),
      },
      'a login': { ...asked, scope: 'service' },
      'a new credential': {
        ...asked,
        scope: 'credential-creation',
        authorization_details: JSON.stringify([creation]),
      },
      'the end of a credential': {
        ...asked,
        scope: 'credential-deletion',
        credentialID: example.oauthCredentialID,
      },
    },
    answer: {
      status: 201,
      description: 'It works once, for a minute',
      schema: jsonSchema(z.object({ request_uri: z.string(), expires_in: z.int() })),
    },
    refusals: [...refusedClient, ...refusedCode, ...refusedRequest],
  }
}

function authorize(): Operation {
  return {
    method: 'get',
    path: '/oauth2/authorize',
    tag: TAG,
    summary: "Sends the browser to the holder's page, and from there back to the client; by POST as well",
    clause: 'RFC 6749, 4.1.1; CSC API v2.2, 8.2.2. Other refusals come to the redirect_uri',
    access: [],
    request: form(brought),
    examples: {
      'what was pushed': { client_id: example.clientId, request_uri: example.requestUri },
      'one signature': { client_id: example.clientId, ...asked, ...oneHash },
    },
    answer: { status: 302, description: "To the holder's page, or back to the client with an error" },
    refusals: refusedCode,
  }
}

function revoke(): Operation {
  const hint = z.enum(['access_token', 'refresh_token']).optional()
  return {
    method: 'post',
    path: '/oauth2/revoke',
    tag: TAG,
    summary: 'Ends a token; a token that there is none of is as good as ended',
    clause: 'RFC 7009; CSC API v2.2, 8.2.5',
    access: ['client'],
    request: form(
      z.object({ token: z.string(), token_type_hint: hint, clientData: text('It changes nothing') }),
    ),
    examples: { 'an access token': { token: example.accessToken, token_type_hint: 'access_token' } },
    answer: { status: 200, description: 'There is no such token now' },
    refusals: [...refusedClient, ...refusedRevocation],
  }
}

function metadata(): Operation {
  const strings = z.array(z.string())
  const response = z.looseObject({
    issuer: z.string(),
    authorization_endpoint: z.string(),
    token_endpoint: z.string(),
    pushed_authorization_request_endpoint: z.string(),
    revocation_endpoint: z.string(),
    grant_types_supported: strings,
    response_types_supported: strings,
    scopes_supported: strings,
    token_endpoint_auth_methods_supported: strings,
    code_challenge_methods_supported: strings,
  })
  const none: readonly Rendered[] = []
  return {
    method: 'get',
    path: '/.well-known/oauth-authorization-server/oauth2',
    tag: TAG,
    summary: 'Says what the authorisation server is and can',
    clause: 'RFC 8414',
    access: [],
    examples: { everything: {} },
    answer: { status: 200, description: 'Metadata', schema: jsonSchema(response) },
    refusals: none,
  }
}
