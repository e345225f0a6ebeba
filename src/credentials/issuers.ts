import { timingSafeEqual } from 'node:crypto'
import type { KeyRecord } from '../../hsm/records.ts'
import { raise } from '../alarms.ts'
import type { Context } from '../context.ts'
import { issuerKeys, signingKeys, type IssuerKeyRow } from '../db/credentialIssuers.ts'
import type { Database } from '../db/database.ts'
import { Refusal } from '../refusal.ts'
import { issuerKeySeal } from '../signing/derived.ts'
import { permitForService } from '../signing/permit.ts'
import { sign } from '../signing/sign.ts'
import type { CredentialKey } from './credentialKey.ts'
import { multikeyOf } from './multikey.ts'

/** Rows whose seals were found good, by what is sealed; as many issuers as sign within a while on one replica. */
const MAX_BELIEVED = 10_000
const believedOf = new WeakMap<Database, Set<string>>()

/** A key that an issuer signs with now, and what it is to sign. */
export interface IssuerKey extends CredentialKey {
  readonly issuerId: string
}

export interface Issuing {
  /** The verb of the audit log. */
  readonly act: string
  /** As the audit log names who asks. */
  readonly actor: string
  readonly subjects: readonly string[]
  /** Whose turn it is in the token's queue; absent: that of the issuer's client. */
  readonly flow?: string
}

/** Whose issuer it is, and which of them: by its DID, or not where there is one alone; or the issuer itself. */
export interface IssuerChoice {
  readonly clientId?: string
  readonly identifier?: string
  readonly issuerId?: string
  /** For what goes on when it is disabled. */
  readonly evenDisabled?: boolean
}

/**
 * The key by which an issuer signs now.
 * @throws Refusal not_found (unknown, foreign and disabled alike), conflict (which issuer is not said, and there are several)
 */
export async function issuerKey(ctx: Context, by: IssuerChoice, issuing: Issuing): Promise<IssuerKey> {
  const [row, other] = await signingKeys(ctx.db, by)
  if (row === undefined) throw new Refusal('not_found', 'There is no such issuer.')
  if (other !== undefined && other.issuerId !== row.issuerId)
    throw new Refusal('conflict', 'There are several issuers: the credential has to name one.')
  await checkIssuerKey(ctx, row)
  const { issuerId, verificationMethod: id, identifier: controller, scheme, key } = row
  const { act, actor, flow = row.clientId } = issuing
  const subjects = [`issuer:${issuerId}`, ...issuing.subjects]
  return {
    issuerId,
    id,
    controller,
    scheme,
    keyType: key.keyType,
    spki: key.spki,
    sign: async (octets) => {
      const permit = permitForService({ key, scheme, messages: [octets], act, actor, subjects, flow })
      const [signature] = await sign(ctx, permit)
      if (signature === undefined) throw new Error('no signature')
      return signature
    },
  }
}

/** All keys that an issuer ever had, the newest first: what its document says. @throws as checkIssuerKey */
export async function keysOfIssuer(ctx: Context, issuerId: string): Promise<IssuerKeyRow[]> {
  const rows = await issuerKeys(ctx.db, issuerId)
  for (const row of rows) await checkIssuerKey(ctx, row)
  return rows
}

/**
 * Whether a row is as it was sealed, with its public key, which its name holds. Whoever only writes the database makes nobody
 * sign as somebody else, and nobody believe a key of his. Asked of the token once for each row as it is: an altered one is
 * another one. Whether a key was rotated or disabled is in no seal.
 * @throws Error for an altered row, with the alarm raised; Refusal 'unavailable' when the token is away
 */
export async function checkIssuerKey(ctx: Context, row: IssuerKeyRow): Promise<void> {
  const { issuerId, clientId, identifier, verificationMethod, scheme, seal, key } = row
  const sealed = { keyId: key.keyId, issuerId, clientId, identifier, verificationMethod, scheme }
  const name = JSON.stringify([sealed, seal.toString('base64'), key.keyType, key.spki.toString('base64')])
  const believed = believedOf.get(ctx.db) ?? new Set()
  believedOf.set(ctx.db, believed)
  if (believed.has(name)) return
  const wanted = await issuerKeySeal(ctx, sealed)
  const isSealed = seal.length === wanted.length && timingSafeEqual(seal, wanted)
  if (!isSealed || verificationMethod !== methodOf(identifier, key)) {
    const says = 'the row of an issuer was altered; it signs nothing, and is not believed'
    raise(ctx.log, 'seal_broken', { says, issuer: issuerId })
    throw new Error(says)
  }
  if (believed.size >= MAX_BELIEVED) believed.clear()
  believed.add(name)
}

/** What proofs name a key by: it says which key it is, so that its seal is one over the public key. */
export const methodOf = (identifier: string, key: KeyRecord): string => `${identifier}#${multikeyOf(key)}`
