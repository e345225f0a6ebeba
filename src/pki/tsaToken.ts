import { createHash } from 'node:crypto'
import { integer, oid, tlv } from '../../hsm/der.ts'
import { schemes, type SchemeName } from '../../hsm/algorithms.ts'
import { Fields, inside } from '../der/read.ts'
import { TAG } from '../der/tags.ts'
import {
  context,
  extension,
  namedBits,
  octetString,
  primitive,
  sequence,
  setOf,
  smallInteger,
  utf8String,
} from '../der/write.ts'
import { signatureValue } from './tbsCertificate.ts'
import { failures, type Failure } from './tsaRequest.ts'

/** Object identifiers of CMS (RFC 5652), timestamps (RFC 3161, RFC 5816) and what they may claim (EN 319 422, 9.1). */
const OID = {
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  tstInfo: '1.2.840.113549.1.9.16.1.4',
  qcStatements: '1.3.6.1.5.5.7.1.3',
  qualifiedTimestamp: '0.4.0.19422.1.1',
} as const

/** Who signs timestamps, ready to be used for many. */
export interface TimestampSigner {
  readonly scheme: SchemeName
  /** Node's name of the scheme's hash, and DER of its AlgorithmIdentifier, without parameters (RFC 5754, 2). */
  readonly hash: string
  readonly digestAlgorithm: Buffer
  /** DER: issuer and serial number; the subject, as the timestamps name who made them. */
  readonly issuerAndSerial: Buffer
  readonly tsa: Buffer
  /** DER of the attribute that binds a signature to its certificate (RFC 5816). */
  readonly signingCertificate: Buffer
  /** DER: unit's first, up to the root; as a CertificateSet. */
  readonly certificates: Buffer
}

/** @param chain DER, unit's first */
export function timestampSigner(scheme: SchemeName, chain: readonly Buffer[]): TimestampSigner {
  const { hash } = schemes[scheme]
  const [certificate] = chain
  if (hash === undefined || certificate === undefined) throw new Error('not what timestamps are signed with')
  const { serial, issuer, subject } = namesOf(certificate)
  const digest = createHash('sha256').update(certificate).digest()
  return {
    scheme,
    hash: hash.node,
    digestAlgorithm: sequence(oid(hash.oid)),
    issuerAndSerial: sequence(issuer, serial),
    // GeneralName is a CHOICE, so its tags are explicit: tsa [0], directoryName [4].
    tsa: context(0, context(4, subject)),
    // ESSCertIDv2, whose hash is SHA-256 unless it says otherwise.
    signingCertificate: attribute(
      OID.signingCertificateV2,
      sequence(sequence(sequence(octetString(digest)))),
    ),
    certificates: tlv(TAG.context(0), ...sorted(chain)),
  }
}

/** DER of three fields of a certificate. */
function namesOf(certificate: Buffer): { serial: Buffer; issuer: Buffer; subject: Buffer } {
  const [tbs] = inside(certificate, TAG.SEQUENCE)
  if (tbs === undefined) throw new Error('not a certificate')
  const fields = new Fields(inside(tbs.whole, TAG.SEQUENCE))
  fields.take(TAG.context(0))
  const serial = fields.take(TAG.INTEGER).whole
  fields.take(TAG.SEQUENCE)
  const issuer = fields.take(TAG.SEQUENCE).whole
  fields.take(TAG.SEQUENCE)
  return { serial, issuer, subject: fields.take(TAG.SEQUENCE).whole }
}

const sorted = (parts: readonly Buffer[]): Buffer[] => [...parts].sort((a, b) => Buffer.compare(a, b))

export interface Stamped {
  readonly policy: string
  /** DER. */
  readonly messageImprint: Buffer
  readonly nonce: Buffer | undefined
  /** Magnitude. */
  readonly serial: Buffer
  readonly genTime: Date
  readonly accuracyMs: number
  /** An operator's declaration (EN 319 422, 9.1). */
  readonly qualified: boolean
}

