import { z } from 'zod'
import { findCredential } from '../../db/credentials.ts'
import { Refusal } from '../../refusal.ts'
import { sendCode } from '../../signing/sendCode.ts'
import { codeMessage } from '../http/codeMessage.ts'
import { example } from '../http/exampleValues.ts'
import { endpoint } from './endpoint.ts'
import { common, credentialID, sendingRefusals } from './members.ts'

/**
 * CSC API v1.0.4, 11.9, and in v2.0 by its table of methods: a code is sent to the holder. A credential for which none is
 * sent is as unknown as one that there is not.
 */
export const credentialsSendOtp = endpoint({
  name: 'credentials/sendOTP',
  needs: 'sender',
  request: z.strictObject({ credentialID, ...common }),
  status: () => 204,
  described: {
    summary: 'Has a one-time code sent to the holder',
    clause: '10.3 (v1.0.4.0, 11.9)',
    examples: { 'a code': { credentialID: example.sentCodesCredentialID } },
    refusals: sendingRefusals,
  },
  answer: async (ctx, { clientId, input }) => {
    const row = await findCredential(ctx.db, { id: input.credentialID, clientId })
    // Such a credential's holder asks for it on the page.
    if (row?.mode !== 'explicit') throw new Refusal('credential_unknown', 'Invalid parameter credentialID')
    const wording = codeMessage(input.lang ?? ctx.config.csc.lang)
    await sendCode(ctx, { clientId, credentialId: input.credentialID, wording })
    return {}
  },
})
