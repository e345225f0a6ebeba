import type { CredentialRow } from '../../db/credentials.ts'
import type { CreationRequest } from '../http/creationRequest.ts'
import type { Approval } from './approval.ts'
import type { DetailType, Scope } from './scopes.ts'

/** What a request asks its holder for. */
export interface Wish {
  readonly scope: Scope
  /** The credential that it names, and whose PIN approves it; absent: the holder names one, by logging in with it. */
  readonly credential?: CredentialRow
  /** Of the scope credential: what is to be signed. */
  readonly approval?: Approval
  /** Of the scope credential-creation: what the client wants it to be. */
  readonly creation?: CreationRequest
  /** Present where the request had authorization_details, and of what type: its answer has them, too. */
  readonly detailType?: DetailType
}
