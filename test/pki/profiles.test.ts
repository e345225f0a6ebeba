import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Context } from '../../src/context.ts'
import { certificateChain } from '../../src/db/certificates.ts'
import { issueFor, type CertificateSubject } from '../../src/pki/issueFor.ts'
import { profiles, type ProfileName, type SubjectForm } from '../../src/pki/profiles.ts'
import { shardOf } from '../../src/pki/publication.ts'
import { makeServiceSigner } from '../../src/pki/serviceSigner.ts'
import { Refusal } from '../../src/refusal.ts'
import { makeKey } from '../../src/signing/makeKey.ts'
import { createTestContext, type TestContext } from '../support/context.ts'

const SUBJECTS: Readonly<Partial<Record<SubjectForm, CertificateSubject>>> = {
  'natural person': {
    form: 'natural person',
    country: 'GR',
    givenName: 'Ελένη',
    surname: 'Παπαδοπούλου',
    serialNumber: 'PNOGR-12345678',
  },
  'legal person': {
    form: 'legal person',
    country: 'NO',
    organization: 'Fjord AS',
    organizationIdentifier: 'LEIXG-5493001KJTIIGC8Y1R12',
    name: 'Fjord',
  },
  machine: { form: 'machine', organization: 'Trust AS', name: 'Ada' },
}
/** Holders' secrets of keys that are activated. */
const PIN = '295716'

