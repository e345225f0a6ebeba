import type { TimestampHash } from '../../config/time.ts'
import { integer, oid } from '../../hsm/der.ts'
import { dottedOid, Fields, inside, smallNumber } from '../der/read.ts'
import { TAG } from '../der/tags.ts'
import { octetString, sequence } from '../der/write.ts'

/** TABLE of the reasons that a time-stamping authority says no for: bits of PKIFailureInfo (RFC 3161, 2.4.2). */
export const failures = {
  badAlg: 0,
  badRequest: 2,
  badDataFormat: 5,
  timeNotAvailable: 14,
  unacceptedPolicy: 15,
  unacceptedExtension: 16,
  systemFailure: 25,
} as const
export type Failure = keyof typeof failures

/** A request that gets no timestamp. */
export class TimestampFailure extends Error {
  readonly failure: Failure

  /** @param message public: it reaches the caller as it stands */
  constructor(failure: Failure, message: string) {
    super(message)
    this.name = 'TimestampFailure'
    this.failure = failure
  }
}

interface HashRow {
  readonly name: TimestampHash
  readonly oid: string
  /** Octets of a digest. */
  readonly length: number
}

const NIST_HASHES = '2.16.840.1.101.3.4.2'

/** TABLE of the hashes that may be stamped over, where the configuration takes them (FIPS 180-4, FIPS 202). */
const hashes: readonly HashRow[] = [
  { name: 'SHA-256', oid: `${NIST_HASHES}.1`, length: 32 },
  { name: 'SHA-384', oid: `${NIST_HASHES}.2`, length: 48 },
  { name: 'SHA-512', oid: `${NIST_HASHES}.3`, length: 64 },
  { name: 'SHA3-256', oid: `${NIST_HASHES}.8`, length: 32 },
  { name: 'SHA3-384', oid: `${NIST_HASHES}.9`, length: 48 },
  { name: 'SHA3-512', oid: `${NIST_HASHES}.10`, length: 64 },
]

/** @returns undefined for what is not accepted here */
export function acceptedHash(oid: string, accepted: readonly TimestampHash[]): HashRow | undefined {
  return hashes.find((row) => row.oid === oid && accepted.includes(row.name))
}

/** What is asked to be stamped. */
export interface TimestampRequest {
  readonly hash: TimestampHash
  readonly imprint: Buffer
  /** DER of the MessageImprint, which the timestamp repeats. */
  readonly messageImprint: Buffer
  /** DER of the INTEGER, which the timestamp repeats. */
  readonly nonce: Buffer | undefined
  /** Whether the certificates go with it. */
  readonly certReq: boolean
}

/**
 * The same, asked for in another way than by a TimeStampReq; the certificates go with it.
 * @param asked.imprint as long as the hash says; @param asked.nonce a number that is not negative
 */
export function requestOver(
  hash: HashRow,
  asked: { readonly imprint: Buffer; readonly nonce: Buffer | undefined },
): TimestampRequest {
  const { imprint, nonce } = asked
  return {
    hash: hash.name,
    imprint,
    messageImprint: sequence(sequence(oid(hash.oid)), octetString(imprint)),
    nonce: nonce === undefined ? undefined : integer(nonce),
    certReq: true,
  }
}

export interface Accepting {
  readonly policy: string
  readonly hashes: readonly TimestampHash[]
}

/** A nonce is some 64 bits (RFC 3161, 2.4.1); this is ample. */
const NONCE_OCTETS = 64
const VERSION_1 = 1
const NULL_OCTETS = 2

/**
 * TimeStampReq (RFC 3161, 2.4.1), in DER and nothing else.
 * @throws TimestampFailure
 */
export function timestampRequest(octets: Buffer, accepting: Accepting): TimestampRequest {
  const parsed = formed(octets)
  const { version, algorithm, imprint, messageImprint, policy, nonce, certReq, hasExtensions } = parsed
  if (version !== VERSION_1) throw new TimestampFailure('badRequest', 'The version is not 1')
  const row = acceptedHash(algorithm, accepting.hashes)
  if (row === undefined) throw new TimestampFailure('badAlg', 'The hash algorithm is not accepted')
  if (imprint.length !== row.length)
    throw new TimestampFailure('badDataFormat', 'The imprint has not the length of its hash')
  if (policy !== undefined && policy !== accepting.policy)
    throw new TimestampFailure('unacceptedPolicy', 'The policy is not one of this service')
  // RFC 3161, 2.4.1: critical or not, one that is not known is refused; none is.
  if (hasExtensions) throw new TimestampFailure('unacceptedExtension', 'No extension is accepted')
  return { hash: row.name, imprint, messageImprint, nonce, certReq }
}

function formed(octets: Buffer) {
  try {
    return fieldsOf(octets)
  } catch {
    throw new TimestampFailure('badDataFormat', 'The request is not a TimeStampReq in DER')
  }
}

/** @throws Error */
function fieldsOf(octets: Buffer) {
  const fields = new Fields(inside(octets, TAG.SEQUENCE))
  const version = smallNumber(fields.take(TAG.INTEGER).value)
  const messageImprint = fields.take(TAG.SEQUENCE).whole
  const { algorithm, imprint } = imprintOf(messageImprint)
  const policy = fields.optional(TAG.OID)
  const nonce = fields.optional(TAG.INTEGER)
  if (nonce !== undefined) checkInteger(nonce.value)
  const certReq = fields.optional(TAG.BOOLEAN)
  // FALSE is the default, which DER leaves out.
  if (certReq !== undefined && !certReq.value.equals(TRUE)) throw new Error('not TRUE')
  const extensions = fields.optional(TAG.context(0))
  if (extensions !== undefined) checkExtensions(extensions.whole)
  fields.end()
  return {
    version,
    algorithm,
    imprint,
    messageImprint,
    policy: policy === undefined ? undefined : dottedOid(policy.value),
    nonce: nonce?.whole,
    certReq: certReq !== undefined,
    hasExtensions: extensions !== undefined,
  }
}

const TRUE = Buffer.from([0xff])

function imprintOf(messageImprint: Buffer): { algorithm: string; imprint: Buffer } {
  const fields = new Fields(inside(messageImprint, TAG.SEQUENCE))
  const identifier = new Fields(inside(fields.take(TAG.SEQUENCE).whole, TAG.SEQUENCE))
  const algorithm = dottedOid(identifier.take(TAG.OID).value)
  // Absent or NULL (RFC 5754, 2).
  const parameters = identifier.optional(TAG.NULL)
  if (parameters !== undefined && parameters.whole.length !== NULL_OCTETS) throw new Error('not NULL')
  identifier.end()
  const imprint = fields.take(TAG.OCTET_STRING).value
  fields.end()
  return { algorithm, imprint }
}

/** Of any sign, as short as can be (X.690, 8.3.2). */
function checkInteger(content: Buffer): void {
  const [first, second = 0] = content
  const redundant =
    content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))
  if (first === undefined || redundant || content.length > NONCE_OCTETS) throw new Error('not an INTEGER')
}

/** At least one, each with an OID: what it says is nobody's business where none is accepted. */
function checkExtensions(whole: Buffer): void {
  const extensions = inside(whole, TAG.context(0))
  if (extensions.length === 0) throw new Error('no extension')
  for (const extension of extensions) {
    const fields = new Fields(inside(extension.whole, TAG.SEQUENCE))
    dottedOid(fields.take(TAG.OID).value)
    const critical = fields.optional(TAG.BOOLEAN)
    if (critical !== undefined && !critical.value.equals(TRUE)) throw new Error('not TRUE')
    fields.take(TAG.OCTET_STRING)
    fields.end()
  }
}
