import { randomBytes, randomUUID } from 'node:crypto'
import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { insertAudit } from '../db/audit.ts'
import { issuedFor } from '../db/certificates.ts'
import { findClient } from '../db/clients.ts'
import {
  completeCreation,
  countCredentials,
  extendCreation,
  lockCreation,
  markHanded,
  overdueCreations,
  planCreation,
  takeCreation,
} from '../db/creations.ts'
import {
  createCredential as insertCredential,
  enableCredential,
  findCredential,
  type CredentialRow,
} from '../db/credentials.ts'
import type { Queries } from '../db/database.ts'
import { endPendingCredential } from '../db/enrolments.ts'
import { lockPerson } from '../db/persons.ts'
import { Refusal, unavailable } from '../refusal.ts'
import { decideToDestroy, destroyKey } from '../signing/destroyKey.ts'
import { trustedTime } from './clock.ts'
import { makeWithPin } from './enrol.ts'
import { revokeIn } from './revoke.ts'

/**
 * What a credential is that a client asks for: of a key type that every token has, bound to hashes, and opened on this
 * service's page alone, so that its PIN never passes through the client.
 */
const CREATED = { keyType: 'P-256', scal: 2, mode: 'oauth2code', description: '' } as const
const ID_OCTETS = 16
/** Seconds that making it may take; no operation of a token lives so long. */
const MAKING_S = 300
/** Seconds that whatever waits for something that expires lives on, so that it is never the first to go. */
const MARGIN_S = 60
/** In one pass of recovery. */
const OVERDUE_MAX = 100

/** The most that an operator can let one person have for a client: nobody reads a longer list. */
export const CREATION_LIMIT_MAX = 100

export interface PrepareRequest {
  readonly clientId: string
  readonly personId: string
  /** Chosen for it by its holder, who is known. */
  readonly pin: string
  /** SHA-256 of the id of the consent that this is approved on. */
  readonly consentHash: Buffer
  /** That it waits for, at first: the authorization code's life. */
  readonly seconds: number
}

/**
 * Makes a credential for a client, by its holder's new PIN, and hands it to nobody: it stays pending, and what it is made of
 * waits beside it. Whatever is not handed over in time ends, its key with it, also where this process dies on the way.
 * @throws Refusal conflict (the client may have none made, or no more; the person is disabled or erased), unavailable
 */
export async function prepareCredential(ctx: Context, request: PrepareRequest): Promise<string> {
  // First, so that nothing is begun that nobody could certify.
  trustedTime(ctx)
  const credentialId = randomBytes(ID_OCTETS).toString('hex')
  const keyId = randomUUID()
  // 1. What is meant, and which key it will be. If we die after this: recovery ends the credential, and destroys the key
  // if there is one by then.
  await ctx.db.transaction((tx) => plan(ctx, tx, { ...request, credentialId, keyId }))
  try {
    // 2. The key is born with its verifier, certified and sealed.
    const credential = await findCredential(ctx.db, { id: credentialId })
    if (credential?.state !== 'pending') throw new Refusal('conflict', 'The credential was ended.')
    const { certificate, seal } = await makeWithPin(ctx, credential, { pin: request.pin, keyId })
    // 3. From here on it can be handed over, to whoever comes with what the approval gave.
    const made = { credentialId, certificateId: certificate.id, seal, seconds: request.seconds + MARGIN_S }
    if (!(await completeCreation(ctx.db, made))) throw unavailable('Making the credential took too long')
    return credentialId
  } catch (error) {
    await endCreation(ctx, credentialId).catch(() => undefined)
    throw error
  }
}

