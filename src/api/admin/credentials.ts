import { createHash, randomBytes, randomUUID, X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { keyTypes, type KeyType } from '../../../hsm/algorithms.ts'
import type { Context } from '../../context.ts'
import { isLocked, unlockKey } from '../../db/attempts.ts'
import { findClient } from '../../db/clients.ts'
import {
  createCredential as insertCredential,
  findCredential,
  listCredentials,
  setCredentialState,
  type CredentialRow,
} from '../../db/credentials.ts'
import { isBeingCreated } from '../../db/creations.ts'
import type { Queries } from '../../db/database.ts'
import { endPendingCredential, expireEnrolments, insertEnrolment, type Claim } from '../../db/enrolments.ts'
import { findPerson, lockPerson } from '../../db/persons.ts'
import { Refusal } from '../../refusal.ts'
import { secondFactorOf } from '../../signing/secondFactor.ts'
import { askForSentCodes, resetSecondFactor } from '../../signing/changeFactor.ts'
import { actorOf, found, isUuid, parsed, recordAct, type Call, type Endpoints } from './endpoint.ts'
import { keyTypeSchema } from './keyType.ts'
import { page, pageQuery } from './page.ts'

const ID_OCTETS = 16
/** Nobody guesses it, however many links are open. */
const CODE_OCTETS = 32

const listQuery = z.strictObject({
  ...pageQuery,
  clientId: z.string().max(64).optional(),
  personId: z.string().refine(isUuid, 'not the id of a person').optional(),
})

export interface NewCredential {
  readonly personId: string
  readonly clientId: string
  readonly keyType: KeyType
  readonly scal: 1 | 2
  /** 'explicit' if absent. */
  readonly mode?: CredentialRow['mode']
  /** Signatures that one authorisation may cover. */
  readonly multisign: number
  readonly description: string
}

export interface EnrolmentLink {
  readonly credentialId: string
  /** 256 bits, shown once. It stands in the link's fragment, which browsers do not send. */
  readonly code: string
  readonly link: string
  readonly expiresAt: Date
}

/** Makes a pending credential: its holder follows the link, sets the PIN, and by that makes the key. */
export async function createCredential(
  ctx: Context,
  actor: string,
  made: NewCredential,
): Promise<EnrolmentLink> {
  const credentialId = randomBytes(ID_OCTETS).toString('hex')
  return ctx.db.transaction(async (tx) => {
    const person = await lockPerson(tx, made.personId)
    if (person === undefined) throw new Refusal('invalid_request', 'personId: there is no such person')
    if (person.state !== 'enabled') throw new Refusal('conflict', 'The person is disabled or erased.')
    const client = await findClient(tx, made.clientId)
    if (client === undefined) throw new Refusal('invalid_request', 'clientId: there is no such client')
    const { mode = 'explicit' } = made
    if (mode === 'oob' && !(await findPerson(tx, made.personId))?.contact) {
      throw new Refusal('conflict', 'The person has no contact.')
    }
    if (mode === 'oob' && ctx.sender === undefined) throw new Refusal('conflict', 'No sender is configured.')
    await insertCredential(tx, { ...made, id: credentialId, mode })
    const subjects = [`credential:${credentialId}`, `person:${made.personId}`, `client:${made.clientId}`]
    const detail = { keyType: made.keyType, scal: made.scal, mode, multisign: made.multisign }
    await recordAct(tx, { act: 'credential.create', actor, subjects, detail })
    return openLink(ctx, tx, { credentialId })
  })
}

/**
 * Opens a one-time link, in the transaction that is given; those that were open do not work any more.
 * @param replaces the certificate whose key the holder is to replace; absent: the credential's first key
 */
export async function openLink(
  ctx: Context,
  tx: Queries,
  { credentialId, replaces }: Pick<Claim, 'credentialId' | 'replaces'>,
): Promise<EnrolmentLink> {
  await expireEnrolments(tx, credentialId)
  const code = randomBytes(CODE_OCTETS).toString('base64url')
  const expiresAt = await insertEnrolment(tx, {
    id: randomUUID(),
    codeHash: createHash('sha256').update(code).digest(),
    credentialId,
    hours: ctx.config.enrolment.linkHours,
    replaces,
  })
  return { credentialId, code, link: `${ctx.config.baseUrl}/enrol#${code}`, expiresAt }
}

export const credentialEndpoints: Endpoints<'credentials'> = {
  'GET /credentials': async (ctx, call) => {
    const { limit, cursor, clientId, personId } = parsed(listQuery, call.query)
    const found = await page(
      { limit, cursor },
      (window) =>
        listCredentials(ctx.db, {
          ...window,
          ...(clientId === undefined ? {} : { clientId }),
          ...(personId === undefined ? {} : { personId }),
        }),
      (row) => row.id,
    )
    return { body: { items: found.rows.map(shown), next: found.next } }
  },

  'POST /credentials': async (ctx, call) => {
    const made = await createCredential(ctx, actorOf(call), parsed(createSchema(ctx), call.body))
    return { status: 201, body: linkBody(made) }
  },

  'GET /credentials/:id': async (ctx, call) => {
    const row = await credentialOf(ctx.db, call)
    const { keyId, clientId } = row
    const locked = keyId === null ? false : await isLocked(ctx.db, { keyId, clientId })
    return { body: { ...shown(row), locked } }
  },

  'POST /credentials/:id/link': async (ctx, call) => {
    const made = await ctx.db.transaction(async (tx) => {
      const row = await credentialOf(tx, call)
      if (row.state !== 'pending') throw new Refusal('conflict', 'Only a pending credential is enrolled.')
      if (await isBeingCreated(tx, row.id))
        throw new Refusal('conflict', 'Its holder has set the PIN already.')
      await recordAct(tx, {
        act: 'credential.link',
        actor: actorOf(call),
        subjects: [`credential:${row.id}`],
      })
      return openLink(ctx, tx, { credentialId: row.id })
    })
    return { status: 201, body: linkBody(made) }
  },

  'POST /credentials/:id/disable': async (ctx, call) => {
    await ctx.db.transaction(async (tx) => {
      const { id, state } = await credentialOf(tx, call)
      if (state === 'disabled' || state === 'ended') return
      // Without a key there is nothing to suspend: it ends, and so does its link.
      if (!(await setCredentialState(tx, id, 'disabled'))) await endPendingCredential(tx, id)
      await recordAct(tx, { act: 'credential.disable', actor: actorOf(call), subjects: [`credential:${id}`] })
    })
    return { body: shown(await credentialOf(ctx.db, call)) }
  },

  'POST /credentials/:id/enable': async (ctx, call) => {
    await ctx.db.transaction(async (tx) => {
      const { id, state } = await credentialOf(tx, call)
      if (state === 'enabled') return
      if (!(await setCredentialState(tx, id, 'enabled')))
        throw new Refusal('conflict', `The credential is ${state}.`)
      await recordAct(tx, { act: 'credential.enable', actor: actorOf(call), subjects: [`credential:${id}`] })
    })
    return { body: shown(await credentialOf(ctx.db, call)) }
  },

  'POST /credentials/:id/unlock': async (ctx, call) => {
    const row = await credentialOf(ctx.db, call)
    const { id, keyId } = row
    if (keyId === null) throw new Refusal('conflict', `The credential is ${row.state}.`)
    await ctx.db.transaction(async (tx) => {
      await unlockKey(tx, keyId)
      const subjects = [`credential:${id}`, `key:${keyId}`]
      await recordAct(tx, { act: 'credential.unlock', actor: actorOf(call), subjects })
    })
    return { body: { ...shown(row), locked: false } }
  },

  'POST /credentials/:id/send-codes': async (ctx, call) => {
    const row = await credentialOf(ctx.db, call)
    if (row.state === 'ended') throw new Refusal('conflict', 'The credential is ended.')
    if (ctx.sender === undefined) throw new Refusal('conflict', 'No sender is configured.')
    await askForSentCodes(ctx, row, actorOf(call))
    return { body: shown(await credentialOf(ctx.db, call)) }
  },

  'POST /credentials/:id/reset-second-factor': async (ctx, call) => {
    const row = await credentialOf(ctx.db, call)
    if (row.state === 'ended') throw new Refusal('conflict', 'The credential is ended.')
    if (row.secondFactor !== null) await resetSecondFactor(ctx, row, actorOf(call))
    return { body: shown(await credentialOf(ctx.db, call)) }
  },
}

function createSchema(ctx: Context) {
  const { maxSignatures } = ctx.config.csc
  return z.strictObject({
    personId: z.string().refine(isUuid, 'not the id of a person'),
    clientId: z.string().min(1).max(64),
    keyType: keyTypeSchema(ctx.config.profile, Object.keys(keyTypes) as KeyType[]).default('P-256'),
    scal: z.union([z.literal(1), z.literal(2)]).default(2),
    mode: z.enum(['explicit', 'oauth2code', 'oob']).default('explicit'),
    multisign: z.int().min(1).max(maxSignatures).default(maxSignatures),
    description: z.string().max(255).default(''),
  })
}

async function credentialOf(q: Queries, call: Call): Promise<CredentialRow> {
  return found(await findCredential(q, { id: call.params['id'] ?? '' }), 'credential')
}

export function linkBody({ credentialId, link, expiresAt }: EnrolmentLink): Record<string, unknown> {
  return { id: credentialId, enrolment: { link, expiresAt } }
}

function shown(row: CredentialRow): Record<string, unknown> {
  const { id, personId, clientId, keyType, scal, mode, multisign, description, state, createdAt, keyId } = row
  const factor = secondFactorOf(row)
  const described = {
    ...{ id, personId, clientId, keyType, scal, mode, multisign, description, state, createdAt },
    ...(factor === undefined ? {} : { secondFactor: factor.kind }),
  }
  if (keyId === null) return described
  const { certificateState, notBefore, notAfter, certificate } = row
  const serial = certificate === null ? null : new X509Certificate(certificate).serialNumber
  return {
    ...described,
    keyId,
    keyState: row.keyState,
    certificate: { serial, state: certificateState, notBefore, notAfter },
  }
}
