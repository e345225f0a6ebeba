import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { shardOf } from '../../src/pki/publication.ts'
import type { TestCredential, TestService } from '../support/startService.ts'

const WAIT_MS = 10_000

export interface Revoked {
  readonly serial: string
  readonly reason: string | undefined
}

/** What relying parties see of a service's lists. */
export class Lists {
  readonly service: TestService
  readonly folder = mkdtempSync(join(tmpdir(), 'intaglio-lists-'))
  readonly root: string
  readonly issuing: string

  private constructor(service: TestService, ids: { root: string; issuing: string }) {
    this.service = service
    this.root = ids.root
    this.issuing = ids.issuing
  }

  static async of(service: TestService): Promise<Lists> {
    const rows = await service.sql<{ profile: string; id: string }>(
      `select profile, id from certificate where profile in ('root', 'issuing') and state = 'issued'`,
    )
    const idOf = (profile: string): string => rows.find((row) => row.profile === profile)?.id ?? ''
    return new Lists(service, { root: idOf('root'), issuing: idOf('issuing') })
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  get(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.service.url}/pki${path}`, init)
  }

  path(shard?: number, issuer = this.issuing): string {
    return `/crl/${issuer}${shard === undefined ? '' : `/${String(shard)}`}.crl`
  }

  /** The newest one: the face asks which that is once a second. */
  async octets(path: string): Promise<Buffer> {
    const [, issuer, shard] = /^\/crl\/([0-9a-f-]+)(?:\/([0-9]+))?\.crl$/.exec(path) ?? []
    const number =
      issuer === undefined
        ? undefined
        : await this.numberOf(shard === undefined ? null : Number(shard), issuer)
    for (const until = Date.now() + WAIT_MS; ;) {
      const response = await this.get(path)
      const octets = Buffer.from(await response.arrayBuffer())
      if (response.status !== 200) throw new Error(`${path}: ${String(response.status)}`)
      if (number === undefined || response.headers.get('etag')?.startsWith(`"${String(number)}-`) === true)
        return octets
      if (Date.now() > until) throw new Error(`${path}: not number ${String(number)}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async numberOf(shard: number | null, issuer = this.issuing): Promise<number> {
    const rows = await this.service.sql<{ published: string }>(
      'select published from crl_list where issuer_id = $1 and shard is not distinct from $2::int',
      [issuer, shard],
    )
    return Number(rows[0]?.published)
  }

  async serialOf(credential: TestCredential): Promise<Buffer> {
    const rows = await this.service.sql<{ serial: Buffer }>(
      `select serial from certificate ce join credential c on c.certificate_id = ce.id where c.id = $1`,
      [credential.id],
    )
    return rows[0]?.serial ?? Buffer.alloc(0)
  }

  async shardOf(credential: TestCredential): Promise<number> {
    return shardOf(await this.serialOf(credential))
  }

  file(name: string, octets: Buffer | string): string {
    const path = join(this.folder, name)
    writeFileSync(path, octets)
    return path
  }

  async pem(name: string, path: string): Promise<string> {
    return this.file(name, pemOf(await this.octets(path)))
  }

  /** What openssl reads in a list. */
  async text(path: string): Promise<string> {
    const input = await this.octets(path)
    return execFileSync('openssl', ['crl', '-inform', 'DER', '-noout', '-text'], {
      input,
      encoding: 'utf8',
      stdio: 'pipe',
    })
  }

  async revoked(path: string): Promise<Revoked[]> {
    const [, ...entries] = (await this.text(path)).split(/Serial Number: /)
    return entries.map((entry) => ({
      serial: /^[0-9A-F]+/.exec(entry)?.[0] ?? '',
      reason: /Reason Code: \s+(.+)/.exec(entry)?.[1],
    }))
  }

  /** Certificates that nobody holds, as they would stand in a list. @returns their ids */
  async issueOnPaper(count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, () => randomUUID())
    const serials = ids.map(() => Buffer.concat([Buffer.from([0x50]), randomBytes(15)]))
    await this.service.sql(
      `insert into certificate (id, serial, profile, key_id, issuer_id, der, state, not_before, not_after)
       select made.id, made.serial, 'natural-person', (select key_id from certificate where id = $3), $3, '\\x3000', 'issued',
              now() - interval '1 minute', now() + interval '1 day'
         from unnest($1::uuid[], $2::bytea[]) as made(id, serial)`,
      [ids, serials, this.issuing],
    )
    return ids
  }
}

export const pemOf = (der: Buffer, label = 'CERTIFICATE'): string =>
  `-----BEGIN ${label}-----\n${der.toString('base64').replaceAll(/(.{64})(?=.)/g, '$1\n')}\n-----END ${label}-----\n`

/** Exit status and everything that was said. */
export function run(
  command: string,
  ...args: string[]
): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return { status, said: `${stdout}${stderr}` }
}

export const has = (command: string): boolean => spawnSync(command, ['--version']).status === 0
