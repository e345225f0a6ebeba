import { createHash, type X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** What a caller proved in the handshake that it holds the key of. Whose it is, the database says. */
export interface ClientCertificate {
  readonly certificate: X509Certificate
  /** SHA-256 of the SubjectPublicKeyInfo: what is registered, so that a renewed certificate of the same key needs nothing. */
  readonly spkiHash: Buffer
  /** base64url of SHA-256 over the certificate: `x5t#S256` (RFC 8705, 3.1). */
  readonly thumbprint: string
}

const shown = new WeakMap<Socket, ClientCertificate>()

/**
 * Keeps what a connection's peer showed, once its handshake is done.
 * @param trusted it must chain to the listener's authorities; else any will do, since only registered keys count
 */
export function keepClientCertificate(socket: TLSSocket, { trusted }: { readonly trusted: boolean }): void {
  if (trusted && !socket.authorized) return
  const certificate = socket.getPeerX509Certificate()
  if (certificate !== undefined) shown.set(socket, describeCertificate(certificate))
}

/** The certificate of the caller's connection; undefined: none, one that is not believed, or one out of its time. */
export function clientCertificateOf(request: IncomingMessage): ClientCertificate | undefined {
  const kept = shown.get(request.socket)
  if (kept === undefined) return undefined
  // At each request: a connection may outlive its certificate, and one without an authority was judged by nobody.
  const now = Date.now()
  const { validFrom, validTo } = kept.certificate
  return Date.parse(validFrom) <= now && now < Date.parse(validTo) ? kept : undefined
}

export function describeCertificate(certificate: X509Certificate): ClientCertificate {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return {
    certificate,
    spkiHash: createHash('sha256').update(spki).digest(),
    thumbprint: createHash('sha256').update(certificate.raw).digest('base64url'),
  }
}
