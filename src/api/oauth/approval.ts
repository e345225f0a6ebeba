import { hashByOid, keyTypes, schemes, type HashName } from '../../../hsm/algorithms.ts'
import type { Context } from '../../context.ts'
import { findCredential, type CredentialRow } from '../../db/credentials.ts'
import { Refusal } from '../../refusal.ts'
import { checkUsable } from '../../signing/permit.ts'
import { asked, type Asked } from './asked.ts'
import { invalidRequest } from './authorizationError.ts'
import type { Parameters } from './parameters.ts'

/** Octets of a message that an Ed25519 key signs whole: signed attributes are some hundreds. */
const MESSAGE_MAX = 4096

/** What a holder is asked to approve: it fits the credential, and only the holder is missing. */
export interface Approval extends Asked {
  readonly credential: CredentialRow
  /** Of the digests; absent for Ed25519, whose inputs are messages. */
  readonly hash?: HashName
}

/**
 * What credentials/authorize checks of an explicit credential, and in its words. What is unknown, another client's, not
 * enrolled and not for this page get one answer.
 * @throws AuthorizationError
 */
export async function approvalOf(ctx: Context, clientId: string, parameters: Parameters): Promise<Approval> {
  const one = asked(parameters)
  const hash = one.hashAlgorithmOID === undefined ? undefined : hashByOid(one.hashAlgorithmOID)
  if (hash === undefined && one.hashAlgorithmOID !== undefined) {
    throw invalidRequest('Invalid parameter hashAlgorithmOID')
  }
  if (one.count > ctx.config.csc.maxSignatures) throw invalidRequest('Numbers of signatures is too high')
  checkLengths(one, hash?.length)
  const credential = await findCredential(ctx.db, { id: one.credentialId, clientId })
  if (!credential?.keyId || credential.mode !== 'oauth2code' || credential.state === 'ended') {
    throw invalidRequest('Invalid parameter credentialID')
  }
  refuseUnusable(credential)
  if (one.count > credential.multisign) throw invalidRequest('Numbers of signatures is too high')
  if (credential.scal === 2 && one.documents === undefined) {
    throw invalidRequest('Missing (or invalid type) string parameter hashes')
  }
  const used = hashOf(credential, one, hash?.name)
  return { ...one, credential, ...(used === undefined ? {} : { hash: used }) }
}

function checkLengths({ documents = [] }: Asked, length: number | undefined): void {
  const fits = ({ digest }: { digest: Buffer }): boolean =>
    length === undefined ? digest.length <= MESSAGE_MAX : digest.length === length
  if (!documents.every(fits)) throw invalidRequest('Invalid digest value length')
}

/** @throws AuthorizationError */
export function refuseUnusable(credential: CredentialRow): void {
  try {
    checkUsable(credential)
  } catch (error) {
    throw error instanceof Refusal ? invalidRequest(error.message) : error
  }
}

function hashOf(credential: CredentialRow, one: Asked, given: HashName | undefined): HashName | undefined {
  const preferred = keyTypes[credential.keyType].schemes[0]
  const own = preferred && schemes[preferred].hash?.name
  // Ed25519 signs the given octets as a message: there is no hash to name.
  if (own === undefined) return undefined
  if (given === undefined && one.documents !== undefined) {
    throw invalidRequest('Missing (or invalid type) string parameter hashAlgorithmOID')
  }
  return given ?? own
}