async function plan(
  ctx: Context,
  tx: Queries,
  planned: PrepareRequest & { readonly credentialId: string; readonly keyId: string },
): Promise<void> {
  const { clientId, personId, credentialId, keyId, consentHash } = planned
  // Locked, so that two who ask at once are counted one after the other.
  const person = await lockPerson(tx, personId)
  if (person?.state !== 'enabled') throw new Refusal('conflict', 'The person is disabled or erased')
  const limit = (await findClient(tx, clientId))?.creationLimit ?? 0
  const multisign = ctx.config.csc.maxSignatures
  const count = await countCredentials(tx, { personId, clientId })
  await insertCredential(tx, { ...CREATED, id: credentialId, personId, clientId, multisign })
  const isFirst = await planCreation(tx, { credentialId, clientId, keyId, consentHash, seconds: MAKING_S })
  if (!isFirst) throw unavailable('The credential is being made')
  if (count >= limit)
    throw new Refusal('conflict', 'The person has as many credentials as the client may create')
  const { keyType, scal, mode } = CREATED
  const subjects = [`credential:${credentialId}`, `person:${personId}`, `client:${clientId}`]
  const facts = { act: 'credential.create', actor: `person:${personId}`, subjects }
  await insertAudit(tx, [auditEntry({ ...facts, kind: 'act', detail: { keyType, scal, mode, multisign } })])
}

/** Lets it wait for a token of so many seconds. @returns false where it was given up meanwhile */
export function keepPrepared(tx: Queries, credentialId: string, seconds: number): Promise<boolean> {
  return extendCreation(tx, credentialId, seconds + MARGIN_S)
}

/**
 * Hands a credential over to the client that its holder let create it. Asked again it answers the same.
 * @throws Refusal credential_disabled (an operator, or the client, ended it meanwhile)
 */
export async function handOver(
  ctx: Context,
  { credentialId, clientId }: { readonly credentialId: string; readonly clientId: string },
): Promise<CredentialRow> {
  return ctx.db.transaction(async (tx) => {
    const creation = await lockCreation(tx, { credentialId, clientId })
    const before = await findCredential(tx, { id: credentialId, clientId })
    const isReady = creation !== undefined && before !== undefined && before.state !== 'ended'
    if (!isReady) throw new Refusal('credential_disabled', 'The credential was ended')
    if (creation.handed) return before
    const { keyId, certificateId, seal } = creation
    if (certificateId === null || seal === null) throw new Error('a token for a credential that is not made')
    await enableCredential(tx, { id: credentialId, keyId, certificateId, multisign: before.multisign, seal })
    await markHanded(tx, credentialId)
    const subjects = [`credential:${credentialId}`, `key:${keyId}`, `certificate:${certificateId}`]
    const facts = { act: 'credential.hand-over', actor: `client:${clientId}`, subjects }
    await insertAudit(tx, [auditEntry({ ...facts, kind: 'act' })])
    const after = await findCredential(tx, { id: credentialId, clientId })
    if (after === undefined) throw new Error('a credential that was enabled is there')
    return after
  })
}

/** Ends one that was not handed over, as a credential that is deleted ends: certificate revoked, key destroyed. */
export async function endCreation(ctx: Context, credentialId: string): Promise<void> {
  const actor = 'service'
  const destruction = await ctx.db.transaction(async (tx) => {
    const creation = await takeCreation(tx, credentialId)
    if (creation === undefined) return undefined
    const { keyId } = creation
    await endPendingCredential(tx, credentialId)
    const certificateId = await issuedFor(tx, keyId)
    const subjects = [`credential:${credentialId}`, `key:${keyId}`]
    const detail = { reason: 'not handed over' }
    await insertAudit(tx, [auditEntry({ kind: 'act', act: 'credential.delete', actor, subjects, detail })])
    if (certificateId !== undefined) {
      await revokeIn(tx, { certificateId, credentialId, reason: 'cessationOfOperation', actor })
    }
    return decideToDestroy(tx, { keyId, actor })
  })
  if (destruction === undefined) return
  await destroyKey(ctx, destruction).catch((error: unknown) => {
    ctx.log.warn({ err: error, key: destruction.keyId }, 'a key is not destroyed yet; it is tried again')
  })
}

/** One pass over what nobody came for: the code was not redeemed, the method not called, or its process died. */
export async function endOverdue(ctx: Context): Promise<void> {
  for (const credentialId of await overdueCreations(ctx.db, OVERDUE_MAX)) await endCreation(ctx, credentialId)
}
