import type { Context } from '../context.ts'
import { Refusal } from '../refusal.ts'
import { isObject, type JsonObject } from '../signing/strictJson.ts'
import { credentialProblems, refuseProblems } from './dataModel.ts'
import type { IssueRequest, Secured } from './formats/format.ts'
import { formats } from './formats/index.ts'
import { isClaims } from './formats/making.ts'
import { issuerKey, type IssuerKey } from './issuers.ts'
import { allocateEntry } from './status/allocate.ts'
import { bitstringEntries, tokenStatusClaim } from './status/documents.ts'

export const statusPurposes = ['revocation', 'suspension'] as const
export type StatusPurpose = (typeof statusPurposes)[number]

export interface CredentialOrder extends Pick<
  IssueRequest,
  'credential' | 'cryptosuite' | 'mandatoryPointers' | 'selective' | 'holder'
> {
  readonly clientId: string
  readonly format: keyof typeof formats
  /** By which its status is changed; without, the credential's own id. */
  readonly credentialId?: string | undefined
  /** What may become of it. Empty: nothing, and it names no list. */
  readonly status: readonly StatusPurpose[]
}

/**
 * Issues a credential of a client, by a key of its issuer that the credential names.
 * @throws Refusal invalid_request: it names an issuer that is none of the client's, or none where there are several; what its
 * data model or its format says is wrong
 */
export async function issueCredential(ctx: Context, order: CredentialOrder): Promise<Secured> {
  const { clientId, credential, format } = order
  const row = formats[format]
  if (row === undefined) throw new Refusal('invalid_request', `${format}: no such format`)
  const areClaims = isClaims(format, credential)
  if (!areClaims) refuseProblems(credentialProblems(withAnyIssuer(credential)))
  const key = await keyOf(ctx, clientId, credential)
  const withIssuer =
    issuerOf(credential) === undefined
      ? { ...credential, [areClaims ? 'iss' : 'issuer']: key.controller }
      : credential
  const { cryptosuite, mandatoryPointers, selective, holder } = order
  const options = { cryptosuite, mandatoryPointers, selective, holder }
  const asked = { key, now: new Date(ctx.clock()), ...options }
  return row.issue({ ...asked, credential: await withStatus(ctx, order, { credential: withIssuer, key }) })
}

async function keyOf(ctx: Context, clientId: string, credential: JsonObject): Promise<IssuerKey> {
  const identifier = issuerOf(credential)
  const by = { clientId, ...(identifier === undefined ? {} : { identifier }) }
  const issuing = { act: 'credential.issue', actor: `client:${clientId}`, subjects: [] }
  return issuerKey(ctx, by, issuing).catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error
    if (error.code === 'conflict')
      throw new Refusal('invalid_request', 'issuer: is missing, and there are several of yours')
    throw error.code === 'not_found'
      ? new Refusal('invalid_request', 'issuer: not an issuer of yours')
      : error
  })
}

/** @throws Refusal for what is neither a name nor an object with one */
function issuerOf({ issuer, iss }: JsonObject): string | undefined {
  const given = isObject(issuer) ? issuer['id'] : issuer === undefined ? iss : issuer
  if (given === undefined && !isObject(issuer)) return undefined
  if (typeof given === 'string') return given
  throw new Refusal('invalid_request', 'issuer: neither a URL nor an object with an id')
}

/** Its issuer may be left to the service; nothing else of what the data model wants. */
const withAnyIssuer = (credential: JsonObject): JsonObject =>
  credential['issuer'] === undefined ? { ...credential, issuer: 'urn:uuid:any' } : credential

/** With its entries, which are taken for good as soon as they are in it. */
async function withStatus(
  ctx: Context,
  { status, credentialId, format }: CredentialOrder,
  { credential, key }: { readonly credential: JsonObject; readonly key: IssuerKey },
): Promise<JsonObject> {
  if (status.length === 0) return credential
  const isToken = isClaims(format, credential)
  const member = isToken ? 'status' : 'credentialStatus'
  if (credential[member] !== undefined)
    throw new Refusal('invalid_request', `${member}: is there already, and the service was asked for it`)
  const { id } = credential
  const own = typeof id === 'string' ? id : undefined
  const { issuerId } = key
  // What relying parties learn of a token by its list, they learn whatever was asked for.
  const purposes = isToken ? undefined : status
  const entry = await allocateEntry(ctx, { issuerId, credentialId: credentialId ?? own, purposes })
  if (isToken) return { ...credential, status: tokenStatusClaim(ctx.config.baseUrl, entry) }
  const entries = bitstringEntries(ctx.config.baseUrl, entry).filter(({ statusPurpose }) =>
    status.some((purpose) => purpose === statusPurpose),
  )
  return { ...credential, credentialStatus: entries.length === 1 ? entries[0] : entries }
}
