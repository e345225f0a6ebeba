/**
 * TABLE of key types and signature schemes. Nothing outside this file names a mechanism, an OID or a curve:
 * consumers get a resolved row. A new algorithm is one row here and one vector in test/hsm.
 */

/** PKCS#11 numbers that the v2.40 headers of the binding lack, or that stand in rows below. */
export const CKK = { RSA: 0x00, EC: 0x03, GENERIC_SECRET: 0x10, EC_EDWARDS: 0x40 } as const
export const CKM = {
  RSA_PKCS_KEY_PAIR_GEN: 0x0000,
  RSA_PKCS: 0x0001,
  RSA_PKCS_PSS: 0x000d,
  SHA256: 0x0250,
  SHA256_HMAC: 0x0251,
  SHA384: 0x0260,
  SHA512: 0x0270,
  GENERIC_SECRET_KEY_GEN: 0x0350,
  EC_KEY_PAIR_GEN: 0x1040,
  ECDSA: 0x1041,
  EC_EDWARDS_KEY_PAIR_GEN: 0x1055,
  EDDSA: 0x1057,
} as const

export type Family = 'EC' | 'RSA' | 'Ed25519'
export type HashName = 'SHA-256' | 'SHA-384' | 'SHA-512'
export type KeyType = 'P-256' | 'P-384' | 'P-521' | 'RSA-2048' | 'RSA-3072' | 'RSA-4096' | 'Ed25519'
export type SchemeName =
  | 'ecdsa-sha256'
  | 'ecdsa-sha384'
  | 'ecdsa-sha512'
  | 'rsa-sha256'
  | 'rsa-sha384'
  | 'rsa-sha512'
  | 'pss-sha256'
  | 'pss-sha384'
  | 'pss-sha512'
  | 'ed25519'

export interface HashRow {
  readonly name: HashName
  readonly node: 'sha256' | 'sha384' | 'sha512'
  readonly oid: string
  /** Octets of a digest. */
  readonly length: number
  /** DER of DigestInfo up to the digest itself (RFC 8017, 9.2 note 1). */
  readonly digestInfo: Buffer
  /** CKM_ of the hash and CKG_MGF1_ with the same hash, for PSS parameters. */
  readonly mechanism: number
  readonly mgf: number
}

export interface KeyTypeRow {
  readonly name: KeyType
  readonly family: Family
  readonly bits: number
  readonly ckk: number
  readonly generate: number
  /** EC only: DER of the curve's OID (CKA_EC_PARAMS), the OID itself, octets of r and of s, octets of the order. */
  readonly curve?: {
    readonly oid: string
    readonly params: Buffer
    readonly size: number
    readonly webCrypto: string
  }
  /** Octets of a raw signature as the token returns it. */
  readonly signatureLength: number
  /** SubjectPublicKeyInfo algorithm OID: what CSC calls the key algorithm. */
  readonly oid: string
  /** Schemes that the key may be used with, the one to prefer first. */
  readonly schemes: readonly SchemeName[]
}

export interface SchemeRow {
  readonly name: SchemeName
  readonly family: Family
  readonly padding: 'none' | 'pkcs1' | 'pss'
  /** Absent for Ed25519: the given octets are the message. */
  readonly hash?: HashRow
  readonly mechanism: number
  /** Signature algorithm OID (X.509, CSC). PSS has one OID for all hashes; its parameters tell them apart. */
  readonly oid: string
  /** DER of the whole X.509 AlgorithmIdentifier. */
  readonly algorithmIdentifier: Buffer
  /** Names in JOSE, the one that is written first (RFC 7518, RFC 8037; fully specified, RFC 9864). */
  readonly jose: readonly [string, ...string[]]
  /** The same in COSE (RFC 9053, RFC 8812; fully specified, RFC 9864). */
  readonly cose: readonly [number, ...number[]]
  /** ECDSA: the one curve with which these names are used (RFC 7518, 3.4). */
  readonly curve?: KeyType
}