describe('certificate profiles', () => {
  let test: TestContext
  let folder: string
  /** As if the token were a QSCD. */
  let declared: Context
  before(async () => {
    test = await createTestContext()
    test.secrets.push(PIN)
    folder = mkdtempSync(join(tmpdir(), 'intaglio-profiles-'))
    const { ctx } = test
    const ca = {
      ...ctx.config.ca,
      cps: 'https://www.example.org/cps',
      pds: [{ language: 'en', url: 'https://www.example.org/pds' }],
      device: { token: test.token.config.name, certifiedAs: 'qscd' as const, certificate: 'none, a test' },
      publicUrl: 'http://pki.example.org',
    }
    declared = { ...ctx, config: { ...ctx.config, ca } }
  })
  afterEach(() => test.checkState())
  after(async () => {
    rmSync(folder, { recursive: true, force: true })
    await test.close()
  })

  const issued = async (ctx: Context, profile: ProfileName): Promise<string> => {
    const row = profiles[profile]
    const [newest] = await newestOf(profile)
    if (row.subject === 'authority') {
      if (newest !== undefined) return newest
      await makeServiceSigner(ctx, profile as 'ocsp' | 'tsu')
      return (await newestOf(profile))[0] ?? ''
    }
    const subject = SUBJECTS[row.subject]
    if (subject === undefined) throw new Error('no subject')
    const secrets = row.purpose === 'credential-issuing' ? {} : { secrets: [PIN] }
    const key =
      row.purpose === undefined
        ? outsideKey()
        : await makeKey(ctx, { keyType: 'P-256', purpose: row.purpose, actor: 'service', ...secrets })
    return (await issueFor(ctx, { profile, subject, key, actor: 'operator:test' })).id
  }
  const newestOf = async (profile: ProfileName): Promise<string[]> => {
    const rows = await test.ctx.db.query<{ id: string }>({
      text: `select id from certificate where profile = $1::text order by created_at desc`,
      values: [profile],
    })
    return rows.map(({ id }) => id)
  }
  const outsideKey = () => ({
    keyType: 'P-256' as const,
    spki: generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
      format: 'der',
      type: 'spki',
    }),
  })
  const pem = (der: Buffer): string =>
    `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replaceAll(/(.{64})(?=.)/g, '$1\n')}\n-----END CERTIFICATE-----\n`
  const openssl = (...args: string[]): string =>
    execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' })
  const refusalOf = async (asking: Promise<unknown>): Promise<string> => {
    const error = await asking.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    return error instanceof Refusal ? `${error.code} ${error.message}` : String(error)
  }

  for (const profile of Object.keys(profiles) as ProfileName[]) {
    it(`${profile}: what is issued is what openssl -x509_strict accepts`, async () => {
      const chain = await certificateChain(test.ctx.db, await issued(declared, profile))
      const paths = chain.map((der, index) => {
        const path = join(folder, `${profile}.${index}.pem`)
        writeFileSync(path, pem(der))
        return path
      })
      const [leaf = ''] = paths
      const between = paths.slice(1, -1).flatMap((path) => ['-untrusted', path])
      const trusted = ['-CAfile', paths.at(-1) ?? '']
      expect(openssl('verify', '-x509_strict', ...trusted, ...between, leaf)).to.equal(`${leaf}: OK\n`)
    })
  }

  it('say where lists, responder and issuer are, by the serial', async () => {
    const [id = ''] = await newestOf('ncp-n')
    const [row] = await test.ctx.db.query<{
      serial: Buffer
      crl_shard: number
      issuer_id: string
      subject: string
    }>({
      text: 'select serial, crl_shard, issuer_id, subject from certificate where id = $1::uuid',
      values: [id],
    })
    if (row === undefined) throw new Error('no certificate')
    expect(row.crl_shard).to.equal(shardOf(row.serial))
    expect(row.subject).to.equal(
      'CN=Ελένη Παπαδοπούλου, serialNumber=PNOGR-12345678, GN=Ελένη, SN=Παπαδοπούλου, C=GR',
    )
    const text = openssl('x509', '-in', join(folder, 'ncp-n.0.pem'), '-noout', '-text')
    const { issuer_id: issuer, crl_shard: shard } = row
    expect(text).to.include(`URI:http://pki.example.org/pki/crl/${issuer}/${shard}.crl`)
    expect(text).to.include('OCSP - URI:http://pki.example.org/pki/ocsp\n')
    expect(text).to.include(`CA Issuers - URI:http://pki.example.org/pki/ca/${issuer}.cer`)
    expect(text).to.include('Policy: 0.4.0.2042.1.1\n')
    expect(text).to.include('CPS: https://www.example.org/cps')
  })

  it('assert a device only where one is declared, and the key is in it', async () => {
    const { ctx } = test
    const subject = SUBJECTS['natural person']
    if (subject === undefined) throw new Error('no subject')
    const key = await makeKey(ctx, { keyType: 'P-256', purpose: 'signing', actor: 'service', secrets: [PIN] })
    const order = { subject, key, actor: 'operator:test' }
    for (const row of Object.values(profiles)) {
      if (row.device === undefined || row.subject !== 'natural person') continue
      expect(await refusalOf(issueFor(ctx, { ...order, profile: row.name })), row.name).to.equal(
        `conflict The profile ${row.name} asserts a certified device, and the configuration (ca.device) declares none.`,
      )
    }
    const { ca } = declared.config
    const elsewhere = {
      ...ca,
      device: { token: 'other', certifiedAs: 'qscd', certificate: 'a test' },
    } as const
    const other = { ...declared, config: { ...declared.config, ca: elsewhere } }
    expect(await refusalOf(issueFor(other, { ...order, profile: 'qcp-n-qscd' }))).to.equal(
      'conflict The key is not in the device that is declared.',
    )
    const silent = { ...declared, config: { ...declared.config, ca: { ...ca, pds: [] } } }
    expect(await refusalOf(issueFor(silent, { ...order, profile: 'qcp-n' }))).to.equal(
      'conflict A qualified certificate names a PKI disclosure statement in English (ca.pds).',
    )
  })

  it('certify only the keys, the subjects and the days that their rows have', async () => {
    const { ctx } = test
    const [natural, legal] = [SUBJECTS['natural person'], SUBJECTS['legal person']]
    if (natural === undefined || legal === undefined) throw new Error('no subject')
    const key = outsideKey()
    const actor = 'operator:test'
    const of = (order: Omit<Parameters<typeof issueFor>[1], 'actor'>) =>
      refusalOf(issueFor(declared, { ...order, actor }))
    expect(await of({ profile: 'ncp-n', subject: legal, key })).to.equal(
      'invalid_request The profile ncp-n is not for a legal person.',
    )
    expect(await of({ profile: 'ncp-n', subject: natural, key, days: 1096 })).to.equal(
      'invalid_request The profile ncp-n is for 1 to 1095 days.',
    )
    expect(await of({ profile: 'qcp-n-qscd', subject: natural, key })).to.equal(
      'invalid_request The profile qcp-n-qscd certifies keys of this service only.',
    )
    const seal = await makeKey(ctx, { keyType: 'P-256', purpose: 'seal', actor: 'service', secrets: [PIN] })
    expect(await of({ profile: 'ncp-n', subject: natural, key: seal })).to.equal(
      "invalid_request The profile ncp-n is for keys of the purpose 'signing'.",
    )
    const rsa = { keyType: 'RSA-2048' as const, spki: Buffer.alloc(0) }
    expect(await of({ profile: 'qcp-n', subject: natural, key: rsa })).to.equal(
      'invalid_request The profile qcp-n wants RSA keys of 3072 bits or more.',
    )
  })

  it("stand by others' keys without a key of the token", async () => {
    const subject = SUBJECTS['natural person']
    if (subject === undefined) throw new Error('no subject')
    const key = outsideKey()
    const { id } = await issueFor(test.ctx, {
      profile: 'ncp-n',
      subject,
      key,
      actor: 'operator:test',
      days: 30,
    })
    const rows = await test.ctx.db.query<{ key_id: string | null; spki: Buffer; state: string }>({
      text: 'select key_id, spki, state from certificate where id = $1::uuid',
      values: [id],
    })
    expect(rows).to.deep.equal([{ key_id: null, spki: key.spki, state: 'issued' }])
  })
})
