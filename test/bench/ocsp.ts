/** OCSP: answers from memory, answers that are signed when they are first asked for, answers to nonces; and revocation. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { revoke } from '../../src/pki/revoke.ts'
import { certIdOf, newNonce, OcspClient, readAnswer, requestFor, serialOf } from '../pki/ocspClient.ts'
import type { Bench, Served } from './arrange.ts'
import { each, used, type Costs } from './cpu.ts'
import { load, postmaster, WARM_UP_S } from './measure.ts'

const CONNECTIONS = 64
/** Certificates that everyone asks about. */
const HOT = 1_000
const REVOKED = 200

type Say = (text: string) => void

export async function ocspAnswers(
  bench: Bench,
  { seconds, certificates }: { readonly seconds: number; readonly certificates: number },
  say: Say,
): Promise<void> {
  const serials = await fillTo(bench, certificates)
  const served = await bench.start()
  try {
    const run = { bench, served, seconds, say }
    const client = await clientOf(run)
    await ofHot(run, client, serials.slice(0, HOT))
    const cold = serials.slice(HOT + REVOKED)
    const first = (n: number): Buffer => getOf(askedOf(client, among(cold, n)))
    await measured(run, { what: 'asked for the first time, by GET', most: 4_000, request: first })
    await revocations(run, client, serials.slice(HOT, HOT + REVOKED))
  } finally {
    await served.stop()
  }
}

/** Answers about certificates that are in the database, and that everyone asks about. */
export async function asking(
  bench: Bench,
  served: Served,
  it: { readonly seconds: number; readonly warmUp?: number | undefined; readonly say: Say },
): Promise<Answering[]> {
  const run = { bench, served, ...it }
  return ofHot(run, await clientOf(run), await serialsOf(bench, HOT))
}

const clientOf = async ({ bench, served }: Run): Promise<OcspClient> =>
  (await OcspClient.of(bench.service)).at(`http://127.0.0.1:${served.port}`)

const askedOf = ({ issuer }: OcspClient, serial: Buffer, nonce?: Buffer): Buffer =>
  requestFor([certIdOf({ issuer, serial })], nonce)

const among = (all: readonly Buffer[], n: number): Buffer => all[n % all.length] ?? Buffer.alloc(0)

/** From memory, and to nonces. */
async function ofHot(run: Run, client: OcspClient, hot: readonly Buffer[]): Promise<Answering[]> {
  for (const serial of hot) await client.get(askedOf(client, serial))
  const gets = new Map(hot.map((serial) => [serial, getOf(askedOf(client, serial))]))
  const memory = (n: number): Buffer => gets.get(among(hot, n)) ?? Buffer.alloc(0)
  const nonce = (n: number): Buffer => postOf(askedOf(client, among(hot, n), newNonce()))
  return [
    await measured(run, { what: 'from memory, by GET', most: 25_000, request: memory }),
    await measured(run, { what: 'with a nonce, by POST', most: 8_000, request: nonce }),
  ]
}

/** What was measured of one kind of questions. */
export interface Answering {
  readonly what: string
  /** Answers a second. */
  readonly rate: number
  readonly costs: Costs
}

interface Run {
  readonly bench: Bench
  readonly served: Served
  readonly seconds: number
  /** Seconds that are not counted; absent: what compilers need. */
  readonly warmUp?: number | undefined
  readonly say: Say
}

interface Asking {
  readonly what: string
  /** Answers a second that there will not be more of. */
  readonly most: number
  readonly request: (n: number) => Buffer
}

async function measured(run: Run, { what, most, request }: Asking): Promise<Answering> {
  const { bench, served, seconds, warmUp = WARM_UP_S, say } = run
  const count = Math.ceil(most * (seconds + warmUp))
  const [requests, answers] = [join(bench.dir, 'requests'), join(bench.dir, 'answers')]
  const all = Array.from({ length: count }, (_, n) => request(n))
  writeFileSync(requests, Buffer.concat(all.flatMap((one) => [u32(one.length), one])))
  const postgres = await postmaster(bench)
  const before = used({ service: served.pid, postgres, load: undefined })
  const at = { host: '127.0.0.1', port: served.port, connections: CONNECTIONS, requests, answers }
  const { result, loadSeconds } = await load({ ...at, warmUp, seconds })
  const after = { ...used({ service: served.pid, postgres, load: undefined }), load: loadSeconds }
  const costs = each(before, after, result.total)
  if (result.refused > 0) throw new Error(`${result.refused} requests were refused: ${result.firstRefusal}`)
  const verified = verifyAll(answers)
  const rate = result.answered / result.seconds
  const micros = (name: keyof Costs): string => costs[name].toFixed(0)
  say(
    `${what}: ${Math.round(rate).toLocaleString('en')} answers/s${result.ranDry ? ' (all requests were used up)' : ''}, p50 ${result.p50.toFixed(1)} ms, ` +
      `p99 ${result.p99.toFixed(1)} ms; processor µs of one: service ${micros('service')}, signers ${micros('signers')}, ` +
      `Postgres ${micros('postgres')}, load ${micros('load')}; ${verified}`,
  )
  return { what, rate, costs }
}

