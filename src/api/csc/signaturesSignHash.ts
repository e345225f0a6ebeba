import { z } from 'zod'
import { hashByOid } from '../../../hsm/algorithms.ts'
import type { Context } from '../../context.ts'
import { findCredential } from '../../db/credentials.ts'
import { Refusal } from '../../refusal.ts'
import { signLater } from '../../signing/asynchronous.ts'
import { permitFromSad, type Permit, type SadRequest } from '../../signing/permit.ts'
import { sign } from '../../signing/sign.ts'
import { askedLater } from './asynchronous.ts'
import { encodedSignatures } from './encodedSignatures.ts'
import { EXAMPLE_HASH, example } from '../http/exampleValues.ts'
import { endpoint } from './endpoint.ts'
import {
  INVALID_OID,
  TOO_MANY,
  checkCount,
  checkLengths,
  common,
  credentialID,
  hashes,
  requiredString,
  sadRefusals,
} from './members.ts'
import { askedScheme } from './signAlgo.ts'

const invalid = (name: string) => ({ error: `Invalid parameter ${name}` })
const string = (name: string) => requiredString(name).optional()

interface Answer {
  readonly credentialID?: string
  readonly signatures?: readonly string[]
  /** In their place, in asynchronous operation. */
  readonly responseID?: string
}

/** CSC API v2.2, 11.13. The digests are signed as given; signatures come in the order of the hashes. */
export const signaturesSignHash = endpoint({
  name: 'signatures/signHash',
  scopes: ['service', 'credential'],
  request: z.strictObject({
    credentialID,
    SAD: string('SAD'),
    hashes,
    hashAlgorithmOID: string('hashAlgorithmOID'),
    signAlgo: requiredString('signAlgo'),
    signAlgoParams: string('signAlgoParams'),
    operationMode: z.enum(['S', 'A'], invalid('operationMode')).default('S'),
    validity_period: z.int(invalid('validity_period')).optional(),
    response_uri: z.string(invalid('response_uri')).optional(),
    ...common,
  }),
  described: {
    summary: 'Signs hashes as they are given',
    clause: '11.13',
    response: z.object({
      credentialID: z.string().optional(),
      signatures: z.array(z.string()).optional(),
      responseID: z.string().optional(),
    }),
    examples: {
      'one hash, ECDSA with SHA-256': {
        credentialID: example.credentialID,
        SAD: example.SAD,
        hashes: [EXAMPLE_HASH],
        hashAlgorithmOID: '2.16.840.1.101.3.4.2.1',
        signAlgo: '1.2.840.10045.4.3.2',
      },
      'the same, later': {
        credentialID: example.credentialID,
        SAD: example.SAD,
        hashes: [EXAMPLE_HASH],
        hashAlgorithmOID: '2.16.840.1.101.3.4.2.1',
        signAlgo: '1.2.840.10045.4.3.2',
        operationMode: 'A',
      },
    },
    phrases: [
      TOO_MANY,
      'Invalid digest value length',
      INVALID_OID,
      'Invalid parameter signAlgo',
      'Invalid parameter signAlgoParams',
      'String parameter hashAlgorithmOID contradicts with signAlgo parameter',
      'Out of bounds parameter validity_period',
    ],
    refusals: sadRefusals,
  },
  answer: async (ctx, { clientId, sad, certificate, input }): Promise<Answer> => {
    const later = await askedLater(ctx, clientId, input)
    const scheme = askedScheme(input)
    // Ed25519 signs messages; a client that names a hash says that its messages are digests of it.
    const hash = scheme.hash ?? (input.hashAlgorithmOID && hashByOid(input.hashAlgorithmOID))
    checkLengths(input.hashes, hash ? hash.length : undefined)
    checkCount(input.hashes.length, ctx.config.csc.maxSignatures)
    const permit = await permitOf(ctx, {
      sad: sadOf(input.SAD, sad),
      isBearer: sad !== undefined,
      certificate,
      clientId,
      credentialId: input.credentialID,
      scheme: scheme.name,
      digests: input.hashes,
    })
    if (later !== undefined) {
      const { credentialID: credentialId } = input
      return { responseID: await signLater(ctx, permit, { clientId, credentialId, ...later }) }
    }
    const signatures = await sign(ctx, permit)
    return {
      // Beyond the standard; older clients of the Greek QTSP's interface look for it.
      credentialID: input.credentialID,
      signatures: encodedSignatures(scheme.name, signatures),
    }
  },
})

/**
 * The SAD is a token of the scope credential: the bearer itself, or one beside the bearer of a service (CSC API v2.2,
 * 11.13), which needs the proof that it is bound to, if it is. Two that differ are one too many.
 */
function sadOf(given: string | undefined, bearer: string | undefined): string {
  const sad = given ?? bearer
  if (sad === undefined) {
    throw new Refusal('invalid_request', 'Missing (or invalid type) string parameter SAD')
  }
  if (bearer !== undefined && sad !== bearer) throw new Refusal('permit_unknown', 'Invalid parameter SAD')
  return sad
}

/** A SAD that fits no credential may have come with an id that is none of the caller's: the standard names the id then. */
async function permitOf(ctx: Context, request: SadRequest): Promise<Permit> {
  try {
    return await permitFromSad(ctx, request)
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'permit_unknown') throw error
    const { credentialId: id, clientId } = request
    const own = await findCredential(ctx.db, { id, clientId })
    throw own === undefined ? new Refusal('credential_unknown', 'Invalid parameter credentialID') : error
  }
}