const VERSION_1 = smallInteger(1)
const VERSION_3 = smallInteger(3)

/** TSTInfo (RFC 3161, 2.4.2). Its order says nothing, so `ordering` is left at its default. */
export function tstInfo(signer: TimestampSigner, stamped: Stamped): Buffer {
  const { policy, messageImprint, nonce, serial, genTime, accuracyMs, qualified } = stamped
  return sequence(
    VERSION_1,
    oid(policy),
    messageImprint,
    integer(serial),
    tlv(TAG.GENERALIZED_TIME, Buffer.from(generalizedTime(genTime), 'ascii')),
    accuracy(accuracyMs),
    ...(nonce === undefined ? [] : [nonce]),
    signer.tsa,
    ...(qualified ? [QUALIFIED] : []),
  )
}

const QUALIFIED = context(1, extension(OID.qcStatements, sequence(sequence(oid(OID.qualifiedTimestamp)))))

/** To the millisecond, without trailing zeros and without a point that nothing follows (RFC 3161, 2.4.2). */
function generalizedTime(time: Date): string {
  const text = time.toISOString().replaceAll(/[-:TZ]/g, '')
  return `${text.replace(/\.?0*$/, '')}Z`
}

function accuracy(ms: number): Buffer {
  const seconds = Math.floor(ms / 1000)
  const millis = ms % 1000
  return sequence(
    ...(seconds > 0 ? [smallInteger(seconds)] : []),
    ...(millis > 0 ? [primitive(0, smallInteger(millis).subarray(2))] : []),
  )
}

/** What is signed of a TSTInfo: a SET OF attributes (RFC 5652, 5.4). The time stands in the TSTInfo, and nowhere else. */
export function signedAttributes(signer: TimestampSigner, tst: Buffer): Buffer {
  const digest = createHash(signer.hash).update(tst).digest()
  return setOf(CONTENT_TYPE, attribute(OID.messageDigest, octetString(digest)), signer.signingCertificate)
}

function attribute(type: string, value: Buffer): Buffer {
  return sequence(oid(type), setOf(value))
}

const CONTENT_TYPE = attribute(OID.contentType, oid(OID.tstInfo))

/**
 * TimeStampToken: a ContentInfo with a SignedData of version 3 (RFC 3161, 2.4.2; RFC 5652, 5.1).
 * @param made.signature as the token gives it: r ‖ s for ECDSA
 */
export function timestampToken(
  signer: TimestampSigner,
  made: {
    readonly tst: Buffer
    readonly attributes: Buffer
    readonly signature: Buffer
    readonly withCertificates: boolean
  },
): Buffer {
  const { tst, attributes, signature, withCertificates } = made
  // [0] IMPLICIT, where it stands; what was signed has the tag of a SET.
  const implicit = Buffer.from(attributes)
  implicit[0] = TAG.context(0)
  const signerInfo = sequence(
    VERSION_1,
    signer.issuerAndSerial,
    signer.digestAlgorithm,
    implicit,
    schemes[signer.scheme].algorithmIdentifier,
    octetString(signatureValue(signer.scheme, signature)),
  )
  const signedData = sequence(
    VERSION_3,
    setOf(signer.digestAlgorithm),
    sequence(oid(OID.tstInfo), context(0, octetString(tst))),
    ...(withCertificates ? [signer.certificates] : []),
    setOf(signerInfo),
  )
  return sequence(oid(OID.signedData), context(0, signedData))
}

const GRANTED = 0
const REJECTION = 2

/** TimeStampResp with a timestamp (RFC 3161, 2.4.2). */
export const granted = (token: Buffer): Buffer => sequence(sequence(smallInteger(GRANTED)), token)

/** And without. @param text for a person to read */
export function rejected(failure: Failure, text: string): Buffer {
  const failInfo = namedBits([failures[failure]])
  return sequence(sequence(smallInteger(REJECTION), sequence(utf8String(text)), failInfo))
}
