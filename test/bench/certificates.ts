/** Certificates over keys that others hold: each by an operator's signed request over HTTP, with a PKCS#10 of its own. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { signRequest } from '../../src/api/admin/identity.ts'
import { requestOf, spkiOf } from '../pki/support/pkcs10.ts'
import { memory, type Bench, type Served } from './arrange.ts'
import { each, used, type Costs } from './cpu.ts'
import { load, postmaster } from './measure.ts'

const CONNECTIONS = 64
/** Certificates after which compilers and caches are warm, */
const WARM_UP = 2_000
/** or so many for each that is measured, where these are few. */
const WARM_UP_SHARE = 0.5
/** An operator's request is good for a minute after it was signed. */
const LONGEST_S = 45

export interface Issuing {
  /** Certificates a second. */
  readonly rate: number
  /** Microseconds of processor for one. */
  readonly costs: Costs
  readonly says: string
}

export async function certificates(bench: Bench, count: number, say: (text: string) => void): Promise<void> {
  const served = await bench.start()
  try {
    await issuing(bench, served, Math.min(WARM_UP, Math.ceil(count * WARM_UP_SHARE)))
    const { says } = await issuing(bench, served, count)
    const { service, signers } = memory(served.pid)
    say(`${says}; service ${service} MB, signers ${signers.join(' + ')} MB`)
  } finally {
    await served.stop()
  }
}

/** Issues so many. @throws Error unless each was issued once, audited, and verifies with its issuer's key */
export async function issuing(bench: Bench, served: Served, count: number): Promise<Issuing> {
  const [requests, answers] = [join(bench.dir, 'certificate-requests'), join(bench.dir, 'certificates')]
  const orders = await Promise.all(Array.from({ length: count }, (_, n) => order(bench, served, n)))
  writeFileSync(requests, Buffer.concat(orders.map(({ framed }) => framed)))
  const actsBefore = await acts(bench)
  const roots = { service: served.pid, postgres: await postmaster(bench), load: undefined }
  const before = used(roots)
  const at = { host: '127.0.0.1', port: served.port, connections: Math.min(CONNECTIONS, count) }
  const { result, loadSeconds } = await load({ ...at, requests, answers, warmUp: 0, seconds: LONGEST_S })
  const costs = each(before, { ...used(roots), load: loadSeconds }, result.total)
  if (result.refused > 0) throw new Error(`${result.refused} were refused: ${result.firstRefusal}`)
  const issuer = await issuingAuthority(bench)
  const verified = verifyAll(readFileSync(answers), { issuer, spkis: orders.map(({ spki }) => spki) })
  const audited = (await acts(bench)) - actsBefore
  // What is signed, what came of it, and the certificate.
  if (audited !== 3 * verified) throw new Error(`${audited} audit entries for ${verified} certificates`)
  const rate = result.answered / result.seconds
  const { service, signers, postgres, load: own } = costs
  const says =
    `${Math.round(rate)} certificates/s, p50 ${result.p50.toFixed(1)} ms, p99 ${result.p99.toFixed(1)} ms; ` +
    `processor µs of one: service ${service.toFixed(0)}, signers ${signers.toFixed(0)}, ` +
    `Postgres ${postgres.toFixed(0)}, load ${own.toFixed(0)}; ` +
    `${verified.toLocaleString('en')} certificates, each linted and audited by the service, and verified`
  return { rate, costs, says }
}

/** A request with its length before it, and the key that it is for. */
async function order(bench: Bench, served: Served, n: number): Promise<{ framed: Buffer; spki: Buffer }> {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pkcs10 = requestOf({ keys, scheme: 'ecdsa-sha256' }).toString('base64')
  const number = String(n).padStart(8, '0')
  const body = Buffer.from(
    JSON.stringify({
      profile: 'ncp-n',
      request: `-----BEGIN CERTIFICATE REQUEST-----\n${pkcs10}\n-----END CERTIFICATE REQUEST-----\n`,
      subject: {
        countryName: 'NO',
        givenName: 'Kari',
        surname: `Nordmann ${number}`,
        serialNumber: `PNONO-${number}`,
      },
    }),
  )
  const url = `http://127.0.0.1:${served.port}/admin/v1/certificates`
  const token = await signRequest(bench.service.operators.officer, { method: 'POST', url, body })
  const head =
    `POST /admin/v1/certificates HTTP/1.1\r\nHost: 127.0.0.1:${served.port}\r\nAuthorization: Bearer ${token}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
  const whole = Buffer.concat([Buffer.from(head), body])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(whole.length)
  return { framed: Buffer.concat([length, whole]), spki: spkiOf(keys.publicKey) }
}

/** What the audit log has of certificates. */
async function acts(bench: Bench): Promise<number> {
  const [row] = await bench.service.sql<{ count: number }>(
    `select count(*)::int as count from audit where act in ('certificate.sign', 'certificate.issue')`,
  )
  return row?.count ?? 0
}

async function issuingAuthority(bench: Bench): Promise<X509Certificate> {
  const [row] = await bench.service.sql<{ der: Buffer }>(
    `select der from certificate where profile = 'issuing' and state = 'issued'`,
  )
  return new X509Certificate(row?.der ?? Buffer.alloc(0))
}

/** Each is over the key that was asked for, and by its issuer; no two have one serial number. @returns how many there are */
function verifyAll(
  file: Buffer,
  { issuer, spkis }: { readonly issuer: X509Certificate; readonly spkis: readonly Buffer[] },
): number {
  const serials = new Set<string>()
  let count = 0
  for (let at = 0; at < file.length; count++) {
    const [index, length] = [file.readUInt32BE(at), file.readUInt32BE(at + 4)]
    const body = JSON.parse(file.toString('utf8', at + 8, at + 8 + length)) as { certificate: string }
    at += 8 + length
    const certificate = new X509Certificate(body.certificate)
    if (!certificate.verify(issuer.publicKey) || !certificate.checkIssued(issuer))
      throw new Error('a certificate does not verify')
    if (!spkiOf(certificate.publicKey).equals(spkis[index] ?? Buffer.alloc(0)))
      throw new Error('a certificate is over another key than was asked for')
    serials.add(certificate.serialNumber)
  }
  if (serials.size !== count || count !== spkis.length)
    throw new Error(`${serials.size} serial numbers in ${count} certificates, of ${spkis.length}`)
  return count
}
