import { createHash } from 'node:crypto'
import type { KeyType } from '../../hsm/algorithms.ts'
import type { Purpose } from '../../hsm/purposes.ts'
import type { ActivationRecord, CredentialRecord, KeyRecord, Sealed } from '../../hsm/records.ts'
import type { Queries } from './database.ts'
import type { KeyState } from './keys.ts'

export type CredentialState = 'pending' | 'enabled' | 'disabled' | 'ended'
export type CertificateState = 'planned' | 'issued' | 'suspended' | 'revoked' | 'void'

/** What decides whether a credential may sign now. */
export interface Usability {
  readonly state: CredentialState
  readonly keyState: KeyState | null
  readonly certificateState: CertificateState | null
  /** Or not valid yet; by the database's clock. */
  readonly certificateExpired: boolean | null
}

/** A CSC credential with its key and its certificate, where it has them (a pending one has neither). */
export interface CredentialRow extends Usability {
  readonly id: string
  readonly personId: string
  readonly clientId: string
  readonly keyType: KeyType
  readonly scal: 1 | 2
  /**
   * How its holder authorises: by a PIN that the client passes on; on the page of this service, to which the client sends
   * the browser; or there, out of band, while the client waits.
   */
  readonly mode: CredentialRecord['mode']
  readonly multisign: number
  /** What its holder gives besides the PIN; null: nothing. src/signing/secondFactor.ts reads it. */
  readonly secondFactor: string | null
  readonly description: string
  readonly createdAt: Date
  readonly credentialSeal: Buffer | null
  readonly keyId: string | null
  readonly purpose: Purpose | null
  readonly tokenSerial: string | null
  readonly ckaId: Buffer | null
  readonly keyTypeOfKey: KeyType | null
  readonly spki: Buffer | null
  readonly keySeal: Buffer | null
  readonly certificateId: string | null
  readonly certificate: Buffer | null
  readonly notBefore: Date | null
  readonly notAfter: Date | null
}

export const CREDENTIAL_COLUMNS = `c.id, c.person_id as "personId", c.client_id as "clientId", c.key_type as "keyType",
  c.scal, c.mode, c.multisign, c.second_factor as "secondFactor", c.description, c.state, c.created_at as "createdAt", c.seal as "credentialSeal",
  k.id as "keyId", k.state as "keyState", k.purpose, k.token_serial as "tokenSerial", k.cka_id as "ckaId",
  k.key_type as "keyTypeOfKey", k.spki, k.seal as "keySeal",
  ce.id as "certificateId", ce.der as certificate, ce.state as "certificateState", ce.not_before as "notBefore",
  ce.not_after as "notAfter", ce.not_after <= now() or ce.not_before > now() as "certificateExpired"`

export const CREDENTIAL_JOINS = `left join key k on k.id = c.key_id left join certificate ce on ce.id = c.certificate_id`

export type NewCredential = Pick<
  CredentialRow,
  'id' | 'personId' | 'clientId' | 'keyType' | 'scal' | 'mode' | 'multisign' | 'description'
>

/** A credential without a key: its holder makes the key by setting the PIN. */
export async function createCredential(q: Queries, made: NewCredential): Promise<void> {
  await q.query({
    text: `insert into credential (id, person_id, client_id, key_type, scal, mode, multisign, description, state)
           values ($1::text, $2::uuid, $3::text, $4::text, $5::int, $6::text, $7::int, $8::text, 'pending')`,
    values: [
      made.id,
      made.personId,
      made.clientId,
      made.keyType,
      made.scal,
      made.mode,
      made.multisign,
      made.description,
    ],
  })
}

/** Key, certificate and seal, all at once; only a pending credential takes them. */
export async function enableCredential(
  q: Queries,
  made: {
    readonly id: string
    readonly keyId: string
    readonly certificateId: string
    readonly multisign: number
    readonly seal: Buffer
  },
): Promise<void> {
  const rows = await q.query({
    text: `update credential set key_id = $2::uuid, certificate_id = $3::uuid, multisign = $4::int, seal = $5::bytea,
                  state = 'enabled'
            where id = $1::text and state = 'pending' returning id`,
    values: [made.id, made.keyId, made.certificateId, made.multisign, made.seal],
  })
  if (rows.length !== 1) throw new Error('the credential is not pending any more')
}

/** @param query.clientId absent: for operators and jobs. A client sees its own credentials and no other. */
export async function findCredential(
  q: Queries,
  query: { readonly id: string; readonly clientId?: string },
): Promise<CredentialRow | undefined> {
  const rows = await q.query<CredentialRow>({
    name: 'credential-find',
    text: `select ${CREDENTIAL_COLUMNS} from credential c ${CREDENTIAL_JOINS}
            where c.id = $1::text and ($2::text is null or c.client_id = $2::text)`,
    values: [query.id, query.clientId ?? null],
  })
  return rows[0]
}

export interface CredentialQuery {
  readonly limit: number
  readonly clientId?: string
  readonly personId?: string
  /** Only what can sign now. */
  readonly onlyValid?: boolean
  /** Only what has a certificate: what the CSC API shows. */
  readonly enrolled?: boolean
  /** The id of the last credential of the page before. */
  readonly after?: string
}

