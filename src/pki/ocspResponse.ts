import { createHash } from 'node:crypto'
import { integer, oid, tlv } from '../../hsm/der.ts'
import { schemes, type SchemeName } from '../../hsm/algorithms.ts'
import { TAG } from '../der/tags.ts'
import {
  context,
  derNull,
  enumerated,
  extension,
  generalizedTime,
  octetString,
  primitive,
  sequence,
} from '../der/write.ts'
import { revocationReasons } from '../db/revocations.ts'
import type { CertIdHash } from '../db/ocsp.ts'
import { signatureBits, subjectPublicKey } from './extensions.ts'
import { OID } from './oids.ts'
import { signatureValue } from './tbsCertificate.ts'

/** TABLE of OCSPResponseStatus (RFC 6960, 4.2.1). */
const responseStatuses = {
  successful: 0,
  malformedRequest: 1,
  internalError: 2,
  tryLater: 3,
  unauthorized: 6,
} as const
export type OcspError = Exclude<keyof typeof responseStatuses, 'successful'>

/** What is said of a certificate. */
export type CertStatus =
  | { readonly kind: 'good' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'revoked'; readonly at: Date; readonly reason: string | null }

export interface SingleResponse {
  /** DER. */
  readonly certId: Buffer
  readonly status: CertStatus
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  /** Of a certificate that has expired: since when its status is kept (RFC 6960, 4.4.4). */
  readonly archiveCutoff: Date | undefined
}

export interface ResponseData {
  /** DER of the responder's public key. */
  readonly responderSpki: Buffer
  readonly producedAt: Date
  readonly responses: readonly SingleResponse[]
  /** DER of the extension's value, from the request. */
  readonly nonce: Buffer | undefined
}

/** An OCSPResponse without an answer: it is not signed. */
export const ocspError = (status: OcspError): Buffer => errors[status]

const errors: Readonly<Record<OcspError, Buffer>> = {
  malformedRequest: errorOf('malformedRequest'),
  internalError: errorOf('internalError'),
  tryLater: errorOf('tryLater'),
  unauthorized: errorOf('unauthorized'),
}

function errorOf(status: OcspError): Buffer {
  return sequence(enumerated(responseStatuses[status]))
}

/** DER of ResponseData (RFC 6960, 4.2.1): what a responder signs. */
export function responseData({ responderSpki, producedAt, responses, nonce }: ResponseData): Buffer {
  return sequence(
    // byKey; the hash is SHA-1 whatever CertIDs are made with.
    context(2, octetString(createHash('sha1').update(subjectPublicKey(responderSpki)).digest())),
    generalizedTime(producedAt),
    sequence(...responses.map(singleResponse)),
    ...(nonce === undefined ? [] : [context(1, sequence(extension(OID.ocspNonce, nonce)))]),
  )
}

function singleResponse(single: SingleResponse): Buffer {
  const { certId, status, thisUpdate, nextUpdate, archiveCutoff } = single
  const archived =
    archiveCutoff === undefined
      ? []
      : [context(1, sequence(extension(OID.ocspArchiveCutoff, generalizedTime(archiveCutoff))))]
  return sequence(
    certId,
    certStatus(status),
    generalizedTime(thisUpdate),
    context(0, generalizedTime(nextUpdate)),
    ...archived,
  )
}

function certStatus(status: CertStatus): Buffer {
  if (status.kind === 'good') return primitive(0, Buffer.alloc(0))
  if (status.kind === 'unknown') return primitive(2, Buffer.alloc(0))
  const code = status.reason === null ? undefined : reasonCodes[status.reason]
  // An unspecified reason is left out, as in lists (RFC 5280, 5.3.1).
  const reason = code === undefined || code === 0 ? [] : [context(0, enumerated(code))]
  return context(1, generalizedTime(status.at), ...reason)
}

/** What is suspended is on hold (RFC 5280, 5.3.1). */
const reasonCodes: Readonly<Record<string, number | undefined>> = { ...revocationReasons, certificateHold: 6 }

/** DER of a successful OCSPResponse. @param signature as the token gives it */
export function ocspResponse(
  tbs: Buffer,
  by: { readonly scheme: SchemeName; readonly certificate: Buffer },
  signature: Buffer,
): Buffer {
  const basic = sequence(
    tbs,
    schemes[by.scheme].algorithmIdentifier,
    signatureBits(signatureValue(by.scheme, signature)),
    context(0, sequence(by.certificate)),
  )
  const octets = tlv(TAG.OCTET_STRING, basic)
  return sequence(enumerated(responseStatuses.successful), context(0, sequence(oid(OID.ocspBasic), octets)))
}

/**
 * DER of a CertID, for what is signed ahead: the same for all who ask with this hash.
 * @param serial magnitude of a number above zero
 */
export function certId(hash: CertIdHash, issuer: IssuerHashes, serial: Buffer): Buffer {
  const algorithm = sequence(oid(hash === 'SHA-1' ? OID.sha1 : OID.sha256), derNull)
  return sequence(algorithm, octetString(issuer.name), octetString(issuer.key), integer(serial))
}

export interface IssuerHashes {
  readonly name: Buffer
  readonly key: Buffer
}
