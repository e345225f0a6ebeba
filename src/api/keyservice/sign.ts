import { z } from 'zod'
import { formats } from '../../credentials/formats/index.ts'
import type { Format, Secured } from '../../credentials/formats/format.ts'
import type { CredentialKey } from '../../credentials/credentialKey.ts'
import { credentialKeyOf } from '../../credentials/keys/credentialKey.ts'
import { usableKey } from '../../credentials/keys/findKey.ts'
import type { Context } from '../../context.ts'
import { Refusal } from '../../refusal.ts'
import type { Proof } from '../../signing/holderPermit.ts'
import { example } from '../http/exampleValues.ts'
import { endpoint, type Endpoint, type Reply } from '../http/problemEndpoint.ts'
import {
  authorising,
  challengeOf,
  checkNames,
  checkProof,
  client,
  domainOf,
  identifier,
  issuing,
  json,
  presenting,
  proofOf,
} from './members.ts'
import { mediaTypes, type Signed } from './mediaTypes.ts'

interface Given {
  readonly identifier: string
  readonly secrets?: readonly string[] | undefined
  readonly activation?: string | undefined
}

/** The key, and what authorises it to sign. @throws Refusal */
async function keyFor(ctx: Context, clientId: string, given: Given): Promise<CredentialKey> {
  const proof: Proof = proofOf(given)
  const key = await usableKey(ctx, { clientId, name: given.identifier, secrets: given.secrets })
  return credentialKeyOf(ctx, key, proof)
}

const replyOf = ({ body, mediaType }: Secured): Reply => ({ status: 201, body, mediaType })

const refusals = [
  ['activation_failed', 'The secrets are wrong.'],
  ['permit_unknown', 'The activation is unknown.'],
  ['permit_expired', 'The activation has expired.'],
  ['digest_not_authorised', 'The activation is used up.'],
  ['not_found', 'There is no such key.'],
  ['credential_disabled', 'The key is disabled.'],
  ['conflict', 'Several enabled keys have this identifier: name one by its id.'],
  ['throttled', 'The secrets were wrong too often: wait before you try again.'],
] as const

function common(what: Signed, format: Format['name'], summary: string) {
  return {
    method: 'POST' as const,
    path: `/sign/${what}/${format}`,
    produces: mediaTypes[what][format],
    described: {
      summary,
      examples: {},
      answer: { status: 201, says: 'What was signed, and nothing around it' },
      refusals,
    },
  }
}

const authorised = { identifier: example.keyId, secrets: [example.secret] }

function credential({ name, issue }: Format): Endpoint {
  const it = common('vc', name, `Signs a credential: ${name}`)
  return endpoint({
    ...it,
    request: z
      .strictObject({ verifiable: json, identifier, ...authorising, ...issuing })
      .superRefine(checkProof),
    described: {
      ...it.described,
      examples: { 'a credential of data model 2.0': { ...authorised, verifiable: CREDENTIAL } },
    },
    answer: async (ctx, { clientId, input }) => {
      const { verifiable, cryptosuite, selective, holder, mandatoryPointers, previousProof } = input
      const key = await keyFor(ctx, clientId, input)
      const now = new Date(ctx.clock())
      const options = { cryptosuite, selective, holder, mandatoryPointers, previousProof }
      return replyOf(await issue({ credential: verifiable, key, now, ...options }))
    },
  })
}

function presentation({ name, present }: Format): Endpoint {
  const it = common('vp', name, `Signs a presentation: ${name}`)
  return endpoint({
    ...it,
    request: z
      .strictObject({
        // An SD-JWT with what its holder chose to show is no object.
        verifiable:
          name === 'sd-jwt' ? z.union([json, z.string().min(1, 'is empty')], 'an SD-JWT is wanted') : json,
        identifier,
        ...authorising,
        ...presenting,
      })
      .superRefine(checkProof)
      .superRefine(checkNames),
    answer: async (ctx, { clientId, input }) => {
      if (present === undefined)
        throw new Refusal('invalid_request', `${name}: no presentations in this format`)
      const { verifiable, validUntil, cryptosuite } = input
      const key = await keyFor(ctx, clientId, input)
      const now = new Date(ctx.clock())
      const about = { challenge: challengeOf(input), domain: domainOf(input), validUntil, cryptosuite }
      return replyOf(await present({ presentation: verifiable, key, now, ...about }))
    },
  })
}

function possession({ name, prove }: Format): Endpoint {
  const it = common('pop', name, `Proves the possession of a key (OpenID4VCI 1.0, appendix F): ${name}`)
  return endpoint({
    ...it,
    request: z
      .strictObject({
        verifiable: json.optional().meta({ description: 'Ignored', type: 'object' }),
        identifier,
        client_id: client,
        ...authorising,
        ...presenting,
      })
      .superRefine(checkProof)
      .superRefine(checkNames),
    answer: async (ctx, { clientId, input }) => {
      if (prove === undefined) {
        throw new Refusal('invalid_request', `${name}: no proof of possession in this format`)
      }
      const domain = domainOf(input)
      if (domain === undefined) throw new Refusal('invalid_request', 'domain: is missing')
      const { validUntil, cryptosuite, client_id: wallet } = input
      const key = await keyFor(ctx, clientId, input)
      const about = { domain, challenge: challengeOf(input), validUntil, cryptosuite, client: wallet }
      return replyOf(await prove({ key, now: new Date(ctx.clock()), ...about }))
    },
  })
}

const CREDENTIAL = {
  '@context': ['https://www.w3.org/ns/credentials/v2'],
  type: ['VerifiableCredential'],
  issuer: 'did:web:issuer.example',
  credentialSubject: { id: 'did:example:456' },
}

const all = Object.values(formats)

/** One for each format. */
export const signEndpoints: readonly Endpoint[] = [
  ...all.map(credential),
  ...all.map(presentation),
  ...all.map(possession),
]
