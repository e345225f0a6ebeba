import { z } from 'zod'
import { PLAIN_TEXT } from '../http/plainText.ts'
import { invalidRequest } from './authorizationError.ts'
import { locations, oneDetail, optional } from './details.ts'
import type { Parameters } from './parameters.ts'

/** The types of authorization_details for signing; the first is what older wallets write. */
export const signingTypes = ['credential', 'https://cloudsignatureconsortium.org/2025/credential'] as const

/** What a client asks a holder to approve, decoded and not compared with any credential yet. */
export interface Asked {
  readonly credentialId: string
  readonly count: number
  /** Absent: under SCAL 1 the documents need not be known. */
  readonly documents?: readonly Document[]
  readonly hashAlgorithmOID?: string
  /** Present where the request had authorization_details: its answer has them, too. */
  readonly type?: (typeof signingTypes)[number]
}

export interface Document {
  /** A digest; for Ed25519, the message itself. */
  readonly digest: Buffer
  readonly label?: string
}

/** Ids that were never made here are refused without asking the database. */
export const CREDENTIAL_ID = /^[A-Za-z0-9_-]{1,100}$/
const LABEL_MAX = 255
const INVALID_LABEL = { error: 'Invalid parameter label' }
const INVALID_COUNT = 'Invalid value for parameter numSignatures'
const MISSING_COUNT = 'Missing (or invalid type) integer parameter numSignatures'
export const MISSING_ID = 'Missing (or invalid type) string parameter credentialID'

const detail = z.strictObject({
  type: z.enum(signingTypes, { error: 'Invalid parameter type' }),
  credentialID: z.string({ error: MISSING_ID }),
  numSignatures: z.int({ error: MISSING_COUNT }),
  documentDigests: optional(
    z
      .array(
        z.strictObject({
          hash: z.string({ error: 'Missing (or invalid type) string parameter hash' }),
          label: optional(
            z.string(INVALID_LABEL).max(LABEL_MAX, INVALID_LABEL).regex(PLAIN_TEXT, INVALID_LABEL),
          ),
          // What is approved here is what will be signed. Hashes of documents are hashes of something else.
          hashType: optional(z.string().regex(/^dtbsr$/i, { error: 'Invalid parameter hashType' })),
        }),
        { error: 'Invalid parameter documentDigests' },
      )
      .min(1, { error: 'Empty hash array' }),
  ),
  hashAlgorithmOID: optional(
    z.string({ error: 'Missing (or invalid type) string parameter hashAlgorithmOID' }),
  ),
  locations,
})

/** @throws AuthorizationError */
export function asked(parameters: Parameters): Asked {
  const { authorization_details: details } = parameters
  const one = details === undefined ? fromParameters(parameters) : fromDetails(details, parameters)
  const { credentialId, count, documents } = one
  if (!CREDENTIAL_ID.test(credentialId)) throw invalidRequest('Invalid parameter credentialID')
  if (count < 1 || (documents !== undefined && documents.length > count)) throw invalidRequest(INVALID_COUNT)
  return one
}

/** CSC API v2.2, 8.2.2. */
function fromParameters(parameters: Parameters): Asked {
  const { credentialID, numSignatures, hashes, hashAlgorithmOID } = parameters
  // No credential here is found by a qualifier.
  if (parameters.signatureQualifier !== undefined)
    throw invalidRequest('Invalid parameter signatureQualifier')
  if (credentialID === undefined) throw invalidRequest(MISSING_ID)
  const documents = hashes?.split(',').map((hash) => ({ digest: decoded(hash) }))
  return {
    credentialId: credentialID,
    count: countOf(numSignatures) ?? documents?.length ?? missingCount(),
    ...(documents === undefined ? {} : { documents }),
    ...(hashAlgorithmOID === undefined ? {} : { hashAlgorithmOID }),
  }
}

function countOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^-?[0-9]{1,9}$/.test(text)) throw invalidRequest(MISSING_COUNT)
  return Number(text)
}

function missingCount(): never {
  throw invalidRequest(MISSING_COUNT)
}

/** RFC 9396, 2; CSC API v2.2, 8.2.2. One credential is opened at a time. */
function fromDetails(text: string, parameters: Parameters): Asked {
  const one = oneDetail(detail, text, parameters)
  const documents = one.documentDigests?.map(({ hash, label }) => ({
    digest: decoded(hash),
    ...(label === undefined ? {} : { label }),
  }))
  return {
    type: one.type,
    credentialId: one.credentialID,
    count: one.numSignatures,
    ...(documents === undefined ? {} : { documents }),
    ...(one.hashAlgorithmOID === undefined ? {} : { hashAlgorithmOID: one.hashAlgorithmOID }),
  }
}

/**
 * Either alphabet of base64, padded or not: libraries in the field write both. A plus sign that came unescaped in a query
 * is read as a space there.
 */
function decoded(text: string): Buffer {
  const url = text
    .replaceAll(/[ +]/g, '-')
    .replaceAll('/', '_')
    .replace(/={1,2}$/, '')
  const octets = Buffer.from(url, 'base64url')
  if (url === '' || octets.toString('base64url') !== url) {
    throw invalidRequest('Invalid Base64 hash string parameter')
  }
  return octets
}
