import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'
import { altered, rootOf, signatureOf, signedPdf } from './pdf.ts'

/** Older ones, and LibreSSL, do not look at signing-certificate-v2. */
function hasJudge(): boolean {
  const { error, stderr } = spawnSync('openssl', ['cms', '-help'])
  return error === undefined && stderr.includes('-cades')
}

describe('A PDF library of npm', () => {
  let service: TestService
  let folder: string
  before(async () => {
    service = await startService()
    folder = mkdtempSync(join(tmpdir(), 'intaglio-pades-'))
  })
  afterEach(() => service.checkState())
  after(async () => {
    rmSync(folder, { recursive: true, force: true })
    await service.close()
  })

  const file = (name: string, content: string | Buffer): string => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  /** Trusts the given root and no other. @returns the signer's certificate in DER, or what was said */
  const judged = (pdf: Buffer, trust: readonly string[]): Buffer | string => {
    const { cms, covered } = signatureOf(pdf)
    const signer = file('signer.pem', '')
    const files = ['-in', file('cms', cms), '-content', file('covered', covered), '-signer', signer]
    const how = ['-binary', '-cades', '-x509_strict', '-no-CApath', '-no-CAstore', ...trust]
    const args = ['cms', '-verify', '-inform', 'DER', ...files, ...how, '-out', join(folder, 'out')]
    const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
    return status === 0 ? new X509Certificate(readFileSync(signer)).raw : stderr
  }

  for (const keyType of ['P-256', 'RSA-2048'] as const) {
    it(`makes a PAdES signature with ${keyType} that openssl accepts, and no other document with it`, async function () {
      const credential = await service.newCredential({ keyType })
      const pdf = await signedPdf(service, credential)
      expect(pdf.toString('latin1')).to.match(/\/SubFilter\s*\/ETSI\.CAdES\.detached/)
      expect(() => signatureOf(pdf)).to.not.throw()
      if (!hasJudge()) {
        console.log('      skipped: there is no openssl on the path whose cms command knows -cades')
        this.skip()
      }
      const root = ['-CAfile', file('root.pem', await rootOf(service))]
      expect(judged(pdf, root)).to.deep.equal(credential.certificate)
      expect(judged(altered(pdf), root)).to.match(/digest|verification failure/i)
      expect(judged(pdf, ['-no-CAfile'])).to.match(/certificate verify error/)
    })
  }

  it('is used as docs/client.md says', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../docs/client.md'), 'utf8')
    const [, block] = /^```ts\n(.*?)^```$/ms.exec(page) ?? []
    expect(block).to.equal(readFileSync(join(import.meta.dirname, 'pdfSigner.ts'), 'utf8'))
  })
})
