import { z } from 'zod'
import type { Context } from '../../context.ts'
import type { ClientRow } from '../../db/clients.ts'
import { findCredential } from '../../db/credentials.ts'
import { findPerson } from '../../db/persons.ts'
import { endCreation, prepareCredential } from '../../pki/createCredential.ts'
import { Refusal } from '../../refusal.ts'
import { bearerHash } from '../../signing/permit.ts'
import { checkNewPin } from '../../signing/secrets.ts'
import { ANYTHING, creationRequestSchema, policyProblem, subjectProblem } from '../http/creationRequest.ts'
import { AuthorizationError } from './authorizationError.ts'
import { CODE_S } from './codes.ts'
import { slip, type Answer, type AskedAgain, type Decided, type Typed } from './decided.ts'
import { locations, oneDetail, optional } from './details.ts'
import { logIn } from './logIn.ts'
import type { Parameters } from './parameters.ts'
import { CREATION_TYPE } from './scopes.ts'
import type { Wish } from './wish.ts'

const detail = z.strictObject({
  type: z.literal(CREATION_TYPE, { error: 'Invalid parameter type' }),
  credentialCreationRequest: creationRequestSchema,
  // Holders log in in one way here: which other one would have been wanted is not promised.
  acr_values: optional(z.never({ error: 'Invalid parameter acr_values' })),
  locations,
})

/**
 * The scope credential-creation, with details of its type or without (CSC API v2.2, 8.2.2).
 * @throws AuthorizationError
 */
export function creationWish(ctx: Context, client: ClientRow, parameters: Parameters): Wish {
  if (client.creationLimit === 0) {
    throw new AuthorizationError('unauthorized_client', 'The client may not create credentials')
  }
  const { authorization_details: text } = parameters
  if (text === undefined) return { scope: 'credential-creation', creation: ANYTHING }
  const { credentialCreationRequest: creation } = oneDetail(detail, text, parameters)
  const problem = policyProblem(ctx, creation)
  if (problem !== undefined) throw new AuthorizationError('invalid_authorization_details', problem)
  return { scope: 'credential-creation', creation, detailType: CREATION_TYPE }
}

/** Of the new PIN: what costs no attempt at the one that the holder logs in with. */
export function newPinSlip({ newPin, again }: Typed): AskedAgain | undefined {
  if (newPin === '' || again === '') return slip('missing')
  if (newPin.normalize('NFC') !== again.normalize('NFC')) return slip('mismatch')
  return isGoodPin(newPin) ? undefined : slip('newPin')
}

function isGoodPin(pin: string): boolean {
  try {
    checkNewPin(pin)
    return true
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}

/**
 * The holder logs in, and by the new PIN the key is made: it is bound to the code from here on, and ends if nobody comes for
 * the credential.
 * @throws Refusal, or AuthorizationError where the client claims another name than the person's
 */
export async function decideCreation(
  ctx: Context,
  { consent, asked, typed }: Answer,
): Promise<Decided | AskedAgain> {
  const { clientId } = consent
  const { creation = ANYTHING, detailType: type, account } = asked
  const { personId, credentialId: id } = await logIn(ctx, { clientId, account }, typed)
  // Whoever passes on a PIN could give it here in the holder's place, and choose the next one.
  if ((await findCredential(ctx.db, { id, clientId }))?.mode === 'explicit')
    return slip('explicit', 'forbidden')
  const problem = subjectProblem(creation, await findPerson(ctx.db, personId))
  if (problem !== undefined) throw new AuthorizationError('invalid_authorization_details', problem)
  const credentialId = await prepareCredential(ctx, {
    clientId,
    personId,
    pin: typed.newPin,
    consentHash: bearerHash(consent.id),
    seconds: CODE_S,
  })
  const detail = type === undefined ? {} : { detail: { type, credentialCreationRequest: creation } }
  return {
    granted: { created: { credentialId, ...detail } },
    undo: () => endCreation(ctx, credentialId),
  }
}
