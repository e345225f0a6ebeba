import { z } from 'zod'
import { findCredential, type CredentialRow } from '../../db/credentials.ts'
import { Refusal } from '../../refusal.ts'
import { extendAuthorisation } from '../../signing/extension.ts'
import { EXAMPLE_HASH, example } from '../http/exampleValues.ts'
import { endpoint } from './endpoint.ts'
import {
  INVALID_OID,
  MISSING_HASHES,
  TOO_MANY,
  checkCount,
  checkLengths,
  common,
  credentialID,
  hashes,
  requiredString,
  sadResponse,
  sadRefusals,
} from './members.ts'
import { askedHash } from './signAlgo.ts'

const request = z.strictObject({
  credentialID,
  SAD: requiredString('SAD'),
  hashes: hashes.optional(),
  hashAlgorithmOID: requiredString('hashAlgorithmOID').optional(),
  ...common,
})
type Input = z.output<typeof request>

/**
 * CSC API v2.2, 11.11. A new SAD for what is left of the one given, which ends. The standard would let a client bring
 * further hashes under SCAL 2; here they are among those that the holder has approved.
 */
export const credentialsExtendTransaction = endpoint({
  name: 'credentials/extendTransaction',
  request,
  described: {
    summary: 'Gives a new SAD for what is left of another one, which ends',
    clause: '11.11',
    response: sadResponse,
    examples: {
      'what is left to sign': {
        credentialID: example.credentialID,
        SAD: example.SAD,
        hashes: [EXAMPLE_HASH],
        hashAlgorithmOID: '2.16.840.1.101.3.4.2.1',
      },
    },
    phrases: [TOO_MANY, 'Invalid digest value length', INVALID_OID, 'The SAD cannot be extended again'],
    refusals: sadRefusals,
  },
  answer: async (ctx, { clientId, certificate, input }) => {
    const hash = input.hashAlgorithmOID === undefined ? undefined : askedHash(input.hashAlgorithmOID)
    if (input.hashes !== undefined) {
      checkLengths(input.hashes, hash?.length)
      checkCount(input.hashes.length, ctx.config.csc.maxSignatures)
    }
    const row = await findCredential(ctx.db, { id: input.credentialID, clientId })
    if (!row?.keyId) throw new Refusal('credential_unknown', 'Invalid parameter credentialID')
    checkCredential(row, input)
    const { sad, expiresIn } = await extendAuthorisation(ctx, {
      sad: input.SAD,
      certificate,
      clientId,
      credentialId: input.credentialID,
      ...(hash === undefined ? {} : { hash: hash.name }),
      ...(input.hashes === undefined ? {} : { digests: input.hashes }),
    })
    return { SAD: sad, expiresIn }
  },
})

function checkCredential(row: CredentialRow, input: Input): void {
  if (row.scal === 2 && input.hashes === undefined) throw new Refusal('invalid_request', MISSING_HASHES)
  const isNamed = input.hashAlgorithmOID !== undefined || row.keyType === 'Ed25519'
  if (input.hashes !== undefined && !isNamed) {
    throw new Refusal('invalid_request', 'Missing (or invalid type) string parameter hashAlgorithmOID')
  }
}
