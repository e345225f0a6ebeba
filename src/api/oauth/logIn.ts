import type { Context } from '../../context.ts'
import { Refusal } from '../../refusal.ts'
import { recogniseHolder } from '../../signing/activation.ts'
import { CREDENTIAL_ID } from './asked.ts'
import type { Typed } from './decided.ts'

/** Who logged in, and with which credential. */
export interface Login {
  readonly personId: string
  readonly credentialId: string
}

/** @param to.account the one person who may; undefined: whoever can. @throws Refusal */
export async function logIn(
  ctx: Context,
  { clientId, account }: { readonly clientId: string; readonly account: string | undefined },
  { pin, credentialId: typed, otp }: Typed,
): Promise<Login> {
  // No credential has the empty id: it costs what an unknown one does.
  const credentialId = CREDENTIAL_ID.test(typed) ? typed : ''
  const personId = await recogniseHolder(ctx, { clientId, credentialId, secrets: [pin], otp })
  if (account !== undefined && personId !== account) {
    throw new Refusal('credential_unknown', 'Invalid parameter credentialID')
  }
  return { credentialId, personId }
}
