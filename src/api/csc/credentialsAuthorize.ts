import { z } from 'zod'
import { keyTypes, schemes, type HashName } from '../../../hsm/algorithms.ts'
import type { Context } from '../../context.ts'
import { findCredential, type CredentialRow } from '../../db/credentials.ts'
import { Refusal } from '../../refusal.ts'
import { authoriseCredential } from '../../signing/activation.ts'
import { askHolder } from '../../signing/outOfBand.ts'
import { checkOtpGiven } from '../../signing/secondFactor.ts'
import { isOtp } from '../../signing/totp.ts'
import { approvalMessage } from '../http/approvalMessage.ts'
import { OTP_ID, PIN_ID } from './credential.ts'
import { EXAMPLE_HASH, example } from '../http/exampleValues.ts'
import type { Described } from './described.ts'
import { endpoint } from './endpoint.ts'
import {
  INVALID_OID,
  MISSING_HASHES,
  TOO_MANY,
  checkCount,
  checkLengths,
  common,
  credentialID,
  description,
  hashes,
  sadResponse,
} from './members.ts'
import { askedHash } from './signAlgo.ts'

/** More than a PIN can have, and less than would cost anything to hash. */
const PIN_MAX = 256
const INVALID_COUNT = 'Invalid value for parameter numSignatures'
const INVALID_AUTH = 'Invalid parameter authData'

const secret = z
  .string({ error: INVALID_AUTH })
  .min(1, { error: INVALID_AUTH })
  .max(PIN_MAX, { error: INVALID_AUTH })

const request = z.strictObject({
  credentialID,
  numSignatures: z
    .int({ error: 'Missing (or invalid type) integer parameter numSignatures' })
    .min(1, { error: INVALID_COUNT }),
  hashes: hashes.optional(),
  hashAlgorithmOID: z
    .string({ error: 'Missing (or invalid type) string parameter hashAlgorithmOID' })
    .optional(),
  authData: z
    .array(
      z.strictObject(
        // Without a value where it is given out of band.
        { id: z.enum([PIN_ID, OTP_ID], { error: INVALID_AUTH }), value: secret.optional() },
        { error: INVALID_AUTH },
      ),
      { error: INVALID_AUTH },
    )
    .min(1, { error: INVALID_AUTH })
    .optional(),
  description,
  ...common,
})
type Input = z.output<typeof request>

const told = {
  summary: "Turns the holder's PIN, and a one-time password where there is one, into a SAD over these hashes",
  clause: '11.8, mode explicit',
  response: sadResponse,
  examples: {
    'one document': {
      credentialID: example.credentialID,
      numSignatures: 1,
      hashes: [EXAMPLE_HASH],
      hashAlgorithmOID: '2.16.840.1.101.3.4.2.1',
      authData: [{ id: PIN_ID, value: example.pin }],
      description: 'The lease of the harbour building',
    },
  },
  phrases: [
    'Missing (or invalid type) array parameter authData',
    TOO_MANY,
    'Invalid digest value length',
    INVALID_OID,
  ],
  refusals: [
    'credential_unknown',
    'credential_disabled',
    'certificate_expired',
    'certificate_revoked',
    'certificate_suspended',
    'credential_locked',
    'activation_failed',
    'otp_failed',
  ],
} satisfies Described<typeof request>

/**
 * CSC API v2.2, 11.8: the holder's PIN, and a one-time password where the credential has a second factor, become a SAD over
 * these hashes; or the holder is asked out of band, and the client gets a handle.
 */
export const credentialsAuthorize = endpoint({
  name: 'credentials/authorize',
  request,
  status: (answer) => ('handle' in answer ? ACCEPTED : 200),
  described: {
    ...told,
    clause: '11.8, mode explicit or out of band',
    // Of a name that version 1 has, which is read here, too.
    phrases: [...told.phrases, 'Invalid parameter OTP'],
    accepted: z.object({ handle: z.string() }),
  },
  answer: async (ctx, { clientId, input }) => {
    const row = await findCredential(ctx.db, { id: input.credentialID, clientId })
    return row?.mode === 'oob' && row.keyId !== null
      ? outOfBand(ctx, { clientId, input, row })
      : atOnce(ctx, { clientId, input, row })
  },
})

/** The same in version 1, which has no handles: a credential that takes one is as unknown as one that there is not. */
export const credentialsAuthorizeAtOnce = endpoint({
  name: 'credentials/authorize',
  request,
  // What has a sentence of its own there.
  described: { ...told, refusals: [...told.refusals, 'pin_missing', 'otp_missing', 'otp_invalid'] },
  answer: async (ctx, { clientId, input }) => {
    const row = await findCredential(ctx.db, { id: input.credentialID, clientId })
    return atOnce(ctx, { clientId, input, row })
  },
})

