/** What is asked of a signer on behalf of a holder, as its operations read it. */
import {
  encodeActivation,
  encodeAuthorisation,
  encodeCredential,
  encodeKey,
  encodeSealedAuthorisation,
} from './codec.ts'
import { Writer } from './payload.ts'
import type { ActivateRequest, ExtendRequest, SealedRecords } from './types.ts'

export function encodeActivate(request: ActivateRequest): Buffer {
  const w = new Writer(2048).bytes(encodeKey(request.key)).bytes(encodeActivation(request.activation))
  w.optional(request.credential, (credential) => w.bytes(encodeCredential(credential)))
  return w.bytes(request.stretched).bytes(encodeAuthorisation(request.authorisation)).end()
}

export function encodeExtend(request: ExtendRequest): Buffer {
  const w = new Writer(2048).bytes(encodeKey(request.key))
  w.bytes(encodeSealedAuthorisation(request.authorisation))
  w.optional(request.credential, (credential) => w.bytes(encodeCredential(credential)))
  return w.bytes(encodeAuthorisation(request.extended)).end()
}

export function encodeCheck({ key, authorisation, credential }: SealedRecords): Buffer {
  const w = new Writer(1024).bytes(encodeKey(key))
  w.optional(authorisation, (record) => w.bytes(encodeSealedAuthorisation(record)))
  return w.optional(credential, (record) => w.bytes(encodeCredential(record))).end()
}
