/** SADs in numbers, and the requests that use them up. */
import { createHash, randomBytes, randomUUID, createPublicKey, verify, type KeyObject } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { schemes, type SchemeName } from '../../hsm/algorithms.ts'
import { auditEntry } from '../../src/audit.ts'
import { createAuthorisation } from '../../src/db/authorisations.ts'
import { bearerHash } from '../../src/signing/permit.ts'
import type { Bench, BenchCredential } from './arrange.ts'

/** As long as a SAD may live. */
const LIFE_MS = 3_500_000
/** Made at once: more would only wait. */
const AT_ONCE = 32

export interface Minted {
  readonly file: string
  readonly messages: readonly (readonly Buffer[])[]
  readonly credentials: readonly BenchCredential[]
}

export interface Order {
  readonly scheme: SchemeName
  readonly credentials: readonly BenchCredential[]
  readonly requests: number
  /** Of one request. */
  readonly hashes: number
  /** Signatures that one SAD is for. */
  readonly perSad: number
  readonly bearer: string
}

/** @returns the requests, in a file, in an order in which those of one SAD are far from each other */
export async function mint(bench: Bench, order: Order): Promise<Minted> {
  const { hashes, perSad } = order
  const each = Math.max(1, Math.floor(perSad / hashes))
  const sads = Math.ceil(order.requests / each)
  const made: Authorised[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let index = next++; index < sads; index = next++) {
      const credential = order.credentials[index % order.credentials.length]
      if (credential === undefined) throw new Error('no credential')
      made.push(await authorise(bench, order, { credential, count: each * hashes }))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const asked = Array.from({ length: each }, (_, turn) =>
    made.map((sad) => ({ sad, messages: sad.messages.slice(turn * hashes, (turn + 1) * hashes) })),
  ).flat()
  const bodies = asked.map(({ sad, messages }) => request(order, sad, messages))
  const file = join(bench.dir, 'requests')
  writeFileSync(file, Buffer.concat(bodies.flatMap((body) => [u32(body.length), body])))
  return {
    file,
    messages: asked.map(({ messages }) => messages),
    credentials: asked.map(({ sad }) => sad.credential),
  }
}

interface Authorised {
  readonly credential: BenchCredential
  readonly sad: string
  readonly messages: readonly Buffer[]
}

async function authorise(
  bench: Bench,
  order: Order,
  wanted: { credential: BenchCredential; count: number },
): Promise<Authorised> {
  const { ctx } = bench.service
  const { credential, count } = wanted
  const { hash } = schemes[order.scheme]
  const messages = Array.from({ length: count }, () => randomBytes(24))
  const authorisation = {
    authorisationId: randomUUID(),
    keyId: credential.key.keyId,
    credentialId: credential.id,
    clientId: credential.clientId,
    hash: hash?.name,
    digests: messages.map((message) => digestOf(order.scheme, message)),
    count,
    expiresAt: Date.now() + LIFE_MS,
  }
  const { key, activation, record, stretched } = credential
  const seal = await ctx.token.activate({ key, activation, credential: record, stretched, authorisation })
  if (seal === undefined) throw new Error('the PIN was refused')
  const sad = randomBytes(32).toString('base64url')
  const audit = auditEntry({ kind: 'act', act: 'credential.authorize', actor: 'service', subjects: [] })
  const sealed = { ...authorisation, seal }
  await createAuthorisation(ctx.db, { authorisation: sealed, sadHash: bearerHash(sad), audit })
  return { credential, sad, messages }
}

function digestOf(scheme: SchemeName, message: Buffer): Buffer {
  return createHash(schemes[scheme].hash?.node ?? 'sha256')
    .update(message)
    .digest()
}

function request({ scheme, bearer }: Order, sad: Authorised, messages: readonly Buffer[]): Buffer {
  const body = JSON.stringify({
    credentialID: sad.credential.id,
    SAD: sad.sad,
    hashes: messages.map((message) => digestOf(scheme, message).toString('base64')),
    hashAlgorithmOID: schemes[scheme].hash?.oid,
    signAlgo: schemes[scheme].oid,
  })
  return Buffer.from(
    `POST /csc/v2/signatures/signHash HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${bearer}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/** Every signature of every answer, by Node's own crypto. @returns how many there were */
export function verifyAll(minted: Minted, answers: string, scheme: SchemeName): number {
  const keys = new Map<BenchCredential, KeyObject>()
  const file = readFileSync(answers)
  let count = 0
  for (let at = 0; at < file.length;) {
    const index = file.readUInt32BE(at)
    const length = file.readUInt32BE(at + 4)
    const body = JSON.parse(file.toString('utf8', at + 8, at + 8 + length)) as { signatures: string[] }
    at += 8 + length
    const messages = minted.messages[index] ?? []
    const credential = minted.credentials[index]
    if (credential === undefined || body.signatures.length !== messages.length)
      throw new Error('a wrong answer')
    const key =
      keys.get(credential) ?? createPublicKey({ key: credential.key.spki, format: 'der', type: 'spki' })
    keys.set(credential, key)
    messages.forEach((message, i) => {
      const signature = Buffer.from(body.signatures[i] ?? '', 'base64')
      if (!verify(schemes[scheme].hash?.node ?? null, message, key, signature)) {
        throw new Error('a signature that does not verify')
      }
      count++
    })
  }
  return count
}

function u32(value: number): Buffer {
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(value)
  return octets
}
