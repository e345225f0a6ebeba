/** What the tests of formats share: documents, what a judge needs, and ways to spoil what was signed. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { expect } from 'chai'
import type { Format, JsonObject, Verdict, VerifyRequest } from '../../src/credentials/formats/format.ts'
import { formats } from '../../src/credentials/formats/index.ts'
import { Refusal } from '../../src/refusal.ts'
import { CONTROLLER, type TokenKeys } from './keys.ts'

export const NOW = new Date('2026-06-01T12:00:00Z')
export const SECONDS = NOW.getTime() / 1000
export const later = (seconds: number): Date => new Date(NOW.getTime() + seconds * 1000)

export const V2: JsonObject = {
  '@context': ['https://www.w3.org/ns/credentials/v2', 'https://www.w3.org/ns/credentials/examples/v2'],
  id: 'urn:uuid:8d5c8bd4-9bd6-4a3c-8a3c-4a1d9f1f4b10',
  type: ['VerifiableCredential', 'ExampleDegreeCredential'],
  issuer: CONTROLLER,
  validFrom: '2026-01-01T00:00:00Z',
  validUntil: '2027-01-01T00:00:00Z',
  credentialSubject: { id: 'did:example:ada', degree: { type: 'ExampleBachelorDegree', name: 'Bachelor' } },
}
export const V1: JsonObject = {
  '@context': ['https://www.w3.org/2018/credentials/v1'],
  id: 'http://issuer.example/credentials/1',
  type: ['VerifiableCredential'],
  issuer: { id: CONTROLLER, name: 'Issuer' },
  issuanceDate: '2026-01-01T00:00:00Z',
  expirationDate: '2027-01-01T00:00:00+01:00',
  credentialSubject: { id: 'did:example:ada', name: 'Ada' },
}

/** Of an SD-JWT VC. */
export const CLAIMS: JsonObject = {
  iss: CONTROLLER,
  vct: 'https://issuer.example/pid',
  exp: SECONDS + 1000,
  given_name: 'Ada',
  address: { locality: 'Oslo', country: 'NO', lines: ['a', 'b', 'c'] },
  nationalities: ['NO', 'GB'],
}

export const publicKey = (spki: Buffer): KeyObject =>
  createPublicKey({ key: spki, format: 'der', type: 'spki' })

/** A row of the table; what it does not do, fails. */
export function row(name: Format['name']): Required<Omit<Format, 'derive'>> {
  const format = formats[name]
  if (format === undefined) throw new Error(`no row ${name}`)
  const missing = (): never => {
    throw new Error(`${name} does not do that`)
  }
  return { present: missing, prove: missing, ...format }
}

export const verifying =
  (keys: Pick<TokenKeys, 'resolve'>, name: Format['name']) =>
  async (secured: VerifyRequest['secured'], more: Partial<VerifyRequest> = {}): Promise<Verdict> =>
    row(name).verify({ secured, now: NOW, profile: 'strict', resolve: keys.resolve, ...more })

/** What was made, where it is text. */
export function text(body: unknown): string {
  if (typeof body !== 'string') throw new Error('not text')
  return body
}

/** The names of what is wrong. */
export const names = ({ problems }: Verdict): string[] => problems.map(({ name }) => name)

/** Code and message of a refusal. */
export async function refused(promise: Promise<unknown> | undefined): Promise<string> {
  try {
    await promise
  } catch (error) {
    expect(error).to.be.instanceOf(Refusal)
    return `${(error as Refusal).code}: ${(error as Refusal).message}`
  }
  throw new Error('it was not refused')
}

/** One bit of a part's middle is another one. */
export function spoiled(jws: string, part: 0 | 1 | 2): string {
  const parts = jws.split('.')
  const octets = Buffer.from(parts[part] ?? '', 'base64url')
  const middle = octets.length >> 1
  octets[middle] = (octets[middle] ?? 0) ^ 1
  parts[part] = octets.toString('base64url')
  return parts.join('.')
}
