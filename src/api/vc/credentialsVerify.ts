import { z } from 'zod'
import { verifySecured } from '../../credentials/verifyCredential.ts'
import { example } from '../http/exampleValues.ts'
import { text } from '../http/members.ts'
import { endpoint, type Endpoint } from '../http/problemEndpoint.ts'
import { checks, secured } from './members.ts'
import { verifiedReply } from './verified.ts'

const VERDICT = z.object({ verified: z.boolean(), problemDetails: z.array(z.looseObject({})) })

/** How much is asked of whom: at /proof nothing of the issuer's document, for credentials whose issuer is no DID. */
const profiles = [
  { profile: 'strict', at: '', says: ', and whether its issuer controls the key' },
  { profile: 'proof', at: '/proof', says: ': signature, times and status alone' },
] as const

const asksStatus = (asked: readonly string[] | undefined): boolean =>
  asked === undefined || asked.some((check) => check === 'credentialStatus' || check === 'status')

/** VC API 0.3, 3.3.1: verify credential. */
export const credentialsVerify: readonly Endpoint[] = profiles.map(({ profile, at, says }) =>
  endpoint({
    method: 'POST',
    path: `/credentials/verify${at}`,
    produces: ['application/json'],
    request: z.strictObject({
      verifiableCredential: secured,
      options: z.strictObject({ checks }).default({}),
    }),
    described: {
      summary: `Verifies a credential${says}`,
      examples: { 'a JWT': { verifiableCredential: example.jwtCredential } },
      answer: { status: 200, says: 'It is good', schema: VERDICT },
      refusals: [['invalid_request', 'The signature is not that of the key']],
    },
    answer: async (ctx, { input }) => {
      const { verifiableCredential, options } = input
      const status = asksStatus(options.checks)
      const order = { secured: verifiableCredential, profile, kind: 'credential', status } as const
      return verifiedReply(await verifySecured(ctx, order))
    },
  }),
)

/** VC API 0.3, 3.3.2: verify presentation. */
export const presentationsVerify: readonly Endpoint[] = profiles.map(({ profile, at, says }) =>
  endpoint({
    method: 'POST',
    path: `/presentations/verify${at}`,
    request: z.strictObject({
      verifiablePresentation: secured,
      options: z
        .strictObject({ challenge: text().optional(), domain: text().optional(), checks })
        .default({}),
    }),
    described: {
      summary: `Verifies a presentation and the credentials in it${says}`,
      examples: {
        'a JWT, for this verifier': {
          verifiablePresentation: example.jwtPresentation,
          options: { challenge: '7c1b', domain: 'https://verifier.example' },
        },
      },
      answer: { status: 200, says: 'It is good', schema: VERDICT },
      refusals: [['invalid_request', 'The signature is not that of the key']],
    },
    answer: async (ctx, { input }) => {
      const { verifiablePresentation, options } = input
      const { challenge, domain } = options
      const asked = { challenge, domain, status: asksStatus(options.checks) }
      const order = { secured: verifiablePresentation, profile, kind: 'presentation', ...asked } as const
      return verifiedReply(await verifySecured(ctx, order))
    },
  }),
)
