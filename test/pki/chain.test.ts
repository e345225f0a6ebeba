import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { certificateChain } from '../../src/db/certificates.ts'
import { findCredential } from '../../src/db/credentials.ts'
import { ensureHierarchy } from '../../src/pki/hierarchy.ts'
import { createTestContext, type TestContext } from '../support/context.ts'

const KEY_TYPES = ['P-256', 'P-384', 'P-521', 'RSA-2048', 'Ed25519'] as const

describe('the certificate chain', () => {
  let test: TestContext
  let folder: string
  before(async () => {
    test = await createTestContext()
    folder = mkdtempSync(join(tmpdir(), 'intaglio-chain-'))
  })
  afterEach(() => test.checkState())
  after(async () => {
    rmSync(folder, { recursive: true, force: true })
    await test.close()
  })

  const pem = (der: Buffer): string =>
    `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replaceAll(/(.{64})(?=.)/g, '$1\n')}\n-----END CERTIFICATE-----\n`
  const files = async (credentialId: string): Promise<{ leaf: string; issuing: string; root: string }> => {
    const row = await findCredential(test.ctx.db, { id: credentialId })
    const chain = await certificateChain(test.ctx.db, row?.certificateId ?? '')
    expect(chain).to.have.length(3)
    const names = ['leaf', 'issuing', 'root'].map((name) => join(folder, `${credentialId}.${name}.pem`))
    names.forEach((name, index) => writeFileSync(name, pem(chain[index] ?? Buffer.alloc(0))))
    const [leaf = '', issuing = '', root = ''] = names
    return { leaf, issuing, root }
  }
  const openssl = (...args: string[]): string =>
    execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' })

  for (const keyType of KEY_TYPES) {
    it(`of a ${keyType} credential is what openssl -x509_strict accepts`, async () => {
      const id = await test.enrolCredential({ clientId: 'demo', pin: '295716', keyType })
      const { leaf, issuing, root } = await files(id)
      expect(openssl('verify', '-x509_strict', '-CAfile', root, '-untrusted', issuing, leaf)).to.equal(
        `${leaf}: OK\n`,
      )
    })
  }

  it('says what its holder may do with the key, and who the holder is', async () => {
    const id = await test.enrolCredential({
      clientId: 'demo',
      pin: '295716',
      keyType: 'P-256',
      person: {
        givenName: 'Ελένη',
        surname: 'Παπαδοπούλου-O’Neill',
        country: 'GR',
        serialNumber: 'PNOGR-12345678',
      },
    })
    const { leaf } = await files(id)
    const text = openssl('x509', '-in', leaf, '-noout', '-text', '-nameopt', 'RFC2253,-esc_msb,utf8')
    expect(text).to.match(/Key Usage: critical\s+Non Repudiation\n/)
    expect(text).to.include('serialNumber=PNOGR-12345678')
    expect(text).to.include('C=GR')
    expect(text).to.include('GN=Ελένη')
    expect(text).to.include('SN=Παπαδοπούλου-O’Neill')
    expect(text).not.to.include('CA:TRUE')
  })

  it('is made once, however many start at once', async () => {
    await Promise.all([ensureHierarchy(test.ctx), ensureHierarchy(test.ctx), ensureHierarchy(test.ctx)])
    const rows = await test.ctx.db.query<{ profile: string; n: number }>({
      text: `select profile, count(*)::int as n from certificate where profile in ('root', 'issuing') group by 1 order by 1`,
    })
    expect(rows).to.deep.equal([
      { profile: 'issuing', n: 1 },
      { profile: 'root', n: 1 },
    ])
  })

  it('records serial and to-be-signed octets before the token is asked', async () => {
    const rows = await test.ctx.db.query<{ late: number; short: number }>({
      text: `select count(*) filter (where a.recorded_at < c.created_at)::int as late,
                    count(*) filter (where octet_length(c.serial) <> 16 or get_byte(c.serial, 0) >= 128
                                        or get_byte(c.serial, 0) < 64)::int as short
               from certificate c join audit a on a.act = 'certificate.sign' and a.kind = 'intent'
                and 'certificate:' || c.id = any(a.subjects)`,
    })
    expect(rows).to.deep.equal([{ late: 0, short: 0 }])
  })
})
