import type { Context } from '../context.ts'

/** Lists of one issuer, so that none of them grows with all that was ever issued: a serial belongs to the one that it names. */
export const CRL_SHARDS = 128

/** Which list of its issuer a certificate would stand in: decided by random bits of the serial, for good. */
export function shardOf(serial: Buffer): number {
  return (serial.at(-1) ?? 0) % CRL_SHARDS
}

export interface Publication {
  /** DER of an authority's certificate (RFC 5280, 4.2.2.1: caIssuers). */
  ca(certificateId: string): string
  /** A shard of an authority's revocation list, or the whole of it (RFC 5280, 4.2.1.13). */
  crl(certificateId: string, shard?: number): string
  /** A policy document of the configuration. */
  document(name: string): string
  /** Of all issuers (RFC 6960, 4.1). */
  readonly ocsp: string
}

/** Stable addresses of what relying parties fetch. They stand in certificates, so they are for good. Plain HTTP is right. */
export function publication({ config }: Pick<Context, 'config'>): Publication {
  const base = `${config.ca.publicUrl ?? config.baseUrl}/pki`
  return {
    ca: (id) => `${base}/ca/${id}.cer`,
    crl: (id, shard) => `${base}/crl/${id}${shard === undefined ? '' : `/${String(shard)}`}.crl`,
    document: (name) => `${base}/documents/${name}`,
    ocsp: `${base}/ocsp`,
  }
}
