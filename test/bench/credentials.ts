import { createPublicKey, hash, randomBytes, verify, type JsonWebKey, type KeyObject } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dataIntegrity } from '../../src/credentials/formats/dataIntegrity.ts'
import type { JsonObject } from '../../src/credentials/formats/format.ts'
import { memory, type Bench, type Served } from './arrange.ts'
import { used, type Costs } from './cpu.ts'
import { Liveness, load, postmaster, WARM_UP_S } from './measure.ts'

/** Keys that the requests use, in turn. */
const KEYS = 10
/** Signatures that one activation is for, at most. */
const ACTIVATED = 10_000
const CONTEXT = 'https://www.w3.org/ns/credentials/v2'

interface Scenario {
  readonly signatureType: 'ES256' | 'Ed25519'
  readonly by: 'secrets' | 'activation'
  /** Absent: as JWT. */
  readonly cryptosuite?: string
  /** A credential of some 46 KB, and not of some 300 octets. */
  readonly isLarge?: boolean
  readonly connections: number
  /** More a second than two cores sign: so many requests are made. */
  readonly expected: number
}

const INTEGRITY = { by: 'activation', connections: 64, expected: 3_000 } as const
/** One after the other: how long one takes. */
const LARGE = { by: 'activation', connections: 1, expected: 300, isLarge: true } as const

/** As the targets speak of them. */
const scenarios: readonly Scenario[] = [
  { signatureType: 'ES256', by: 'activation', connections: 64, expected: 5_000 },
  { signatureType: 'Ed25519', by: 'activation', connections: 64, expected: 5_000 },
  ...['ecdsa-rdfc-2019', 'ecdsa-jcs-2019'].map(
    (cryptosuite) => ({ ...INTEGRITY, signatureType: 'ES256', cryptosuite }) as const,
  ),
  ...['eddsa-rdfc-2022', 'eddsa-jcs-2022'].map(
    (cryptosuite) => ({ ...INTEGRITY, signatureType: 'Ed25519', cryptosuite }) as const,
  ),
  { ...LARGE, signatureType: 'ES256', cryptosuite: 'ecdsa-rdfc-2019' },
  { ...LARGE, signatureType: 'ES256', cryptosuite: 'ecdsa-jcs-2019' },
  // So few a second would not warm anything up.
  { signatureType: 'ES256', by: 'secrets', connections: 16, expected: 250 },
  { signatureType: 'Ed25519', by: 'secrets', connections: 16, expected: 250 },
]

/** A key of the key service, as whoever calls it knows it. */
interface Key {
  readonly id: string
  readonly controller: string
  readonly secret: string
  readonly publicKey: KeyObject
}

/** Credentials signed by POST /sign/vc/…; every one is verified afterwards, by the load's side. */
export async function signedCredentials(
  bench: Bench,
  seconds: number,
  say: (text: string) => void,
): Promise<void> {
  const served = await bench.start()
  try {
    const made = { ES256: await keys(served, 'ES256'), Ed25519: await keys(served, 'Ed25519') }
    for (const scenario of scenarios) {
      const own = made[scenario.signatureType]
      say(await measured(bench, served, { ...scenario, seconds, keys: own }))
    }
  } finally {
    await served.stop()
  }
}

async function measured(
  bench: Bench,
  served: Served,
  it: Scenario & { readonly seconds: number; readonly keys: readonly Key[] },
): Promise<string> {
  const { seconds, connections } = it
  const requests = join(bench.dir, 'credential-requests')
  const answers = join(bench.dir, 'credential-answers')
  writeFileSync(requests, Buffer.concat(await minted(served, it)))
  const postgres = await postmaster(bench)
  const before = used({ service: served.pid, postgres, load: undefined })
  const probe = new Liveness(served.port)
  const place = { host: '127.0.0.1', port: served.port, connections, requests, answers }
  const { result, loadSeconds } = await load({ ...place, warmUp: WARM_UP_S, seconds })
  const livenessP99 = probe.stop()
  const after = { ...used({ service: served.pid, postgres, load: undefined }), load: loadSeconds }
  if (result.refused > 0) throw new Error(`${result.refused} were refused: ${result.firstRefusal}`)
  const verified = await verifyAll(readFileSync(answers), it.keys)
  const each = (name: keyof Costs): string => (((after[name] - before[name]) * 1e6) / result.total).toFixed(0)
  const { service, signers } = memory(served.pid)
  return (
    `${it.cryptosuite ?? `JWT with ${it.signatureType}`}${it.isLarge === true ? ' over 46 KB' : ''} by ${it.by}, ` +
    `${connections} connections: ${Math.round(result.answered / result.seconds)} credentials/s, ` +
    `p50 ${result.p50.toFixed(1)} ms, p99 ${result.p99.toFixed(1)} ms, liveness p99 ${livenessP99.toFixed(1)} ms; ` +
    `CPU µs each: service ${each('service')}, signers ${each('signers')}, Postgres ${each('postgres')}, load ${each('load')}; ` +
    `service ${service} MB, signers ${signers.join(' + ')} MB; ${verified} verified${result.ranDry ? '; ran dry' : ''}`
  )
}

