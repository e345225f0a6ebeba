/** What the tests of the token layer share: an open token, keys, and authorisations as a service would make them. */
import {
  constants,
  createHash,
  createPublicKey,
  randomBytes,
  randomUUID,
  verify,
  type KeyObject,
} from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { schemes, type HashName, type KeyType, type SchemeName } from '../../hsm/algorithms.ts'
import { serviceSecrets, type Purpose } from '../../hsm/purposes.ts'
import {
  canonicalCredential,
  canonicalKey,
  type ActivationRecord,
  type AuthorisationRecord,
  type CredentialRecord,
  type KeyRecord,
  type Sealed,
} from '../../hsm/records.ts'
import { Token, TokenError } from '../../hsm/token.ts'
import { MemoryLog } from '../softhsm-test-helpers/memoryLog.ts'
import { MemoryLoginGate } from '../softhsm-test-helpers/loginGate.ts'
import { makeSoftToken, type SoftToken } from '../softhsm-test-helpers/softhsm.ts'

export interface OpenToken {
  readonly soft: SoftToken
  readonly token: Token
  readonly gate: MemoryLoginGate
  readonly log: MemoryLog
  readonly close: () => Promise<void>
}

/** @param options.soft a token that was made already. */
export async function openToken(options: { signers?: number; soft?: SoftToken } = {}): Promise<OpenToken> {
  const { soft = makeSoftToken(options) } = options
  const gate = new MemoryLoginGate()
  const log = new MemoryLog()
  const token = await Token.open({ config: soft.config, loginGate: gate, log, prepare: true })
  const close = async (): Promise<void> => {
    leftOpen.delete(close)
    await token.close()
    soft.remove()
  }
  leftOpen.add(close)
  return { soft, token, gate, log, close }
}

const leftOpen = new Set<() => Promise<void>>()

/** Closes what a failed test left open: its signers would keep the run from ending. */
export async function closeLeftOpen(): Promise<void> {
  for (const close of leftOpen) await close()
}

export interface PersonKey {
  readonly key: Sealed<KeyRecord>
  readonly activation: Sealed<ActivationRecord>
  /** What Argon2id would make of the holder's secret. */
  readonly stretched: Buffer
}

/** A key that its holder activates. */
export async function personKey(
  token: Token,
  r: { keyType: KeyType; purpose?: Purpose; keyId?: string },
): Promise<PersonKey> {
  const stretched = randomBytes(32)
  const { keyType, purpose = 'signing', keyId = randomUUID() } = r
  const parameters = { salt: randomBytes(16), memoryKiB: 65_536, passes: 3, lanes: 1, secrets: 1, stretched }
  const made = await token.generate({
    keyId,
    ckaId: randomBytes(16),
    keyType,
    purpose,
    activation: parameters,
  })
  if (made.activation === undefined) throw new Error('no activation')
  return { key: made.key, activation: made.activation, stretched }
}

export async function serviceKey(
  token: Token,
  r: { keyType: KeyType; purpose?: Purpose },
): Promise<Sealed<KeyRecord>> {
  const { keyType, purpose = 'log' } = r
  return (await token.generate({ keyId: randomUUID(), ckaId: randomBytes(16), keyType, purpose })).key
}

export function authorisation(
  key: KeyRecord,
  r: Partial<AuthorisationRecord> & { digests: readonly Buffer[] | undefined },
): AuthorisationRecord {
  return {
    authorisationId: randomUUID(),
    keyId: key.keyId,
    credentialId: '',
    clientId: 'client-1',
    hash: key.keyType === 'Ed25519' ? undefined : 'SHA-256',
    count: r.digests?.length ?? 1,
    expiresAt: Date.now() + 60_000,
    ...r,
  }
}

/** Activates with the right secret. */
export async function authorise(
  token: Token,
  person: PersonKey,
  r: Partial<AuthorisationRecord> & {
    digests: readonly Buffer[] | undefined
    credential?: Sealed<CredentialRecord>
  },
): Promise<Sealed<AuthorisationRecord>> {
  const { credential: linked, ...fields } = r
  const record = authorisation(person.key, { ...fields, credentialId: linked?.credentialId ?? '' })
  const seal = await token.activate({ ...person, credential: linked, authorisation: record })
  if (seal === undefined) throw new Error('the secret was wrong')
  return { ...record, seal }
}

export async function credential(
  token: Token,
  key: KeyRecord,
  r: Partial<CredentialRecord> = {},
): Promise<Sealed<CredentialRecord>> {
  const record: CredentialRecord = {
    credentialId: randomUUID(),
    keyId: key.keyId,
    personId: randomUUID(),
    clientId: 'client-1',
    certificate: randomBytes(32),
    scal: 2,
    mode: 'explicit',
    multisign: 10,
    ...r,
  }
  return { ...record, seal: await token.mac('credential', canonicalCredential(record)) }
}

export const digest = (hash: HashName, message: Buffer | string): Buffer =>
  createHash(schemes[`ecdsa-${SHORT[hash]}`].hash?.node ?? 'sha256')
    .update(message)
    .digest()

const SHORT = { 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' } as const

export const publicKey = (spki: Buffer): KeyObject =>
  createPublicKey({ key: spki, format: 'der', type: 'spki' })

/** Node's own judgement of a raw signature over a message. */
export function judge(spki: Buffer, name: SchemeName, it: { message: Buffer; signature: Buffer }): boolean {
  const { hash, padding } = schemes[name]
  const pss =
    padding === 'pss'
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      : {}
  const key = { key: publicKey(spki), dsaEncoding: 'ieee-p1363' as const, ...pss }
  return verify(hash?.node ?? null, it.message, key, it.signature)
}

/** The TokenError that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<TokenError> {
  try {
    await promise
  } catch (error) {
    expect(error).to.be.instanceOf(TokenError)
    return error as TokenError
  }
  throw new Error('it succeeded')
}

/** Kind, reason and message of a refusal, for exact comparison. */
export async function refusal(promise: Promise<unknown>): Promise<[string, string | undefined, string]> {
  const { kind, reason, message } = await failure(promise)
  return [kind, reason, message]
}

/** Waits until something is so, looking often; fails after `limitMs`. */
export async function until(isSo: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error('it did not come about')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** A vector file that others made, or undefined where this checkout has none beside it. */
export function sharedVector(name: string): unknown {
  const folder = new URL('../../../shared/vectors/', import.meta.url)
  if (!existsSync(folder)) return undefined
  return JSON.parse(readFileSync(new URL(name, folder), 'utf8'))
}

/** Process ids of the signers, as the log has them. */
export function pids(log: MemoryLog): number[] {
  return log.lines
    .filter(({ message }) => message === 'a signer is ready')
    .map(({ fields }) => fields['pid'] as number)
}

/** What whoever has the PIN could do: seal a record of his own with the token's seal secret. */
export function forgeSeal(soft: SoftToken, record: KeyRecord): Buffer {
  const data = canonicalKey(record).toString('hex')
  const { mac } = soft.tool({ do: 'hmac', pin: soft.pin, label: serviceSecrets.seal, data })
  return Buffer.from(String(mac), 'hex')
}
