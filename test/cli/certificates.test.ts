import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { intaglio, type Ran } from '../support/cli.ts'
import { withClient } from '../support/database.ts'
import { install, type Installation } from '../support/serverProcess.ts'

describe('the command line of certificates', function () {
  this.timeout(60_000)
  let installation: Installation
  let url: string
  before(async () => {
    installation = await install('dev')
    url = await installation.run().ready()
  })
  after(() => installation.remove())

  const run = (...args: string[]): Promise<Ran> =>
    intaglio(args, { env: { INTAGLIO_HOME: installation.home } })
  /** Runs with --json, and expects it to work. */
  const json = async (...args: string[]): Promise<Record<string, unknown>> => {
    const { code, out, err } = await run(...args, '--json')
    expect(code, err).to.equal(0)
    return JSON.parse(out) as Record<string, unknown>
  }

  it("changes certificates' status by their serial, and reports how long that took", async () => {
    const demo = JSON.parse(readFileSync(join(installation.home, 'demo.json'), 'utf8')) as {
      caCertificate: string
    }
    const root = new X509Certificate(readFileSync(demo.caCertificate))
    const { code, err } = await run('revocation', 'revoke', root.serialNumber, '--reason', 'cACompromise')
    expect([code, err]).to.deep.equal([1, "The certificate is its own issuer's.\n"])
    const page = await (await fetch(`${url}/pki/`)).text()
    const addresses = [...new Set(page.match(/\/pki\/ca\/[0-9a-f-]{36}\.cer/g))]
    const authorities = await Promise.all(
      addresses.map(
        async (path) => new X509Certificate(Buffer.from(await (await fetch(url + path)).arrayBuffer())),
      ),
    )
    const serial = authorities.find(({ subject, issuer }) => subject !== issuer)?.serialNumber ?? ''
    const requested = '2026-01-01T00:00:00Z'
    const suspended = await json('revocation', 'suspend', serial, '--requested-at', requested)
    expect(suspended).to.include({ serial, status: 'revoked', reason: 'certificateHold' })
    expect(await json('revocation', 'reinstate', serial)).to.include({ status: 'issued' })
    const { items } = await json('revocation', 'list', '--serial', serial)
    expect((items as { change: string }[]).map(({ change }) => change)).to.deep.equal([
      'reinstate',
      'suspend',
    ])
    expect(await json('revocation', 'report')).to.include({ changes: 2, late: 1 })
  })

  /** openssl makes a key, and a request that wants to be somebody. */
  const requestAt = (name: string): string => {
    const file = join(installation.home, name)
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null']
    const args = ['req', '-new', ...key, '-subj', '/O=Nobody/CN=root', '-batch', '-out', file]
    execFileSync('openssl', args, { stdio: 'pipe' })
    return file
  }
  const SEAL = 'CN=Narvik seal, O=Narvik\\, AS, organizationIdentifier=NTRNO-987654321, C=NO'

  it('issues a certificate over a PKCS#10, which openssl verifies; shows, finds and exports it', async () => {
    const [request, out] = [requestAt('seal.csr'), join(installation.home, 'seal.pem')]
    const asked = ['--profile', 'ncp-l', '--request', request, '--subject', SEAL, '--days', '90']
    const made = await run('certificate', 'issue', ...asked, '--out', out)
    expect(made.code, made.err).to.equal(0)
    expect(made.out).to.equal('')
    const serial = /^([0-9A-F]{32}) is for CN=Narvik seal, /.exec(made.err)?.[1] ?? ''
    expect(made.err).to.contain('The request names CN=root, O=Nobody, which counts for nothing.\n')
    const pems = readFileSync(out, 'utf8').match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n/g) ?? []
    expect(pems).to.have.length(3)
    const root = join(installation.home, 'root.pem')
    writeFileSync(root, pems[2] ?? '')
    const verify = ['verify', '-x509_strict', '-CAfile', root, '-untrusted', out, out]
    expect(execFileSync('openssl', verify, { encoding: 'utf8' })).to.contain('seal.pem: OK')

    const shown = await run('certificate', 'show', serial)
    expect(shown.out).to.match(
      /^subject +CN=Narvik seal, organizationIdentifier=NTRNO-987654321, O=Narvik\\, AS, C=NO$/m,
    )
    expect(shown.out).to.match(/^status +issued$/m)
    expect(shown.out).to.match(/^askedForBy +operator:[0-9a-f-]{36}$/m)
    expect(shown.out).to.not.contain('BEGIN')
    const offline = await run('certificate', 'show', out, '--url', 'http://127.0.0.1:1')
    expect(offline.code, offline.err).to.equal(0)
    expect(shown.out).to.contain(/^policies +(.+)$/m.exec(offline.out)?.[1])
    const { says } = await json('certificate', 'show', out)
    expect(says)
      .to.include({ serial })
      .and.to.deep.include({ keyUsage: ['nonRepudiation'] })
    const found = await json('certificate', 'search', '--subject', 'narvik S', '--profile', 'ncp-l')
    expect((found['items'] as { serial: string }[]).map((item) => item.serial)).to.deep.equal([serial])
    expect((await run('certificate', 'export', serial)).out).to.equal(pems[0])
    expect((await run('certificate', 'export', serial, '--chain')).out).to.equal(pems.join(''))
    const der = join(installation.home, 'seal.der')
    expect((await run('certificate', 'export', serial, '--der', '--out', der)).code).to.equal(0)
    expect(readFileSync(der).equals(new X509Certificate(pems[0] ?? '').raw)).to.equal(true)
    expect((await json('certificate', 'show', der))['says']).to.deep.equal(says)
    const again = await run('certificate', 'export', serial, '--out', der)
    expect([again.code, again.err]).to.deep.equal([2, `${der} is there already.\n`])
  })

  it('renews and re-keys, which show and search say of both, and opens a link for a credential', async () => {
    const [old] = (await json('certificate', 'search', '--subject', 'Narvik'))['items'] as {
      serial: string
    }[]
    const first = old?.serial ?? ''
    const out = join(installation.home, 'renewed.pem')
    const renewed = await run('certificate', 'renew', first, '--reason', 'request', '--out', out)
    expect([renewed.code, renewed.out], renewed.err).to.deep.equal([0, ''])
    const second = /^([0-9A-F]{32}) has the place of ([0-9A-F]{32})\.\n$/.exec(renewed.err)?.[1] ?? ''
    expect(new X509Certificate(readFileSync(out)).serialNumber).to.equal(second)
    const shown = (await run('certificate', 'show', second)).out
    expect(shown).to.match(new RegExp(`^replaces +${first}, renewal \\(request\\)$`, 'm'))
    expect((await run('certificate', 'show', first)).out).to.match(new RegExp(`^replacedBy +${second}$`, 'm'))
    const request = requestAt('next.csr')
    const third = await json('certificate', 'rekey', second, '--request', request)
    expect(third['replaces']).to.deep.equal({ serial: second, by: 're-key', reason: 'expiry' })
    const open = await json('certificate', 'search', '--subject', 'Narvik', '--replaced', 'false')
    expect((open['items'] as { serial: string }[]).map(({ serial }) => serial)).to.deep.equal([
      third['serial'],
    ])
    const again = await run('certificate', 'renew', second)
    expect([again.code, again.err]).to.deep.equal([
      1,
      `The certificate was replaced by ${String(third['serial'])}.\n`,
    ])
    const { items } = await json('credential', 'list')
    const { certificate } = await json('credential', 'show', (items as { id: string }[])[0]?.id ?? '')
    const mine = (certificate as { serial: string }).serial
    expect((await json('certificate', 'renew', mine))['replaces']).to.include({ serial: mine })
    const next = (await json('certificate', 'show', mine))['replacedBy'] as string
    expect((await json('certificate', 'rekey', next))['enrolment']).to.have.property('link')
  })

  it('checks everything that was issued', async () => {
    const { code, out, err } = await run('certificate', 'check')
    expect([code, err]).to.deep.equal([0, ''])
    expect(out).to.match(/^[1-9][0-9]* certificates checked, 0 findings\.\n$/)
    expect(await json('certificate', 'check')).to.include({ found: 0 })
    const lists = await run('crl', 'check')
    expect([lists.code, lists.err]).to.deep.equal([0, ''])
    // Of two authorities the whole ones, the issuing one's shards, and the one of the root's that is named.
    expect(lists.out).to.equal('131 lists checked, 0 findings.\n')
  })

  it('ends with status 1 where a check finds anything, and says what on a line', async () => {
    const { superUrl } = installation.database
    const sql = (text: string) => withClient(superUrl, (client) => client.query(text))
    await sql(`update certificate set not_after = not_after + interval '1 day' where profile = 'root'`)
    const certificates = await run('certificate', 'check')
    expect([certificates.code, certificates.err]).to.deep.equal([1, 'Not all is as it should be.\n'])
    expect(certificates.out).to.match(
      /^[0-9A-F]{32} root error validity_is_the_recorded \(RFC 5280, 4\.1\.2\.5\): another one\n[0-9]+ certificates checked, 1 findings\.\n$/,
    )
    await sql(`update crl set entries = entries + 1 where (list_id, number) in
                 (select id, published from crl_list where shard is null
                    and issuer_id = (select id from certificate where profile = 'root'))`)
    const lists = await run('crl', 'check')
    expect([lists.code, lists.err]).to.deep.equal([1, 'Not all is as it should be.\n'])
    expect(lists.out).to.match(/^[0-9a-f-]{36} whole [0-9]+ error list_entries_are_the_revoked \(/)
  })
})
