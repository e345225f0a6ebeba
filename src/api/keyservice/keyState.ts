import { z } from 'zod'
import { switchKey } from '../../credentials/keys/changeKey.ts'
import { keyById } from '../../credentials/keys/findKey.ts'
import { makeHolderKey } from '../../credentials/keys/makeHolderKey.ts'
import { signatureTypeOf } from '../../credentials/keys/signatureTypes.ts'
import { controllerOf, verificationMethodOf } from '../../credentials/keys/verificationMethod.ts'
import type { HolderKeyRow } from '../../db/holderKeys.ts'
import { Refusal } from '../../refusal.ts'
import { example } from '../http/exampleValues.ts'
import { endpoint, type Endpoint } from '../http/problemEndpoint.ts'
import { idempotencyName } from './idempotency.ts'
import { keyType, newIdentifier, secrets, signatureType } from './members.ts'
import { keySchema, methodSchema, shownKey } from './shown.ts'

const UNKNOWN = ['not_found', 'There is no such key.'] as const

function switching(verb: 'enable' | 'disable', summary: string): Endpoint {
  const to = verb === 'enable' ? 'enabled' : 'disabled'
  return endpoint({
    method: 'POST',
    path: `/keys/:id/${verb}`,
    request: z.strictObject({}),
    described: {
      summary,
      examples: { 'one of the client': { id: example.spareKeyId } },
      answer: { status: 200, says: 'The key', schema: keySchema },
      refusals: [UNKNOWN, ['conflict', 'The key is rotated.']],
    },
    answer: async (ctx, { clientId, id }) => {
      const key = await keyById(ctx, { clientId, id })
      return { status: 200, body: shownKey(await switchKey(ctx, key, to)) }
    },
  })
}

export const disable = switching('disable', 'Disables a key: it signs nothing until it is enabled again')
export const enable = switching('enable', 'Enables a key that was disabled')

/** Another key in the place of one, with secrets of its own. What the old one signed can be verified as before. */
export const rotate = endpoint({
  method: 'POST',
  path: '/keys/:id/rotate',
  request: z.strictObject({
    secrets,
    identifier: newIdentifier.optional(),
    signatureType: signatureType.optional(),
    keyType: keyType.optional(),
  }),
  described: {
    summary: 'Makes a new key with the same identifier; the old one signs no more, and its public half stays',
    examples: { 'the same type of key': { id: example.spareKeyId, secrets: [example.secret] } },
    answer: { status: 201, says: 'The public half of the new key', schema: methodSchema },
    refusals: [
      UNKNOWN,
      ['conflict', 'The key was rotated or deleted meanwhile.'],
      ['conflict', 'The identifier is, or was, that of another key: an id is given once.'],
    ],
  },
  answer: async (ctx, { clientId, id, idempotencyKey, input }) => {
    const old = await keyById(ctx, { clientId, id })
    const made = await makeHolderKey(ctx, {
      clientId,
      identifier: nextIdentifier(old, input.identifier),
      signatureType: input.signatureType ?? signatureTypeOf(old.scheme),
      form: input.keyType ?? old.form,
      secrets: input.secrets,
      idempotencyKey: idempotencyName(idempotencyKey),
      replaces: old,
    })
    return { status: 201, body: verificationMethodOf(made) }
  },
})

/** @throws Refusal invalid_request: a whole id is given once, and a key keeps its controller */
function nextIdentifier(old: HolderKeyRow, given: string | undefined): string {
  if (given === undefined && old.identifier.includes('#')) {
    throw new Refusal(
      'invalid_request',
      "identifier: is missing: the old one's is a whole id, which is given once",
    )
  }
  const identifier = given ?? old.identifier
  if (controllerOf(identifier) === controllerOf(old.id)) return identifier
  throw new Refusal('invalid_request', `identifier: the key is ${controllerOf(old.id)}'s`)
}
