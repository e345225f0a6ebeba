import { createHash, createPublicKey, verify, type JsonWebKey } from 'node:crypto'
import type { Received } from '../outgoing/receiver.ts'

/** A receiver that knows RFC 9421 and nothing of ours but where the keys are. */
export function isSigned(got: Received, target: string, keys: readonly JsonWebKey[]): boolean {
  const header = (name: string): string => String(got.headers[name] ?? '')
  const [label, input = ''] = header('signature-input').split(/=(.*)/s)
  const names = [...(/^\(([^)]*)\)/.exec(input)?.[1] ?? '').matchAll(/"([^"]+)"/g)].map(
    ([, name = '']) => name,
  )
  const values: Record<string, string> = { '@method': got.method, '@target-uri': target }
  const base = [
    ...names.map((name) => `"${name}": ${values[name] ?? header(name)}`),
    `"@signature-params": ${input}`,
  ].join('\n')
  const keyid = /;keyid="([^"]+)"/.exec(input)?.[1]
  const jwk = keys.find((key) => key['kid'] === keyid)
  const signature = new RegExp(`^${label ?? ''}=:(.+):$`).exec(header('signature'))?.[1] ?? ''
  const body = createHash('sha256').update(got.body).digest('base64')
  return (
    jwk !== undefined &&
    names.join(' ') === '@method @target-uri content-type content-digest' &&
    header('content-digest') === `sha-256=:${body}:` &&
    verify(
      'sha256',
      Buffer.from(base),
      { key: createPublicKey({ format: 'jwk', key: jwk }), dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64'),
    )
  )
}
