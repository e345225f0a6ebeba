/** What goes in and out of Token. */
import type { KeyType, SchemeName } from './algorithms.ts'
import type { Logins } from './logins.ts'
import type { Purpose } from './purposes.ts'
import type { ActivationRecord, AuthorisationRecord, CredentialRecord, KeyRecord, Sealed } from './records.ts'

/** A module, and what it is given. */
export interface ModuleConfigShape {
  readonly module: string
  readonly provider: string
  readonly environment: Readonly<Record<string, string>>
  readonly libraryParameters?: string | undefined
}

/** What Token needs to know of a configured token; config/tokens.ts documents the fields. */
export interface TokenConfigShape extends ModuleConfigShape {
  readonly name: string
  readonly label: string
  readonly serial?: string | undefined
  readonly pin: { readonly file: string; readonly version: number; readonly allowFinalTry: boolean }
  readonly signers: number
  readonly concurrency?: number | undefined
  readonly purposes?: readonly Purpose[] | undefined
  readonly seals?: string | undefined
  readonly verifier?: ModuleConfigShape | undefined
}

/**
 * Decides, across processes, replicas and restarts, whether a PIN may be tried. Called before and after every C_Login,
 * one login at a time.
 */
export interface LoginGate {
  /** Resolves when this login may be tried; rejects with a clear sentence if it never may. */
  begin(login: { serial: string; version: number; pinCountLow: boolean }): Promise<void>
  /**
   * The token's verdict on the PIN; undefined: the PIN was never tried. Not called where nobody knows: the signer died
   * while it tried, or the token failed.
   */
  end(login: { serial: string; version: number; accepted: boolean | undefined }): Promise<void>
}

export interface TokenLog {
  info(object: object, message: string): void
  warn(object: object, message: string): void
  error(object: object, message: string): void
}

export interface TokenOptions {
  readonly config: TokenConfigShape
  readonly loginGate: LoginGate
  readonly log: TokenLog
  /** Make the service secrets and the canary key if the token has none. */
  readonly prepare: boolean | Preparing
  /** The token that has the secrets, open already, where `config.seals` names one. */
  readonly seals?: { readonly config: TokenConfigShape; readonly serial: string } | undefined
  /** Shared by all tokens of a process: a token that seals for others is logged in to by their signers, too. */
  readonly logins?: Logins | undefined
}

/**
 * Decides whether the token with this serial may be prepared, and opens it accordingly. Around it, because only one
 * process at a time may prepare.
 */
export type Preparing = (
  token: { readonly name: string; readonly serial: string },
  open: (mayPrepare: boolean) => Promise<void>,
) => Promise<void>

export interface GenerateRequest {
  readonly keyId: string
  /** Random, as many octets as the provider allows; refused if the token has it already. */
  readonly ckaId: Buffer
  readonly keyType: KeyType
  readonly purpose: Purpose
  /** Given exactly if the purpose is an activated one. */
  readonly activation?:
    | {
        readonly salt: Buffer
        readonly memoryKiB: number
        readonly passes: number
        readonly lanes: number
        readonly secrets: number
        /** Argon2id over the secrets with the parameters above, 32 octets. */
        readonly stretched: Buffer
      }
    | undefined
}

export interface Generated {
  readonly key: Sealed<KeyRecord>
  readonly activation?: Sealed<ActivationRecord>
  /** As read back from the token. */
  readonly attributes: KeyAttributes
}

/** What the token says of a private or secret key. `undefined`: the token does not tell. */
export interface KeyAttributes {
  readonly class: 'private' | 'secret'
  readonly ckaId: Buffer
  readonly label: string
  /** Absent if no row of the table fits. */
  readonly keyType: KeyType | undefined
  /** SubjectPublicKeyInfo, DER, from the public half. */
  readonly spki: Buffer | undefined
  readonly flags: Readonly<Record<KeyFlag, boolean | undefined>>
  /** CKA_ALLOWED_MECHANISMS. */
  readonly allowedMechanisms: readonly number[] | undefined
}

