import { randomUUID, timingSafeEqual } from 'node:crypto'
import { raise } from '../alarms.ts'
import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { isLocked } from '../db/attempts.ts'
import { insertAudit } from '../db/audit.ts'
import { findClient } from '../db/clients.ts'
import { findCredential, type CredentialRow } from '../db/credentials.ts'
import { findPerson } from '../db/persons.ts'
import { insertSentCode, voidSentCode } from '../db/sentCodes.ts'
import { Refusal } from '../refusal.ts'
import type { Wording } from '../sender.ts'
import { contactMark, sentCodeDigits } from './derived.ts'
import { inTurn } from './inTurn.ts'
import { checkUsable } from './permit.ts'
import { SEND_LIMITS, secondFactorOf, type SecondFactor } from './secondFactor.ts'
import { senderOf, tellHolder } from './tellHolder.ts'

export interface CodeRequest {
  readonly clientId: string
  readonly credentialId: string
  /** The message, in the holder's language. */
  readonly wording: Wording<{ readonly digits: string; readonly client: string; readonly minutes: number }>
}

/**
 * Sends a holder a code. It is counted before it is sent: if we die in between, a code that nobody was told counts as sent.
 * @throws Refusal credential_unknown (also where no codes are sent for it), credential_disabled, certificate_expired,
 * certificate_revoked, credential_locked, throttled, unavailable
 */
export async function sendCode(ctx: Context, request: CodeRequest): Promise<void> {
  const { clientId, credentialId } = request
  const credential = await findCredential(ctx.db, { id: credentialId, clientId })
  const factor = credential && secondFactorOf(credential)
  if (!credential?.keyId || factor?.kind !== 'sent') {
    throw new Refusal('credential_unknown', 'Invalid parameter credentialID')
  }
  checkUsable(credential)
  if (await isLocked(ctx.db, { keyId: credential.keyId, clientId })) {
    throw new Refusal('credential_locked', 'Credential locked')
  }
  // Before it is counted.
  senderOf(ctx)
  const to = await contactOf(ctx, credential, factor)
  const code = { id: randomUUID(), credentialId, clientId, personId: credential.personId }
  const expiresAt = await noted(ctx, code)
  const client = (await findClient(ctx.db, clientId))?.name ?? ''
  const digits = await sentCodeDigits(ctx, { ...code, expiresAt })
  const { language } = request.wording
  const text = request.wording.text({ digits, client, minutes: SEND_LIMITS.seconds / 60 })
  const message = { id: code.id, kind: 'code', to, text, language } as const
  await tellHolder(ctx, message, {
    says: 'The code cannot be sent at the moment',
    undo: () => voidSentCode(ctx.db, code.id),
  })
}

type SentTo = Extract<SecondFactor, { kind: 'sent' }>

/** The contact that the credential was sealed with. */
async function contactOf(ctx: Context, credential: CredentialRow, factor: SentTo): Promise<string> {
  const contact = (await findPerson(ctx.db, credential.personId))?.contact ?? ''
  const mark = await contactMark(ctx, { credentialId: credential.id, contact })
  if (contact !== '' && timingSafeEqual(Buffer.from(mark), Buffer.from(factor.contactMark))) return contact
  const says = 'a contact is not the one that codes are to be sent to; nothing was sent'
  raise(ctx.log, 'seal_broken', { says, credential: credential.id })
  throw new Error(says)
}

async function noted(
  ctx: Context,
  code: { readonly id: string; readonly credentialId: string; clientId: string; personId: string },
): Promise<number> {
  const { id, credentialId, clientId, personId } = code
  const act = auditEntry({
    kind: 'act',
    act: 'code.send',
    actor: `client:${clientId}`,
    subjects: [`credential:${credentialId}`, `person:${personId}`, `code:${id}`],
  })
  // In turn, so that who asks a thousand times waits here, and not with a connection each.
  const made = await inTurn(`send ${clientId}`, () =>
    ctx.db.transaction(async (tx) => {
      const inserted = await insertSentCode(tx, code, SEND_LIMITS)
      if ('expiresAt' in inserted) await insertAudit(tx, [act])
      return inserted
    }),
  )
  if ('expiresAt' in made) return made.expiresAt
  const { retryAfter } = made
  throw new Refusal('throttled', 'Too many codes were sent', { retryAfter })
}
