import { hash as hashed, randomUUID } from 'node:crypto'
import { schemes, type SchemeName } from '../../hsm/algorithms.ts'
import type { AuthorisationRecord, Sealed } from '../../hsm/records.ts'
import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { forgetFailures } from '../db/attempts.ts'
import { insertAudit } from '../db/audit.ts'
import { holderKeyRecord, type HolderKeyRow } from '../db/holderKeys.ts'
import {
  createKeyAuthorisation,
  findActivationBySad,
  takeKeyAuthorisation,
  type FoundForKey,
} from '../db/keyAuthorisations.ts'
import { Refusal } from '../refusal.ts'
import { newSad, type Authorised } from './activation.ts'
import { believingSads } from './believed.ts'
import { intentOf, refusedBy } from './entries.ts'
import { keyActivation, type Opening } from './keyActivation.ts'
import { bearerHash, noticing, Permit, type Grant } from './permit.ts'
import { step } from './step.ts'

/** How a client shows that it may sign with a key: what its holder gave, or what was made of that before. */
export type Proof =
  | { readonly secrets: readonly string[] }
  /** Bearer value. */
  | { readonly activation: string }

/**
 * A holder's secrets become an activation of the key, for so many signatures.
 * @throws Refusal as KeyActivation.activate
 */
export async function activateKey(
  ctx: Context,
  key: HolderKeyRow,
  asked: { readonly secrets: readonly string[]; readonly count: number },
): Promise<Authorised> {
  const sad = newSad()
  const opening = { ...openingOf(key), ...asked }
  await keyActivation(key.activation).activate(ctx, opening, (authorisation) => {
    const audit = authoriseAudit(authorisation, {})
    return createKeyAuthorisation(ctx.db, { authorisation, sadHash: bearerHash(sad), audit })
  })
  return { sad, expiresIn: ctx.config.csc.sadSeconds }
}

/** Whether these are the key's secrets. Attempts count as they do everywhere. @throws Refusal as activateKey */
export async function recogniseSecrets(
  ctx: Context,
  key: HolderKeyRow,
  secrets: readonly string[],
): Promise<void> {
  const opening = { ...openingOf(key), secrets, count: 1 }
  const facts = { act: 'recognise', actor: `client:${key.clientId}`, subjects: [`key:${key.keyId}`] }
  // What is sealed is stored nowhere.
  await keyActivation(key.activation).activate(ctx, opening, (made) =>
    ctx.db.transaction(async (tx) => {
      await insertAudit(tx, [auditEntry({ kind: 'act', ...facts })])
      await forgetFailures(tx, made)
    }),
  )
}

/**
 * A permit to sign one input.
 * @param input a digest; for Ed25519 a message
 * @throws Refusal as activateKey; permit_unknown, permit_expired, digest_not_authorised, credential_disabled
 */
export function permitForKey(
  ctx: Context,
  key: HolderKeyRow,
  by: { readonly proof: Proof; readonly input: Buffer },
): Promise<Permit> {
  const { proof, input } = by
  const askedAt = performance.now()
  return step(ctx, 'authorise', async () => {
    const grant =
      'secrets' in proof
        ? await takenBySecrets(ctx, key, { secrets: proof.secrets, input })
        : grantOf(key, await authorisedBy(ctx, key, proof.activation), input)
    return new Permit({ askedAt, ...grant })
  })
}

/** Activates the key for exactly this input, which is reserved in the same statement. */
async function takenBySecrets(
  ctx: Context,
  key: HolderKeyRow,
  { secrets, input }: { readonly secrets: readonly string[]; readonly input: Buffer },
): Promise<Omit<Grant, 'askedAt'>> {
  const { instanceId } = ctx
  const signature = randomUUID()
  const opening = { ...openingOf(key), secrets, count: 1, digests: [input] }
  const occurrence = recorded(key.scheme, input)
  const authorisation = await keyActivation(key.activation).activate(ctx, opening, async (made) => {
    const act = authoriseAudit(made, { digests: [occurrence.toString('hex')] })
    const audit = [act, intentOf(grantOf(key, made, input), signature, [occurrence])]
    const taking = { authorisation: made, occurrence, signature, instanceId, audit }
    const verdict = await takeKeyAuthorisation(ctx.db, taking)
    if (verdict !== 'reserved') throw refusedBy(verdict)
  })
  return { reserved: signature, ...grantOf(key, authorisation, input) }
}

const findBelieved = believingSads(findActivationBySad, (found) => refusalOf(found) === undefined)

/** These are the refusals that cost nothing; the reservation asks again, by the database's clock. */
async function authorisedBy(
  ctx: Context,
  key: HolderKeyRow,
  activation: string,
): Promise<Sealed<AuthorisationRecord>> {
  const asked = { sadHash: bearerHash(activation), signatures: 1 }
  const found = await findBelieved(ctx, asked)
  if (found === undefined) throw unknownActivation()
  await noticing(ctx, found, () => {
    const { keyId, clientId } = found.authorisation
    if (keyId !== key.keyId || clientId !== key.clientId) throw unknownActivation()
    const refusal = refusalOf(found)
    if (refusal !== undefined) throw refusal
  })
  return found.authorisation
}

const unknownActivation = (): Refusal => new Refusal('permit_unknown', 'The activation is unknown.')

function refusalOf({ expired, state, keyState }: FoundForKey): Refusal | undefined {
  if (expired) return new Refusal('permit_expired', 'The activation has expired.')
  if (state === 'enabled' && keyState === 'enabled') return undefined
  return new Refusal('credential_disabled', 'The key is not enabled.')
}

function openingOf(row: HolderKeyRow): Pick<Opening, 'clientId' | 'key' | 'hash'> {
  const { clientId, scheme } = row
  return { clientId, key: holderKeyRecord(row), hash: schemes[scheme].hash?.name }
}

function grantOf(
  row: HolderKeyRow,
  authorisation: Sealed<AuthorisationRecord>,
  input: Buffer,
): Omit<Grant, 'askedAt'> {
  const { clientId, keyId, scheme } = row
  return {
    key: holderKeyRecord(row),
    scheme,
    inputs: [input],
    recorded: [recorded(scheme, input)],
    act: 'sign',
    actor: `client:${clientId}`,
    subjects: [`key:${keyId}`, `authorisation:${authorisation.authorisationId}`],
    flow: clientId,
    activated: { authorisation },
  }
}

/** A message is somebody's credential, of any length: Postgres is given its SHA-256 in its place. */
function recorded(scheme: SchemeName, input: Buffer): Buffer {
  return schemes[scheme].hash === undefined ? hashed('sha256', input, 'buffer') : input
}

function authoriseAudit(
  { clientId, keyId, authorisationId, count, hash }: AuthorisationRecord,
  more: { readonly digests?: readonly string[] },
) {
  return auditEntry({
    kind: 'act',
    act: 'authorise',
    actor: `client:${clientId}`,
    subjects: [`key:${keyId}`, `authorisation:${authorisationId}`],
    detail: { count, ...(hash === undefined ? {} : { hash }), ...more },
  })
}