/** @returns requests, each with its length before it */
async function minted(
  served: Served,
  it: Scenario & { readonly seconds: number; readonly keys: readonly Key[] },
): Promise<Buffer[]> {
  const count = it.expected * (it.seconds + WARM_UP_S)
  const proofs: object[] = []
  for (const key of it.keys) {
    const perKey = Math.ceil(count / it.keys.length)
    proofs.push(
      it.by === 'secrets' ? { secrets: [key.secret] } : { activation: await activation(served, key, perKey) },
    )
  }
  return Array.from({ length: count }, (_, n) => {
    const key = it.keys[n % it.keys.length]
    const { cryptosuite } = it
    const verifiable = credential(key?.controller ?? '', it.isLarge === true ? ENTRIES : 0)
    const body = { identifier: key?.id, verifiable, cryptosuite, ...proofs[n % it.keys.length] }
    return framed(served, { path: cryptosuite === undefined ? 'jwt' : 'data-integrity', body })
  })
}

/** Of a subject's, in a credential of some 46 KB. */
const ENTRIES = 200
const EXAMPLES = 'https://www.w3.org/ns/credentials/examples/v2'

function credential(issuer: string, entries: number): object {
  const achievement = Array.from({ length: entries }, (_, n) => ({
    id: `urn:uuid:${randomBytes(16).toString('hex')}`,
    type: 'Achievement',
    name: `Achievement ${n}`,
    criteria: `What was achieved as number ${n}, and how it was found out by those who judge it.`,
  }))
  return {
    '@context': entries === 0 ? [CONTEXT] : [CONTEXT, EXAMPLES],
    id: `urn:uuid:${randomBytes(16).toString('hex')}`,
    type: ['VerifiableCredential'],
    issuer,
    credentialSubject: {
      id: 'did:example:456',
      name: 'John Doe',
      ...(entries === 0 ? {} : { achievement }),
    },
  }
}

function framed(served: Served, { path, body }: { readonly path: string; readonly body: object }): Buffer {
  const text = JSON.stringify(body)
  const head =
    `POST /sign/vc/${path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n` +
    `Authorization: Bearer ${served.token}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n`
  const octets = Buffer.from(head + text)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(octets.length)
  return Buffer.concat([length, octets])
}

async function keys(served: Served, signatureType: string): Promise<Key[]> {
  const made: Key[] = []
  for (let n = 0; n < KEYS; n++) {
    const secret = randomBytes(16).toString('hex')
    const identifier = `did:web:${randomBytes(8).toString('hex')}.example`
    const { id, controller, publicKeyJwk } = (await post(served, '/generate', {
      secrets: [secret],
      identifier,
      signatureType,
      keyType: 'JWK',
    })) as { id: string; controller: string; publicKeyJwk: JsonWebKey }
    made.push({ id, controller, secret, publicKey: createPublicKey({ key: publicKeyJwk, format: 'jwk' }) })
  }
  return made
}

async function activation(served: Served, key: Key, wanted: number): Promise<string> {
  if (wanted > ACTIVATED) throw new Error(`an activation is for ${ACTIVATED} signatures at most`)
  const asked = { identifier: key.id, secrets: [key.secret], numSignatures: wanted }
  return String((await post(served, '/activate', asked))['activation'])
}

async function post(served: Served, path: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${served.port}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${served.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (response.status !== 201) throw new Error(await response.text())
  return (await response.json()) as Record<string, unknown>
}

/** @returns how many there are that differ. @throws Error where a signature is wrong */
async function verifyAll(answers: Buffer, all: readonly Key[]): Promise<number> {
  const byId = new Map(all.map((key) => [key.id, key]))
  const seen = new Set<string>()
  for (let at = 0; at < answers.length;) {
    const length = answers.readUInt32BE(at + 4)
    const made = answers.toString('utf8', at + 8, at + 8 + length)
    if (made.startsWith('{')) await expectProven(JSON.parse(made) as JsonObject, byId)
    else expectSigned(made, byId)
    seen.add(hash('sha256', made))
    at += 8 + length
  }
  return seen.size
}

function expectSigned(jwt: string, byId: ReadonlyMap<string, Key>): void {
  const [header = '', payload = '', signature = ''] = jwt.split('.')
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }
  const publicKey = byId.get(kid)?.publicKey
  if (publicKey === undefined) throw new Error(`a signature by ${kid}`)
  const isEcdsa = publicKey.asymmetricKeyType === 'ec'
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' as const }
  const signed = Buffer.from(`${header}.${payload}`)
  if (!verify(isEcdsa ? 'sha256' : undefined, signed, key, Buffer.from(signature, 'base64url')))
    throw new Error('a signature is wrong')
}

async function expectProven(secured: JsonObject, byId: ReadonlyMap<string, Key>): Promise<void> {
  const { problems } = await dataIntegrity.verify({
    secured,
    now: new Date(),
    profile: 'strict',
    resolve: (id) => {
      const key = byId.get(id)
      if (key === undefined) return Promise.resolve(undefined)
      const keyType = key.publicKey.asymmetricKeyType === 'ec' ? 'P-256' : 'Ed25519'
      const spki = key.publicKey.export({ format: 'der', type: 'spki' })
      return Promise.resolve({ id, controller: key.controller, keyType, spki } as const)
    },
  })
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
}