/** In order of id. */
export async function listCredentials(q: Queries, query: CredentialQuery): Promise<CredentialRow[]> {
  return q.query<CredentialRow>({
    name: 'credential-list',
    text: `select ${CREDENTIAL_COLUMNS} from credential c ${CREDENTIAL_JOINS}
            where ($2::text is null or c.client_id = $2::text)
              and ($3::uuid is null or c.person_id = $3::uuid)
              and (not $4::boolean or (c.state = 'enabled' and k.state = 'enabled' and ce.state = 'issued'
                                       and ce.not_before <= now() and ce.not_after > now()))
              and (not $5::boolean or (c.state in ('enabled', 'disabled') and ce.der is not null))
              and ($6::text is null or c.id > $6::text)
            order by c.id limit $1::int`,
    values: [
      query.limit,
      query.clientId ?? null,
      query.personId ?? null,
      query.onlyValid ?? false,
      query.enrolled ?? false,
      query.after ?? null,
    ],
  })
}

/** @returns false when the credential is not in a state that allows it: pending and ended ones stay what they are. */
export async function setCredentialState(
  q: Queries,
  id: string,
  state: 'enabled' | 'disabled',
): Promise<boolean> {
  const rows = await q.query({
    text: `update credential set state = $2::text where id = $1::text and state in ('enabled', 'disabled')
           returning id`,
    values: [id, state],
  })
  return rows.length === 1
}

/**
 * Another second factor, with the seal that goes with it. @param change.before the seal that it had
 * @returns false when it was changed meanwhile
 */
export async function setSecondFactor(
  q: Queries,
  change: {
    readonly id: string
    readonly before: Buffer
    readonly secondFactor: string | null
    readonly seal: Buffer
  },
): Promise<boolean> {
  const rows = await q.query({
    text: `update credential set second_factor = $3::text, seal = $4::bytea
            where id = $1::text and seal = $2::bytea and state in ('enabled', 'disabled') returning 1`,
    values: [change.id, change.before, change.secondFactor, change.seal],
  })
  return rows.length === 1
}

/** What a credential will be sealed with, when its holder sets the PIN. @returns false when it is not pending any more */
export async function setPendingSecondFactor(
  q: Queries,
  id: string,
  secondFactor: string | null,
): Promise<boolean> {
  const rows = await q.query({
    // One whose PIN was given is sealed already, and waits only to be handed over.
    text: `update credential set second_factor = $2::text where id = $1::text and state = 'pending'
              and not exists (select from credential_creation where credential_id = $1::text) returning 1`,
    values: [id, secondFactor],
  })
  return rows.length === 1
}

/** Ends an enrolled credential for good. Of several who end it, one does. @returns what it was made of */
export async function endCredential(
  q: Queries,
  query: { readonly id: string; readonly clientId: string },
): Promise<{ readonly keyId: string; readonly certificateId: string } | undefined> {
  const rows = await q.query<{ keyId: string; certificateId: string }>({
    text: `update credential set state = 'ended'
            where id = $1::text and client_id = $2::text and state in ('enabled', 'disabled')
            returning key_id as "keyId", certificate_id as "certificateId"`,
    values: [query.id, query.clientId],
  })
  return rows[0]
}

/** The activation verifier of a key, as sealed. */
export async function findActivation(
  q: Queries,
  key: KeyRecord,
): Promise<Sealed<ActivationRecord> | undefined> {
  const rows = await q.query<Omit<Sealed<ActivationRecord>, 'keyId' | 'spki'>>({
    name: 'activation-find',
    text: `select salt, memory_kib as "memoryKiB", passes, lanes, secrets, verifier, seal from activation
            where key_id = $1::uuid`,
    values: [key.keyId],
  })
  return rows[0] === undefined ? undefined : { ...rows[0], keyId: key.keyId, spki: key.spki }
}

/** The sealed key record of a credential that has a key. */
export function credentialKey(row: CredentialRow): Sealed<KeyRecord> {
  const { keyId, tokenSerial, ckaId, keyTypeOfKey: keyType, purpose, spki, keySeal: seal } = row
  if (!keyId || !tokenSerial || !ckaId || !keyType || !purpose || !spki || !seal) {
    throw new Error('the credential has no key')
  }
  return { keyId, tokenSerial, ckaId, keyType, purpose, spki, seal }
}

/** The sealed record of an enrolled credential. */
export function credentialRecord(row: CredentialRow): Sealed<CredentialRecord> {
  const { keyId, certificate, credentialSeal } = row
  if (keyId === null || certificate === null || credentialSeal === null)
    throw new Error('the credential is pending')
  return {
    credentialId: row.id,
    keyId,
    personId: row.personId,
    clientId: row.clientId,
    certificate: createHash('sha256').update(certificate).digest(),
    scal: row.scal,
    mode: row.mode,
    multisign: row.multisign,
    secondFactor: row.secondFactor ?? undefined,
    seal: credentialSeal,
  }
}
