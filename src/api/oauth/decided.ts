import type { AuthorizationError } from './authorizationError.ts'
import type { CodePayload } from './codes.ts'
import type { AuthorizationRequest } from './request.ts'
import type { Mistake } from './strings.ts'

/** What became of what the holder typed. */
export type Outcome =
  | { readonly kind: 'code'; readonly code: string }
  /** The client is told, and the consent ends. */
  | { readonly kind: 'refuse'; readonly error: AuthorizationError }
  | AskedAgain
  /** The consent had ended. */
  | { readonly kind: 'gone' }

/** The holder is told, and may try again. */
export interface AskedAgain {
  readonly kind: 'ask again'
  readonly mistake: Mistake
  readonly status: number
  readonly refusal: string
}

export interface Typed {
  readonly pin: string
  /** Where no credential is named by the request. */
  readonly credentialId: string
  /** Absent: the field was left empty, or was not there. */
  readonly otp?: string | undefined
  /** Of a credential that is to be created; twice. */
  readonly newPin: string
  readonly again: string
}

export interface Answer {
  readonly consent: { readonly id: string; readonly clientId: string }
  readonly asked: AuthorizationRequest
  readonly typed: Typed
}

/** What the holder approved. */
export interface Decided {
  /** What the code is for. */
  readonly granted: Pick<CodePayload, 'login' | 'approved' | 'created' | 'deleting'>
  /** Where no code came of it, because the consent had ended. */
  readonly undo?: () => Promise<void>
}

/** What is no attempt yet. */
export function slip(mistake: Mistake, refusal = 'invalid_request'): AskedAgain {
  return { kind: 'ask again', mistake, status: 400, refusal }
}
