import { z } from 'zod'
import { findCredential } from '../../db/credentials.ts'
import { Refusal } from '../../refusal.ts'
import { secondFactorOf } from '../../signing/secondFactor.ts'
import { sendCode } from '../../signing/sendCode.ts'
import { codeMessage } from '../http/codeMessage.ts'
import { example } from '../http/exampleValues.ts'
import { OTP_ID } from './credential.ts'
import { endpoint } from './endpoint.ts'
import { common, credentialID, requiredString, sendingRefusals } from './members.ts'

/**
 * CSC API v2.2, 11.10: the challenge of an authentication object. The only one that there is goes to the holder out of
 * band, so the answer is empty.
 */
export const credentialsGetChallenge = endpoint({
  name: 'credentials/getChallenge',
  needs: 'sender',
  request: z.strictObject({ credentialID, authObjectID: requiredString('authObjectID'), ...common }),
  status: () => 204,
  described: {
    summary: 'Has a one-time code sent to the holder',
    clause: '11.10, out of band',
    examples: { 'a code': { credentialID: example.sentCodesCredentialID, authObjectID: OTP_ID } },
    phrases: ['Invalid parameter authObjectID'],
    refusals: sendingRefusals,
  },
  answer: async (ctx, { clientId, input }) => {
    const row = await findCredential(ctx.db, { id: input.credentialID, clientId })
    if (!row?.keyId || row.mode !== 'explicit') {
      throw new Refusal('credential_unknown', 'Invalid parameter credentialID')
    }
    if (input.authObjectID !== OTP_ID || secondFactorOf(row)?.kind !== 'sent') {
      throw new Refusal('invalid_request', 'Invalid parameter authObjectID')
    }
    const wording = codeMessage(input.lang ?? ctx.config.csc.lang)
    await sendCode(ctx, { clientId, credentialId: input.credentialID, wording })
    return {}
  },
})
