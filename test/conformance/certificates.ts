import { generateKeyPairSync, randomInt } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeyType } from '../../hsm/algorithms.ts'
import type { Context } from '../../src/context.ts'
import { newestCertificate } from '../../src/db/certificates.ts'
import { issue } from '../../src/pki/issue.ts'
import { issueFor, type CertificateSubject, type IssueOrder } from '../../src/pki/issueFor.ts'
import { issuingAuthority } from '../../src/pki/hierarchy.ts'
import { authorityName, isNameText } from '../../src/pki/names.ts'
import { profiles, type ProfileName, type ProfileRow } from '../../src/pki/profiles.ts'
import { makeKey } from '../../src/signing/makeKey.ts'
import { createTestContext, type TestContext } from '../support/context.ts'

/** Of each profile but those of the authorities: more than a thousand altogether. */
const EACH = 75
const PIN = '295716'

export interface MadeCertificate {
  readonly profile: ProfileName
  /** File that holds the DER. */
  readonly file: string
}

/** Certificates of all profiles, for whoever they are, by a service with a token. */
export class Certificates {
  readonly test: TestContext
  readonly folder = mkdtempSync(join(tmpdir(), 'intaglio-certificates-'))
  readonly made: MadeCertificate[] = []
  readonly #ctx: Context

  private constructor(test: TestContext) {
    this.test = test
    const { config } = test.ctx
    const ca = {
      ...config.ca,
      organizationIdentifier: 'NTRNO-987654321',
      publicUrl: 'http://pki.example.org',
      cps: 'https://www.example.org/cps',
      pds: [{ language: 'en', url: 'https://www.example.org/pds' }],
      // So that all profiles are judged; SoftHSM is none, and a configuration that says so is refused.
      device: { token: test.token.config.name, certifiedAs: 'qscd' as const, certificate: 'none, a test' },
    }
    this.#ctx = { ...test.ctx, config: { ...config, ca } }
  }

  static async make(): Promise<Certificates> {
    const certificates = new Certificates(await createTestContext())
    for (const row of Object.values(profiles)) await certificates.#ofProfile(row)
    return certificates
  }

  async #ofProfile(row: ProfileRow): Promise<void> {
    if (row.subject === 'authority') return this.#ofService(row)
    const key = await this.#keyFor(row)
    for (let n = 0; n < EACH; n++) {
      const order = { profile: row.name, subject: someSubject(row), actor: 'operator:judge' }
      const { der } = await issueFor(this.#ctx, { ...order, key: row.outside ? outsideKey(n, row) : key })
      this.#keep(row, der)
    }
  }

  async #ofService(row: ProfileRow): Promise<void> {
    if (row.name === 'root' || row.name === 'issuing') {
      this.#keep(row, (await newestCertificate(this.#ctx.db, row.name))?.der ?? Buffer.alloc(0))
      return
    }
    const [key, issuer] = [await this.#keyFor(row), await issuingAuthority(this.#ctx)]
    for (let n = 0; n < EACH; n++) {
      const subject = authorityName({ ...this.#ctx.config.ca, name: words(30) })
      this.#keep(row, (await issue(this.#ctx, { profile: row.name, subject, key, issuer })).der)
    }
  }

  async #keyFor(row: ProfileRow): Promise<IssueOrder['key']> {
    if (row.purpose === undefined) return outsideKey(0, row)
    const activated = row.purpose === 'signing' || row.purpose === 'seal'
    const secrets = activated ? { secrets: [PIN] } : {}
    return makeKey(this.#ctx, { keyType: 'P-256', purpose: row.purpose, actor: 'service', ...secrets })
  }

  #keep({ name }: ProfileRow, der: Buffer): void {
    const file = join(this.folder, `${name}.${this.made.length}.der`)
    writeFileSync(file, der)
    this.made.push({ profile: name, file })
  }

  async remove(): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true })
    await this.test.close()
  }
}

const CURVES = ['P-256', 'P-384', 'P-521'] as const
const rsa = new Map<number, Buffer>()

/** Of each kind in turn; RSA keys are made once, for they take long. */
function outsideKey(n: number, { rsaBits }: ProfileRow): { keyType: KeyType; spki: Buffer } {
  const curve = CURVES[n % 4]
  const format = { format: 'der', type: 'spki' } as const
  if (curve !== undefined) {
    return { keyType: curve, spki: generateKeyPairSync('ec', { namedCurve: curve }).publicKey.export(format) }
  }
  const spki =
    rsa.get(rsaBits) ?? generateKeyPairSync('rsa', { modulusLength: rsaBits }).publicKey.export(format)
  rsa.set(rsaBits, spki)
  return { keyType: rsaBits === 2048 ? 'RSA-2048' : 'RSA-3072', spki }
}

function someSubject({ subject }: ProfileRow): CertificateSubject {
  const organization = words(64)
  if (subject === 'machine') return { form: 'machine', organization, name: words(64) }
  if (subject === 'legal person') {
    const organizationIdentifier = oneOf([
      'NTRNO-987654321',
      'VATEL-094277965',
      'PSDES-BDE-3DFD21',
      'LEIXG-5493001KJTIIGC8Y1R12',
    ])
    const unit = oneOf([undefined, words(64)])
    return {
      form: subject,
      country: 'NO',
      organization,
      organizationIdentifier,
      organizationalUnit: unit,
      name: words(64),
    }
  }
  const serialNumber = `${oneOf(['PNO', 'IDC', 'PAS', 'TIN'])}${oneOf(['NO', 'GR', 'DE'])}-${randomInt(1e9)}`
  const named = oneOf([
    { givenName: words(64), surname: words(64) },
    { surname: words(64) },
    { givenName: words(20) },
    { pseudonym: words(64) },
  ])
  return { form: 'natural person', country: oneOf(['NO', 'GR', 'FR']), serialNumber, ...named }
}

/** Scripts that people write their names in, by their code points. */
const SCRIPTS = [
  [0x41, 0x5a],
  [0xc0, 0x24f],
  [0x391, 0x3ce],
  [0x410, 0x44f],
  [0x561, 0x586],
  [0x5d0, 0x5ea],
  [0x620, 0x64a],
  [0x905, 0x939],
  [0xe01, 0xe2e],
  [0x10d0, 0x10fa],
  [0x1e00, 0x1eff],
  [0x3041, 0x3096],
  [0x4e00, 0x9fa5],
  [0xac00, 0xd7a3],
  [0x20000, 0x2a6d6],
] as const

/** One or two words of one script, composed, with at most so many characters. */
function words(max: number): string {
  const [from, to] = oneOf(SCRIPTS)
  const word = (): string =>
    Array.from({ length: randomInt(1, 12) }, () => String.fromCodePoint(randomInt(from, to + 1))).join('')
  const text = oneOf([word(), `${word()} ${word()}`, `${word()}-${word()}`]).normalize('NFC')
  return isNameText(text) && Array.from(text).length <= max ? text : words(max)
}

function oneOf<T>(all: readonly T[]): T {
  return all[randomInt(all.length)] as T
}
