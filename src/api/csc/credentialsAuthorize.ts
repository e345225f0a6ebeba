import { z } from 'zod'
import { keyTypes, schemes, type HashName } from '../../../hsm/algorithms.ts'
import type { Context } from '../../context.ts'
import { findCredential, type CredentialRow } from '../../db/credentials.ts'
import { Refusal } from '../../refusal.ts'
import { authoriseCredential } from '../../signing/activation.ts'
import { PIN_ID } from './credential.ts'
import { endpoint } from './endpoint.ts'
import {
  MISSING_HASHES,
  checkCount,
  checkLengths,
  common,
  credentialID,
  description,
  hashes,
} from './members.ts'
import { askedHash } from './signAlgo.ts'

/** More than a PIN can have, and less than would cost anything to hash. */
const PIN_MAX = 256
const INVALID_COUNT = 'Invalid value for parameter numSignatures'
const INVALID_AUTH = 'Invalid parameter authData'

const pin = z
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
      z.strictObject({ id: z.literal(PIN_ID, { error: INVALID_AUTH }), value: pin }, { error: INVALID_AUTH }),
      { error: INVALID_AUTH },
    )
    .length(1, { error: INVALID_AUTH })
    .optional(),
  description,
  ...common,
})
type Input = z.output<typeof request>

/** CSC API v2.2, 11.8, mode explicit: the holder's PIN becomes a SAD over these hashes. */
export const credentialsAuthorize = endpoint({
  name: 'credentials/authorize',
  request,
  answer: async (ctx, { clientId, input }) => {
    const secret = pinOf(input)
    const hash = input.hashAlgorithmOID === undefined ? undefined : askedHash(input.hashAlgorithmOID)
    checkRequest(ctx, input, hash?.length)
    const row = await findCredential(ctx.db, { id: input.credentialID, clientId })
    // Nothing above depends on the credential, and nothing here happens for one that is not the caller's: what is
    // unknown and what is foreign get one answer, and it takes as long as a wrong PIN.
    const bound = row?.keyId ? checkCredential(row, input, hash?.name) : {}
    const { sad, expiresIn } = await authoriseCredential(ctx, {
      clientId,
      credentialId: input.credentialID,
      secrets: [secret],
      count: input.numSignatures,
      ...(input.hashes === undefined ? {} : { digests: input.hashes }),
      ...bound,
    })
    return { SAD: sad, expiresIn }
  },
})

function pinOf({ authData }: Input): string {
  const secret = authData?.[0]?.value
  if (secret === undefined) {
    throw new Refusal('invalid_request', 'Missing (or invalid type) array parameter authData')
  }
  return secret
}

/** What can be said without knowing the credential. */
function checkRequest(ctx: Context, input: Input, length: number | undefined): void {
  checkCount(input.numSignatures, ctx.config.csc.maxSignatures)
  if (input.hashes === undefined) return
  checkLengths(input.hashes, length)
  if (input.hashes.length > input.numSignatures) throw new Refusal('invalid_request', INVALID_COUNT)
}

function checkCredential(row: CredentialRow, input: Input, asked: HashName | undefined): { hash?: HashName } {
  // Such a credential is authorised in its holder's browser, never here.
  if (row.mode !== 'explicit') throw new Refusal('credential_unknown', 'Invalid parameter credentialID')
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
