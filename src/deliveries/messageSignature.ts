import { hash } from 'node:crypto'

/** A part of a message that is signed: a derived component or a header (RFC 9421, 2). */
export interface Component {
  readonly name: string
  readonly value: string
}

export interface SignatureParameters {
  /** Seconds since 1970. */
  readonly created: number
  readonly keyid: string
  /** RFC 9421, 6.2.2. */
  readonly alg?: string
  readonly nonce?: string
  readonly tag?: string
}

/** The covered components and the parameters, as Signature-Input says them (RFC 9421, 2.3). */
export function signatureInput(components: readonly Component[], parameters: SignatureParameters): string {
  const { created, keyid, alg, nonce, tag } = parameters
  const names = components.map(({ name }) => `"${name}"`).join(' ')
  const strings = Object.entries({ keyid, alg, nonce, tag }).flatMap(([name, value]) =>
    value === undefined ? [] : [`;${name}="${value}"`],
  )
  return `(${names});created=${created}${strings.join('')}`
}

/** What is signed (RFC 9421, 2.5). */
export function signatureBase(components: readonly Component[], input: string): string {
  const lines = components.map(({ name, value }) => `"${name}": ${value}`)
  return [...lines, `"@signature-params": ${input}`].join('\n')
}

/** The header Content-Digest (RFC 9530), by which a signature covers a body. */
export function contentDigest(body: Buffer): string {
  return `sha-256=:${hash('sha256', body, 'base64')}:`
}
