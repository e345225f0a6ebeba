import { createPublicKey, randomBytes, verify, X509Certificate, type KeyObject } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { integer, oid } from '../../hsm/der.ts'
import { inside, type Element } from '../../src/der/read.ts'
import { TAG } from '../../src/der/tags.ts'
import { derTrue, octetString, sequence, smallInteger } from '../../src/der/write.ts'
import { memory, type Bench, type Served } from './arrange.ts'
import { used, type Costs } from './cpu.ts'
import { load, postmaster, WARM_UP_S } from './measure.ts'

/** More than two cores answer: so many requests are made for each second. */
const EXPECTED = 5_000
const SHA256 = '2.16.840.1.101.3.4.2.1'

/** Timestamps of 32 random octets each, with nonce and certificates; every one is verified afterwards. */
export async function timestamps(
  bench: Bench,
  it: { readonly seconds: number; readonly connections: readonly number[] },
  say: (text: string) => void,
): Promise<void> {
  const served = await bench.start()
  try {
    const key = await unitKey(served)
    for (const connections of it.connections) say(await measured(bench, served, { ...it, connections, key }))
  } finally {
    await served.stop()
  }
}

async function measured(
  bench: Bench,
  served: Served,
  it: { readonly seconds: number; readonly connections: number; readonly key: KeyObject },
): Promise<string> {
  const { seconds, connections, key } = it
  const requests = join(bench.dir, 'timestamp-requests')
  const answers = join(bench.dir, 'timestamp-answers')
  writeFileSync(requests, Buffer.concat(Array.from({ length: EXPECTED * (seconds + WARM_UP_S) }, framed)))
  const postgres = await postmaster(bench)
  const before = used({ service: served.pid, postgres, load: undefined })
  const plan = {
    host: '127.0.0.1',
    port: served.port,
    connections,
    requests,
    answers,
    warmUp: WARM_UP_S,
    seconds,
  }
  const { result, loadSeconds } = await load(plan)
  const after = { ...used({ service: served.pid, postgres, load: undefined }), load: loadSeconds }
  if (result.refused > 0) throw new Error(`${result.refused} were refused: ${result.firstRefusal}`)
  const verified = verifyAll(readFileSync(answers), key)
  const each = (name: keyof Costs): string => (((after[name] - before[name]) * 1e6) / result.total).toFixed(0)
  const { service, signers } = memory(served.pid)
  return (
    `${connections} connections: ${Math.round(result.answered / result.seconds)} timestamps/s, ` +
    `p50 ${result.p50.toFixed(1)} ms, p99 ${result.p99.toFixed(1)} ms; CPU µs each: service ${each('service')}, ` +
    `signers ${each('signers')}, Postgres ${each('postgres')}, load ${each('load')}; ` +
    `service ${service} MB, signers ${signers.join(' + ')} MB; ${verified} verified${result.ranDry ? '; ran dry' : ''}`
  )
}

function queryOf(): Buffer {
  const imprint = sequence(sequence(oid(SHA256)), octetString(randomBytes(32)))
  return sequence(smallInteger(1), imprint, integer(randomBytes(8)), derTrue)
}

/** A request with its length before it. */
function framed(): Buffer {
  const query = queryOf()
  const head =
    'POST /pki/tsa HTTP/1.1\r\nHost: bench\r\nContent-Type: application/timestamp-query\r\n' +
    `Content-Length: ${query.length}\r\n\r\n`
  const whole = Buffer.concat([Buffer.from(head), query])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(whole.length)
  return Buffer.concat([length, whole])
}

/** Asks for one, which makes the unit; @returns its public key */
async function unitKey({ port }: Served): Promise<KeyObject> {
  const response = await fetch(`http://127.0.0.1:${port}/pki/tsa`, {
    method: 'POST',
    headers: { 'content-type': 'application/timestamp-query' },
    body: new Uint8Array(queryOf()),
  })
  const [, , , certificates] = signedData(Buffer.from(await response.arrayBuffer()))
  const ders = inside(certificates?.whole ?? Buffer.alloc(0), TAG.context(0)).map(({ whole }) => whole)
  const unit = ders.map((der) => new X509Certificate(der)).find(({ ca }) => !ca)
  if (unit === undefined) throw new Error('the answer has no certificate')
  return createPublicKey(unit.publicKey.export({ format: 'pem', type: 'spki' }))
}

function signedData(answer: Buffer): Element[] {
  const [, token] = inside(answer, TAG.SEQUENCE)
  const [, content] = inside(token?.whole ?? Buffer.alloc(0), TAG.SEQUENCE)
  const [data] = inside(content?.whole ?? Buffer.alloc(0), TAG.context(0))
  return inside(data?.whole ?? Buffer.alloc(0), TAG.SEQUENCE)
}

/** The signature of each over its signed attributes. @returns how many there are. @throws Error */
function verifyAll(file: Buffer, key: KeyObject): number {
  let count = 0
  for (let at = 0; at < file.length;) {
    const length = file.readUInt32BE(at + 4)
    const signers = signedData(file.subarray(at + 8, at + 8 + length)).at(-1)
    const [signer] = inside(signers?.whole ?? Buffer.alloc(0), TAG.SET)
    const [, , , attributes, , signature] = inside(signer?.whole ?? Buffer.alloc(0), TAG.SEQUENCE)
    const message = Buffer.from(attributes?.whole ?? Buffer.alloc(0))
    message[0] = TAG.SET
    if (!verify('sha256', message, key, signature?.value ?? Buffer.alloc(0)))
      throw new Error('a timestamp does not verify')
    at += 8 + length
    count++
  }
  return count
}