/** A table without a prototype: `__proto__` and `constructor` find nothing. */
function table<Name extends string, Row extends { readonly name: Name }>(
  rows: readonly Row[],
): Readonly<Record<Name, Row>> {
  const made = Object.create(null) as Record<Name, Row>
  for (const row of rows) made[row.name] = Object.freeze(row)
  return Object.freeze(made)
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

export const hashes = table<HashName, HashRow>([
  {
    name: 'SHA-256',
    node: 'sha256',
    oid: '2.16.840.1.101.3.4.2.1',
    length: 32,
    digestInfo: hex('3031 300d 0609 6086480165030402 01 0500 0420'),
    mechanism: CKM.SHA256,
    mgf: 0x02,
  },
  {
    name: 'SHA-384',
    node: 'sha384',
    oid: '2.16.840.1.101.3.4.2.2',
    length: 48,
    digestInfo: hex('3041 300d 0609 6086480165030402 02 0500 0430'),
    mechanism: CKM.SHA384,
    mgf: 0x03,
  },
  {
    name: 'SHA-512',
    node: 'sha512',
    oid: '2.16.840.1.101.3.4.2.3',
    length: 64,
    digestInfo: hex('3051 300d 0609 6086480165030402 03 0500 0440'),
    mechanism: CKM.SHA512,
    mgf: 0x04,
  },
])

const EC_PUBLIC_KEY = '1.2.840.10045.2.1'
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1'
const ED25519 = '1.3.101.112'

const ec = (name: KeyType, bits: number, curve: NonNullable<KeyTypeRow['curve']>): KeyTypeRow => ({
  name,
  family: 'EC',
  bits,
  ckk: CKK.EC,
  generate: CKM.EC_KEY_PAIR_GEN,
  curve,
  signatureLength: curve.size * 2,
  oid: EC_PUBLIC_KEY,
  schemes:
    bits === 256
      ? ['ecdsa-sha256', 'ecdsa-sha384', 'ecdsa-sha512']
      : bits === 384
        ? ['ecdsa-sha384', 'ecdsa-sha256', 'ecdsa-sha512']
        : ['ecdsa-sha512', 'ecdsa-sha256', 'ecdsa-sha384'],
})

const rsa = (name: KeyType, bits: number): KeyTypeRow => ({
  name,
  family: 'RSA',
  bits,
  ckk: CKK.RSA,
  generate: CKM.RSA_PKCS_KEY_PAIR_GEN,
  signatureLength: bits / 8,
  oid: RSA_ENCRYPTION,
  schemes: ['rsa-sha256', 'rsa-sha384', 'rsa-sha512', 'pss-sha256', 'pss-sha384', 'pss-sha512'],
})

export const keyTypes = table<KeyType, KeyTypeRow>([
  ec('P-256', 256, {
    oid: '1.2.840.10045.3.1.7',
    params: hex('0608 2a8648ce3d030107'),
    size: 32,
    webCrypto: 'P-256',
  }),
  ec('P-384', 384, { oid: '1.3.132.0.34', params: hex('0605 2b81040022'), size: 48, webCrypto: 'P-384' }),
  ec('P-521', 521, { oid: '1.3.132.0.35', params: hex('0605 2b81040023'), size: 66, webCrypto: 'P-521' }),
  rsa('RSA-2048', 2048),
  rsa('RSA-3072', 3072),
  rsa('RSA-4096', 4096),
  {
    name: 'Ed25519',
    family: 'Ed25519',
    bits: 256,
    ckk: CKK.EC_EDWARDS,
    generate: CKM.EC_EDWARDS_KEY_PAIR_GEN,
    signatureLength: 64,
    oid: ED25519,
    schemes: ['ed25519'],
  },
])

const scheme = (row: Omit<SchemeRow, 'algorithmIdentifier'>, identifier: string): SchemeRow => ({
  ...row,
  algorithmIdentifier: hex(identifier),
})

/** RSASSA-PSS-params with salt length = hash length and MGF1 over the same hash (RFC 4055, 3.1). */
function pssIdentifier(hash: HashRow): string {
  const last = hash.oid.slice(-1).padStart(2, '0')
  const hashIdentifier = `300d 0609 6086480165030402 ${last} 0500`
  const mgf = `301a 0609 2a864886f70d010108 ${hashIdentifier}`
  const salt = `0201 ${hash.length.toString(16)}`
  return `3041 0609 2a864886f70d01010a 3034 a00f ${hashIdentifier} a11c ${mgf} a203 ${salt}`
}

type Names = Pick<SchemeRow, 'jose' | 'cose' | 'curve'>

const ecdsa = (name: SchemeName, hash: HashRow, more: Names & { readonly last: number }): SchemeRow => {
  const { last, ...names } = more
  const oid = `1.2.840.10045.4.3.${last}`
  const row = { name, family: 'EC', padding: 'none', hash, mechanism: CKM.ECDSA, oid, ...names } as const
  return scheme(row, `300a 0608 2a8648ce3d0403 0${last}`)
}
const pkcs1 = (name: SchemeName, hash: HashRow, more: Names & { readonly last: number }): SchemeRow => {
  const { last, ...names } = more
  const oid = `1.2.840.113549.1.1.${last}`
  const row = { name, family: 'RSA', padding: 'pkcs1', hash, mechanism: CKM.RSA_PKCS, oid, ...names } as const
  return scheme(row, `300d 0609 2a864886f70d0101 0${last.toString(16)} 0500`)
}
const pss = (name: SchemeName, hash: HashRow, names: Names): SchemeRow => {
  const oid = '1.2.840.113549.1.1.10'
  const row = {
    name,
    family: 'RSA',
    padding: 'pss',
    hash,
    mechanism: CKM.RSA_PKCS_PSS,
    oid,
    ...names,
  } as const
  return scheme(row, pssIdentifier(hash))
}

export const schemes = table<SchemeName, SchemeRow>([
  ecdsa('ecdsa-sha256', hashes['SHA-256'], { last: 2, jose: ['ES256'], cose: [-7, -9], curve: 'P-256' }),
  ecdsa('ecdsa-sha384', hashes['SHA-384'], { last: 3, jose: ['ES384'], cose: [-35, -51], curve: 'P-384' }),
  ecdsa('ecdsa-sha512', hashes['SHA-512'], { last: 4, jose: ['ES512'], cose: [-36, -52], curve: 'P-521' }),
  pkcs1('rsa-sha256', hashes['SHA-256'], { last: 11, jose: ['RS256'], cose: [-257] }),
  pkcs1('rsa-sha384', hashes['SHA-384'], { last: 12, jose: ['RS384'], cose: [-258] }),
  pkcs1('rsa-sha512', hashes['SHA-512'], { last: 13, jose: ['RS512'], cose: [-259] }),
  pss('pss-sha256', hashes['SHA-256'], { jose: ['PS256'], cose: [-37] }),
  pss('pss-sha384', hashes['SHA-384'], { jose: ['PS384'], cose: [-38] }),
  pss('pss-sha512', hashes['SHA-512'], { jose: ['PS512'], cose: [-39] }),
  scheme(
    {
      name: 'ed25519',
      family: 'Ed25519',
      padding: 'none',
      mechanism: CKM.EDDSA,
      oid: ED25519,
      jose: ['EdDSA', 'Ed25519'],
      cose: [-8, -19],
    },
    '3005 0603 2b6570',
  ),
])

/** Whether JOSE and COSE have a name for signatures of this key by this scheme. */
export function isNamed(keyType: KeyType, scheme: SchemeRow): boolean {
  return keyTypes[keyType].schemes.includes(scheme.name) && (scheme.curve ?? keyType) === keyType
}

/** The scheme that a name of JOSE or COSE means with a key of this type; undefined where it means none. */
export function namedScheme(keyType: KeyType, name: string | number): SchemeRow | undefined {
  return Object.values(schemes).find(
    (row) =>
      isNamed(keyType, row) && (typeof name === 'string' ? row.jose.includes(name) : row.cose.includes(name)),
  )
}

/** The hash with this dotted OID, if the table has it. */
export function hashByOid(oid: string): HashRow | undefined {
  return Object.values(hashes).find((row) => row.oid === oid)
}