const ACCEPTED = 202

interface Call {
  readonly clientId: string
  readonly input: Input
  readonly row: CredentialRow | undefined
}

async function atOnce(
  ctx: Context,
  { clientId, input, row }: Call,
): Promise<{ SAD: string; expiresIn: number }> {
  const { pin, otp } = secretsOf(input)
  const hash = checkRequest(ctx, input)
  // Nothing above depends on the credential, and nothing here happens for one that is not the caller's: what is
  // unknown and what is foreign get one answer, and it takes as long as a wrong PIN.
  const bound = row?.keyId ? checkCredential(row, input, hash) : {}
  if (row?.keyId) checkOtpGiven(row, otp)
  const { sad, expiresIn } = await authoriseCredential(ctx, {
    clientId,
    credentialId: input.credentialID,
    secrets: [pin],
    otp,
    count: input.numSignatures,
    ...(input.hashes === undefined ? {} : { digests: input.hashes }),
    ...bound,
  })
  return { SAD: sad, expiresIn }
}

/** The PIN is none of the client's business here: who sends it is refused. */
async function outOfBand(
  ctx: Context,
  { clientId, input, row: credential }: Call & { readonly row: CredentialRow },
): Promise<{ handle: string }> {
  const isGiven = input.authData?.some(({ id, value }) => id !== PIN_ID || value !== undefined)
  if (isGiven === true) throw new Refusal('invalid_request', INVALID_AUTH)
  const bound = checkBound(credential, input, checkRequest(ctx, input))
  const handle = await askHolder(ctx, {
    clientId,
    credential,
    count: input.numSignatures,
    ...(input.hashes === undefined ? {} : { digests: input.hashes }),
    ...(input.description === undefined ? {} : { description: input.description }),
    ...bound,
    wording: approvalMessage(ctx.config.baseUrl, input.lang ?? ctx.config.csc.lang),
  })
  return { handle }
}

/** One object of each id. */
function secretsOf({ authData }: Input): { readonly pin: string; readonly otp: string | undefined } {
  if (authData === undefined) {
    throw new Refusal('invalid_request', 'Missing (or invalid type) array parameter authData')
  }
  const given = new Map(authData.map(({ id, value }) => [id, value]))
  const [pin, otp] = [given.get(PIN_ID), given.get(OTP_ID)]
  // What has another form is a slip, and no attempt.
  if (given.has(OTP_ID) && !isOtp(otp)) throw new Refusal('otp_invalid', INVALID_AUTH)
  if (!given.has(PIN_ID)) throw new Refusal('pin_missing', INVALID_AUTH)
  if (pin === undefined || given.size < authData.length) throw new Refusal('invalid_request', INVALID_AUTH)
  return { pin, otp }
}

/** What can be said without knowing the credential. */
function checkRequest(ctx: Context, input: Input): HashName | undefined {
  const hash = input.hashAlgorithmOID === undefined ? undefined : askedHash(input.hashAlgorithmOID)
  checkCount(input.numSignatures, ctx.config.csc.maxSignatures)
  if (input.hashes === undefined) return hash?.name
  checkLengths(input.hashes, hash?.length)
  if (input.hashes.length > input.numSignatures) throw new Refusal('invalid_request', INVALID_COUNT)
  return hash?.name
}

function checkCredential(row: CredentialRow, input: Input, asked: HashName | undefined): { hash?: HashName } {
  // Such a credential is authorised in its holder's browser, never here.
  if (row.mode !== 'explicit') throw new Refusal('credential_unknown', 'Invalid parameter credentialID')
  return checkBound(row, input, asked)
}

/** What the credential allows, and the hash that is authorised. */
function checkBound(row: CredentialRow, input: Input, asked: HashName | undefined): { hash?: HashName } {
  checkCount(input.numSignatures, row.multisign)
  if (row.scal === 2 && input.hashes === undefined) throw new Refusal('invalid_request', MISSING_HASHES)
  const preferred = keyTypes[row.keyType].schemes[0]
  const own = preferred && schemes[preferred].hash?.name
  // Ed25519 signs the given octets as a message: there is no hash to name.
  if (own === undefined) return {}
  if (asked === undefined && input.hashes !== undefined) {
    throw new Refusal('invalid_request', 'Missing (or invalid type) string parameter hashAlgorithmOID')
  }
  // SCAL 1 without a hash algorithm: the authorisation still names one, and it is the key's own.
  return { hash: asked ?? own }
}
