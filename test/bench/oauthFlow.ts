/**
 * Whole code flows: request pushed, page opened, PIN typed, code redeemed, one digest signed and verified. Each driver is
 * one holder with one credential, and asks again as soon as it was answered.
 */
import { createHash, createVerify, randomBytes, X509Certificate, type KeyObject } from 'node:crypto'
import { Agent, request as send, type IncomingHttpHeaders } from 'node:http'
import { OID } from '../csc/client.ts'
import type { TestCredential } from '../support/startService.ts'
import { KDF, SALT_OCTETS, stretch } from '../../src/signing/secrets.ts'
import type { Bench, Served } from './arrange.ts'
import { used, type Costs } from './cpu.ts'
import { postmaster } from './measure.ts'

const REDIRECT = 'https://client.example/back'
/** Compilers and caches are warm after that. */
const WARM_UP_S = 3
/** Computations of Argon2id that tell what one costs. */
const STRETCHED = 20

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

interface Holder {
  readonly credential: TestCredential
  readonly publicKey: KeyObject
}

interface Client {
  readonly id: string
  readonly secret: string
}

export async function oauthFlows(
  bench: Bench,
  { seconds, holders: count }: { readonly seconds: number; readonly holders: number },
  say: (text: string) => void,
): Promise<void> {
  const client = await bench.service.newClient('Bench', [REDIRECT], true)
  const holders: Holder[] = []
  while (holders.length < count) {
    const credential = await bench.service.newCredential({ clientId: client.id, mode: 'oauth2code' })
    holders.push({ credential, publicKey: new X509Certificate(credential.certificate).publicKey })
  }
  const served = await bench.start()
  const agent = new Agent({ keepAlive: true, maxSockets: count })
  try {
    const flow = (holder: Holder): Promise<void> => once({ served, agent, client }, holder)
    await during(WARM_UP_S, holders, flow)
    const postgres = await postmaster(bench)
    const costs = (): Costs => used({ service: served.pid, postgres, load: process.pid })
    const [before, cpuBefore] = [costs(), process.cpuUsage()]
    const times = await during(seconds, holders, flow)
    const after = costs()
    const { user, system } = process.cpuUsage(cpuBefore)
    const each = (name: keyof Costs): string =>
      (((after[name] - before[name]) * 1000) / times.length).toFixed(1)
    times.sort((a, b) => a - b)
    const percentile = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(0)
    say(
      `${(times.length / seconds).toFixed(1)} code flows/s with ${count} holders, p50 ${percentile(0.5)} ms, ` +
        `p99 ${percentile(0.99)} ms; each signature verified.`,
    )
    say(
      `Processor time of one, ms: service ${each('service')}, signers ${each('signers')}, Postgres ` +
        `${each('postgres')}, load ${((user + system) / 1000 / times.length).toFixed(1)}; Argon2id is ` +
        `${(await stretching()).toFixed(1)} of the service's.`,
    )
  } finally {
    agent.destroy()
    await served.stop()
  }
}

/** @returns milliseconds of each flow that ended in the time */
async function during(
  seconds: number,
  holders: readonly Holder[],
  flow: (holder: Holder) => Promise<void>,
): Promise<number[]> {
  const end = performance.now() + seconds * 1000
  const times: number[] = []
  const drive = async (holder: Holder): Promise<void> => {
    for (;;) {
      const start = performance.now()
      await flow(holder)
      const now = performance.now()
      if (now > end) return
      times.push(now - start)
    }
  }
  await Promise.all(holders.map(drive))
  return times
}

interface Way {
  readonly served: Served
  readonly agent: Agent
  readonly client: Client
}

async function once(way: Way, { credential, publicKey }: Holder): Promise<void> {
  const { client } = way
  const verifier = randomBytes(32).toString('base64url')
  const document = randomBytes(32)
  const hash = createHash('sha256').update(document).digest()
  const basic = `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`
  const pushed = await post(way, '/oauth2/pushed_authorize', {
    headers: { authorization: basic },
    form: {
      response_type: 'code',
      redirect_uri: REDIRECT,
      scope: 'credential',
      credentialID: credential.id,
      numSignatures: '1',
      hashes: hash.toString('base64url'),
      hashAlgorithmOID: OID.sha256,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    },
  })
  const query = new URLSearchParams({
    client_id: client.id,
    request_uri: json(pushed, 201)['request_uri'] ?? '',
  })
  const opened = await ask(way, { path: `/oauth2/authorize?${query.toString()}` })
  const [cookie = ''] = opened.headers['set-cookie']?.[0]?.split(';') ?? []
  const path = opened.headers.location ?? ''
  const page = await ask(way, { path, headers: { cookie } })
  const token = /name="token" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
  const form = { token, answer: 'approve', pin: credential.pin }
  const sent = await post(way, path, { headers: { cookie }, form })
  const code = new URL(sent.headers.location ?? 'none:').searchParams.get('code') ?? ''
  const given = await post(way, '/oauth2/token', {
    headers: { authorization: basic },
    form: { grant_type: 'authorization_code', code, redirect_uri: REDIRECT, code_verifier: verifier },
  })
  const signed = await ask(way, {
    path: '/csc/v2/signatures/signHash',
    headers: {
      authorization: `Bearer ${json(given, 200)['access_token'] ?? ''}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      credentialID: credential.id,
      hashes: [hash.toString('base64')],
      signAlgo: OID.ecdsa256,
    }),
  })
  const { signatures = [] } = json(signed, 200) as unknown as { signatures?: string[] }
  const verified = createVerify('sha256')
    .update(document)
    .verify(publicKey, signatures[0] ?? '', 'base64')
  if (!verified) throw new Error('a signature that does not verify')
}

function json({ status, text }: Answer, expected: number): Record<string, string> {
  if (status !== expected) throw new Error(`${status}: ${text}`)
  return JSON.parse(text) as Record<string, string>
}

function post(
  way: Way,
  path: string,
  { form, headers }: { form: Record<string, string>; headers: Record<string, string> },
): Promise<Answer> {
  const body = new URLSearchParams(form).toString()
  return ask(way, {
    path,
    body,
    headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
  })
}

interface Asked {
  readonly path: string
  readonly headers?: Record<string, string>
  /** Posted, where there is one. */
  readonly body?: string
}

function ask({ served, agent }: Way, { path, headers = {}, body }: Asked): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const all = { ...headers, ...length }
    const request = send({ port: served.port, agent, path, method, headers: all }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const { statusCode: status = 0 } = response
        resolve({ status, headers: response.headers, text: Buffer.concat(chunks).toString() })
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** Processor milliseconds of one Argon2id, as the service computes it. */
async function stretching(): Promise<number> {
  const before = process.cpuUsage()
  for (let done = 0; done < STRETCHED; done++)
    await stretch(['123456'], { salt: randomBytes(SALT_OCTETS), ...KDF }, 'bench')
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / STRETCHED
}
