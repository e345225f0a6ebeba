import type { z } from 'zod'
import type { CredentialKey } from '../../credentials/credentialKey.ts'
import type { Format, Secured } from '../../credentials/formats/format.ts'
import { credentialKeyOf } from '../../credentials/keys/credentialKey.ts'
import { signingKey } from '../../credentials/keys/findKey.ts'
import type { Context } from '../../context.ts'
import { example } from '../http/exampleValues.ts'
import { endpoint, type Call, type Described, type Endpoint } from '../http/problemEndpoint.ts'
import { mediaTypes, type Signed } from './mediaTypes.ts'
import { proofOf } from './members.ts'

/** What every request to sign says. */
interface Given {
  readonly identifier: string
  readonly secrets?: readonly string[] | undefined
  readonly activation?: string | undefined
}

interface Signing<Schema extends z.ZodType<Given>> {
  readonly what: Signed
  readonly format: Format['name']
  readonly request: Schema
  readonly summary: string
  readonly examples: Described['examples']
  /** @param key called when all else has been checked */
  make(input: z.output<Schema>, key: () => Promise<CredentialKey>, now: Date): Promise<Secured>
}

/** An endpoint that answers what was signed, and nothing around it. */
export function signing<Schema extends z.ZodType<Given>>(it: Signing<Schema>): Endpoint {
  const { what, format, request, summary, examples } = it
  return endpoint({
    method: 'POST',
    path: `/sign/${what}/${format}`,
    produces: mediaTypes[what][format],
    request,
    described: {
      summary: `${summary}: ${format}`,
      examples,
      answer: { status: 201, says: 'What was signed, and nothing around it' },
      refusals,
    },
    answer: async (ctx, call) => {
      const { body, mediaType } = await it.make(call.input, () => keyFor(ctx, call), new Date(ctx.clock()))
      return { status: 201, body, mediaType }
    },
  })
}

/** The key, with what authorises it to sign. @throws Refusal */
async function keyFor(ctx: Context, call: Call & { readonly input: Given }): Promise<CredentialKey> {
  const { clientId, input } = call
  const { identifier: name, secrets } = input
  return credentialKeyOf(ctx, await signingKey(ctx, { clientId, name, secrets }), proofOf(input))
}

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

/** For examples: who signs. */
export const signer = { identifier: example.keyId, secrets: [example.secret] }
export const ISSUER = 'did:web:issuer.example'
