import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { altered, rootOf, signedPdf } from '../csc/pdf.ts'
import { startService, type TestService } from '../support/startService.ts'
import { commandPath, judge, type Probe } from './judge.ts'

const KEY_TYPES = ['P-256', 'RSA-2048'] as const

const probe = (needed: Readonly<Record<string, string>>) => (): Probe => {
  const missing = Object.keys(needed).filter((name) => commandPath(name) === undefined)
  if (missing.length > 0) {
    return { missing: missing.map((name) => `${name} of ${needed[name] ?? ''} is not installed`).join(', ') }
  }
  const { stderr } = spawnSync('pdfsig', ['-v'], { encoding: 'utf8' })
  return { version: /\d[\d.]*/.exec(stderr)?.[0] ?? 'of a version it does not tell' }
}

/** It may ask the service of this process, which must not wait for it meanwhile. @throws Error unless it ended well */
async function run(program: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)(program, args)).stdout
}

/** A service, and a folder for what the programs read. */
function arrange(): { service: () => TestService; folder: () => string } {
  let service: TestService
  let folder: string
  before(async function () {
    this.timeout(60_000)
    // Made anew, so that certificates name the port of this service.
    service = await startService({ ca: { endEntityDays: 30 } })
    folder = mkdtempSync(join(tmpdir(), 'intaglio-pdfsig-'))
  })
  afterEach(() => service.checkState())
  after(async () => {
    rmSync(folder, { recursive: true, force: true })
    await service.close()
  })
  return { service: () => service, folder: () => folder }
}

/** @returns the lines of what is said, without their dashes */
async function judged(pdf: Buffer, folder: string, ...options: string[]): Promise<string[]> {
  const file = join(folder, 'document.pdf')
  writeFileSync(file, pdf)
  const lines = (await run('pdfsig', ...options, file)).split('\n')
  return lines.map((line) => line.replace(/^ +- /, ''))
}

judge('pdfsig', probe({ pdfsig: 'poppler-utils' }), (tally) => {
  const { service, folder } = arrange()

  for (const keyType of KEY_TYPES) {
    it(`accepts what a PDF library made with ${keyType}, and no altered document`, async () => {
      const pdf = await signedPdf(service(), await service().newCredential({ keyType }))
      expect(await judged(pdf, folder(), '-nocert')).to.include.members([
        'Signer Certificate Common Name: Tess Tester',
        'Signing Hash Algorithm: SHA-256',
        'Signature Type: ETSI.CAdES.detached',
        'Total document signed',
        'Signature Validation: Signature is Valid.',
      ])
      const others = await judged(altered(pdf), folder(), '-nocert')
      expect(others).to.include('Signature Validation: Digest Mismatch.')
      tally.add('PDF signatures')
    })
  }
})

/** What it trusts stands in a database of NSS, and certutil makes these. */
const WITH_TRUST = { pdfsig: 'poppler-utils', certutil: 'libnss3-tools' }

judge('pdfsig with a root', probe(WITH_TRUST), (tally) => {
  const { service, folder } = arrange()

  for (const keyType of KEY_TYPES) {
    it(`trusts the chain of a ${keyType} credential if it trusts our root, and not otherwise`, async () => {
      const pdf = await signedPdf(service(), await service().newCredential({ keyType }))
      const nss = mkdtempSync(join(folder(), 'nss-'))
      // It asks the responder that the certificate names.
      const verdict = async (): Promise<string | undefined> => {
        const lines = await judged(pdf, folder(), '-nssdir', nss)
        return lines.find((line) => line.startsWith('Certificate Validation'))
      }
      const root = join(folder(), 'root.pem')
      writeFileSync(root, await rootOf(service()))
      await run('certutil', '-N', '--empty-password', '-d', `sql:${nss}`)
      expect(await verdict()).to.equal("Certificate Validation: Certificate issuer isn't Trusted.")
      await run('certutil', '-A', '-n', 'root', '-t', 'C,C,C', '-i', root, '-d', `sql:${nss}`)
      expect(await verdict()).to.equal('Certificate Validation: Certificate is Trusted.')
      tally.add('chains')
    })
  }
})
