import { integer } from '../../hsm/der.ts'
import { keyTypes, schemes, type SchemeName } from '../../hsm/algorithms.ts'
import type { KeyRecord } from '../../hsm/records.ts'
import { certificateTime, context, sequence, smallInteger } from '../der/write.ts'
import { ecdsaToDer } from '../signing/der.ts'
import { signatureBits } from './extensions.ts'

const VERSION_3 = 2

export interface TbsCertificate {
  /** Magnitude of a number that is not negative. */
  readonly serial: Buffer
  readonly scheme: SchemeName
  /** DER of the Names. */
  readonly issuer: Buffer
  readonly subject: Buffer
  readonly notBefore: Date
  readonly notAfter: Date
  /** DER of the SubjectPublicKeyInfo. */
  readonly spki: Buffer
  /** DER of each, in the order in which they are written. */
  readonly extensions: readonly Buffer[]
}

/** DER of a TBSCertificate (RFC 5280, 4.1.2): the same octets for the same certificate, always. */
export function tbsCertificate(made: TbsCertificate): Buffer {
  const { serial, scheme, issuer, subject, spki } = made
  return sequence(
    context(0, smallInteger(VERSION_3)),
    integer(serial),
    schemes[scheme].algorithmIdentifier,
    issuer,
    sequence(certificateTime(made.notBefore), certificateTime(made.notAfter)),
    subject,
    spki,
    context(3, sequence(...made.extensions)),
  )
}

/**
 * What was signed, with its signature: Certificate, CertificateList and BasicOCSPResponse are all made so.
 * @param signature as the token gives it: r ‖ s for ECDSA
 */
export function signed(tbs: Buffer, scheme: SchemeName, signature: Buffer): Buffer {
  const { algorithmIdentifier } = schemes[scheme]
  return sequence(tbs, algorithmIdentifier, signatureBits(signatureValue(scheme, signature)))
}

/** A signature as X.509 and CMS write it: Ecdsa-Sig-Value where the token gives r ‖ s (RFC 5758, 3.2). */
export function signatureValue(scheme: SchemeName, signature: Buffer): Buffer {
  return schemes[scheme].family === 'EC' ? ecdsaToDer(signature) : signature
}

/** The scheme that a key signs structures of our own with. */
export function schemeOf(key: KeyRecord): SchemeName {
  const [preferred] = keyTypes[key.keyType].schemes
  if (preferred === undefined) throw new Error('a key type without a scheme')
  return preferred
}
