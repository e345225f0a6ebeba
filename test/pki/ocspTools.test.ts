import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { revoke } from '../../src/pki/revoke.ts'
import { startService, type TestService } from '../support/startService.ts'

/** Programs of others ask and judge. */
describe('OCSP as others read it', function () {
  this.timeout(60_000)
  let service: TestService
  let folder: string
  const paths = { root: '', issuing: '', good: '', revoked: '', unknown: '' }
  before(async () => {
    service = await startService()
    folder = mkdtempSync(join(tmpdir(), 'intaglio-ocsp-'))
    const authorities = await service.sql<{ profile: 'root' | 'issuing'; der: Buffer }>(
      `select profile, der from certificate where profile in ('root', 'issuing')`,
    )
    for (const { profile, der } of authorities) paths[profile] = write(profile, der)
    paths.good = write('good', service.credential.certificate)
    const revoked = await service.newCredential()
    paths.revoked = write('revoked', revoked.certificate)
    const unknown = await service.newCredential()
    paths.unknown = write('unknown', unknown.certificate)
    const idOf = async (credentialId: string): Promise<string> => {
      const rows = await service.sql<{ id: string }>(
        'select certificate_id as id from credential where id = $1',
        [credentialId],
      )
      return rows[0]?.id ?? ''
    }
    await revoke(service.ctx, {
      certificateId: await idOf(revoked.id),
      credentialId: revoked.id,
      reason: 'keyCompromise',
      actor: 'service',
    })
    // As if the process had died before it was stored.
    await service.sql(`update certificate set state = 'planned' where id = $1`, [await idOf(unknown.id)])
  })
  after(async () => {
    rmSync(folder, { recursive: true, force: true })
    await service.close()
  })
  afterEach(() => service.checkState())

  function write(name: string, der: Buffer): string {
    const path = join(folder, `${name}.pem`)
    const text = der.toString('base64').replaceAll(/(.{64})(?=.)/g, '$1\n')
    writeFileSync(path, `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`)
    return path
  }

  /** What it prints, wherever it prints it. It asks a service of this process, which must not wait for it meanwhile. */
  const run = async (command: string, ...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)('sh', ['-c', '"$0" "$@" 2>&1', command, ...args], {
      timeout: 20_000,
    })
    return stdout
  }
  const has = (command: string): boolean => {
    try {
      execFileSync('sh', ['-c', `command -v ${command}`])
      return true
    } catch {
      return false
    }
  }

  const STATUSES = [
    ['good', /good\.pem: good\n/],
    ['revoked', /revoked\.pem: revoked\n(.|\n)*Reason: keyCompromise\n/],
    ['unknown', /unknown\.pem: unknown\n/],
  ] as const
  for (const [name, expected] of STATUSES) {
    for (const hash of ['sha1', 'sha256']) {
      for (const nonce of ['-nonce', '-no_nonce']) {
        it(`openssl ocsp finds ${name} by ${hash} with ${nonce}, and verifies it`, async () => {
          const said = await run(
            'openssl',
            'ocsp',
            ...[`-${hash}`, nonce, '-url', `${service.url}/pki/ocsp`, '-CAfile', paths.root],
            ...['-issuer', paths.issuing, '-cert', paths[name]],
          )
          expect(said).to.match(/^Response verify OK$/m)
          expect(said).to.match(expected)
          expect(said).not.to.match(/WARNING/)
        })
      }
    }
  }

  it('openssl ocsp reads an answer that came by GET', async () => {
    const [request, response] = [join(folder, 'request.der'), join(folder, 'response.der')]
    await run(
      'openssl',
      'ocsp',
      '-no_nonce',
      '-issuer',
      paths.issuing,
      '-cert',
      paths.good,
      '-reqout',
      request,
    )
    const octets = execFileSync('base64', ['-w0', request], { encoding: 'utf8' })
    const answer = await fetch(`${service.url}/pki/ocsp/${encodeURIComponent(octets)}`)
    writeFileSync(response, Buffer.from(await answer.arrayBuffer()))
    const said = await run(
      'openssl',
      ...['ocsp', '-reqin', request, '-respin', response, '-CAfile', paths.root, '-issuer', paths.issuing],
      ...['-cert', paths.good],
    )
    expect(said).to.match(/^Response verify OK$/m)
    expect(said).to.match(/good\.pem: good\n/)
  })

  it('openssl ocsp gets an answer about two certificates at once', async () => {
    const said = await run(
      'openssl',
      ...['ocsp', '-url', `${service.url}/pki/ocsp`, '-CAfile', paths.root, '-issuer', paths.issuing],
      ...['-cert', paths.good, '-cert', paths.revoked],
    )
    expect(said).to.match(/good\.pem: good\n(.|\n)*revoked\.pem: revoked\n/)
  })

  it('ocsptool of GnuTLS asks, and verifies', async function () {
    if (!has('ocsptool')) this.skip()
    for (const [name, expected] of [
      ['good', /Certificate Status: good/],
      ['revoked', /Certificate Status: revoked/],
    ] as const) {
      const said = await run(
        'ocsptool',
        ...[`--ask=${service.url}/pki/ocsp`, '--nonce', '--load-cert', paths[name]],
        ...['--load-issuer', paths.issuing, '--load-trust', paths.issuing],
      )
      expect(said).to.match(expected)
      expect(said).to.match(/Verifying OCSP Response: Success/)
    }
  })
})