/** Every answer says good, and its signature verifies. */
function verifyAll(answers: string): string {
  const file = readFileSync(answers)
  const seen = new Set<string>()
  let count = 0
  for (let at = 0; at < file.length; count++) {
    const length = file.readUInt32BE(at + 4)
    const der = file.subarray(at + 8, at + 8 + length)
    at += 8 + length
    const text = der.toString('latin1')
    if (seen.has(text)) continue
    seen.add(text)
    const { status, singles } = readAnswer(der)
    if (status !== 0 || singles[0]?.status !== 'good')
      throw new Error(`an answer of status ${String(status)}: ${singles[0]?.status ?? 'nothing'}`)
  }
  return `${count.toLocaleString('en')} answers, ${seen.size.toLocaleString('en')} of them different, each verified`
}

/** From the commit of a revocation in one process to the first answer of another that says so. */
async function revocations(
  { bench, say }: Run,
  client: OcspClient,
  serials: readonly Buffer[],
): Promise<void> {
  const { ctx } = bench.service
  const times: number[] = []
  for (const serial of serials) {
    const status = async (): Promise<string> => {
      const { singles } = await client.get(requestFor([certIdOf({ issuer: client.issuer, serial })]))
      return singles[0]?.status ?? ''
    }
    if ((await status()) !== 'good') throw new Error('a certificate that is not good')
    const rows = await bench.service.sql<{ id: string }>('select id from certificate where serial = $1', [
      serial,
    ])
    const revoked = { credentialId: 'none', reason: 'superseded', actor: 'service' } as const
    await revoke(ctx, { ...revoked, certificateId: rows[0]?.id ?? '' })
    const startedAt = performance.now()
    while ((await status()) !== 'revoked');
    times.push(performance.now() - startedAt)
  }
  times.sort((a, b) => a - b)
  const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(0)
  say(`revoked to answered: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(0.9999)} ms, of ${times.length}`)
}

/** Rows of certificates: that is all that OCSP looks at. @returns serial numbers of some of them */
async function fillTo(bench: Bench, count: number): Promise<Buffer[]> {
  const { service } = bench
  const like = serialOf(service.credential.certificate)
  await service.sql(
    `insert into certificate (id, serial, profile, key_id, issuer_id, tbs, der, state, not_before, not_after, issued_at)
     select gen_random_uuid(), '\\x4b'::bytea || substr(sha256(random()::text::bytea || n::text::bytea), 1, 15), profile,
            key_id, issuer_id, ''::bytea, ''::bytea, 'issued', not_before, not_after, now()
       from certificate, generate_series(1, $2::int) as n where serial = $1`,
    [like, count],
  )
  await service.sql('analyze certificate')
  return serialsOf(bench, 50_000)
}

/** Of certificates that were put into the database; of the few others that begin so by chance, not the root's. */
async function serialsOf({ service }: Bench, most: number): Promise<Buffer[]> {
  const rows = await service.sql<{ serial: Buffer }>(
    `select serial from certificate where get_byte(serial, 0) = 75 and profile not in ('root', 'issuing') limit $1::int`,
    [most],
  )
  return rows.map(({ serial }) => serial)
}

function getOf(request: Buffer): Buffer {
  const path = encodeURIComponent(request.toString('base64'))
  return Buffer.from(`GET /pki/ocsp/${path} HTTP/1.1\r\nHost: bench\r\n\r\n`)
}

function postOf(request: Buffer): Buffer {
  const head =
    `POST /pki/ocsp HTTP/1.1\r\nHost: bench\r\nContent-Type: application/ocsp-request\r\n` +
    `Content-Length: ${String(request.length)}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), request])
}

function u32(value: number): Buffer {
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(value)
  return octets
}