export const keyFlags = [
  'token',
  'private',
  'sensitive',
  'extractable',
  'alwaysSensitive',
  'neverExtractable',
  'local',
  'modifiable',
  'sign',
  'signRecover',
  'decrypt',
  'unwrap',
  'derive',
  'alwaysAuthenticate',
] as const
export type KeyFlag = (typeof keyFlags)[number]

export interface ActivateRequest {
  readonly key: Sealed<KeyRecord>
  readonly activation: Sealed<ActivationRecord>
  readonly credential?: Sealed<CredentialRecord> | undefined
  /** Argon2id over the given secrets with the activation's parameters. */
  readonly stretched: Buffer
  readonly authorisation: AuthorisationRecord
}

export interface ExtendRequest {
  readonly key: Sealed<KeyRecord>
  /** What is extended. */
  readonly authorisation: Sealed<AuthorisationRecord>
  readonly credential?: Sealed<CredentialRecord> | undefined
  /** What it is extended to: nothing that the other one does not allow, but for a later expiry. */
  readonly extended: AuthorisationRecord
}

export interface SignRequest {
  /** Whose turn it is in the queue: the client's id, or a name for the service's own work. */
  readonly flow: string
  readonly key: Sealed<KeyRecord>
  readonly scheme: SchemeName
  /** Digests; whole messages for Ed25519 and for keys whose purpose says 'message'. */
  readonly inputs: readonly Buffer[]
  readonly authorisation?: Sealed<AuthorisationRecord> | undefined
  readonly credential?: Sealed<CredentialRecord> | undefined
}

/** Sealed rows: a key's, and those behind a signature that a holder activated. */
export interface SealedRecords {
  readonly key: Sealed<KeyRecord>
  readonly authorisation?: Sealed<AuthorisationRecord> | undefined
  readonly credential?: Sealed<CredentialRecord> | undefined
}

/** The module and the token behind it, as the signers found them. */
export interface TokenInfo {
  readonly serial: string
  readonly label: string
  readonly manufacturer: string
  readonly model: string
  readonly firmware: string
  readonly modulePath: string
  readonly moduleSha256: string
  readonly libraryVersion: string
  readonly libraryDescription: string
}

export interface Health {
  /** A canary signature on at least one signer is no older than 60 s. */
  readonly up: boolean
  /** Milliseconds since 1970. */
  readonly lastCanaryAt: number | undefined
  readonly signers: number
}

/** What a token says of its user PIN (CKF_USER_PIN_…): whether logins have failed since the last good one. */
export interface PinFlags {
  readonly countLow: boolean
  readonly finalTry: boolean
  readonly locked: boolean
}

/** How a token fares, for its operator. Counts are of this process, since it opened the token. */
export interface TokenMetrics {
  /** As configured. */
  readonly name: string
  readonly serial: string
  readonly up: boolean
  /** Milliseconds since 1970. */
  readonly lastCanaryAt: number | undefined
  /** Signer processes: as configured, and those that take work. */
  readonly signers: number
  readonly ready: number
  /** Starts of signers in place of ones that ended, whether they came to anything or not. */
  readonly restarts: number
  /** Inputs that wait for a signer, and that signers have. */
  readonly queued: number
  readonly inFlight: number
  /** As the signer that was started last found them, before it logged in. */
  readonly pin: PinFlags
}

/** What a token can do. */
export interface Probe {
  readonly info: TokenInfo
  /** As advertised by the token. */
  readonly mechanisms: readonly MechanismInfo[]
  /** As found by generating a session key, signing and verifying. */
  readonly schemes: readonly ProbedScheme[]
}

export interface MechanismInfo {
  readonly mechanism: number
  readonly minBits: number
  readonly maxBits: number
  readonly flags: number
}

export interface ProbedScheme {
  readonly keyType: KeyType
  readonly scheme: SchemeName
  readonly works: boolean
  /** Why not; empty where it works. */
  readonly reason: string
}
