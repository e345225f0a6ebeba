import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { verifyTranscript } from '../../src/pki/ceremonyVerify.ts'
import type { Held } from './ceremonyGround.ts'

const openssl = (...args: string[]): string =>
  execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' })

/** What the first ceremony left. */
export function transcriptSuite(held: () => Held): void {
  it('leaves certificates that openssl accepts, each for what it is for', async () => {
    const { transcript } = held()
    const { transcript: made } = await verifyTranscript(readFileSync(`${transcript}.json`))
    const file = (part: string): string => {
      const path = `${transcript}.${part}.pem`
      writeFileSync(path, made.certificates.find((one) => one.part === part)?.pem ?? '')
      return path
    }
    const chain = ['-x509_strict', '-CAfile', file('root'), '-untrusted', file('issuing')]
    for (const [part, ...more] of [
      ['issuing'],
      ['ocsp', '-purpose', 'ocsphelper'],
      ['tsu', '-purpose', 'timestampsign'],
    ]) {
      const certificate = file(part ?? '')
      expect(openssl('verify', ...chain, ...more, certificate)).to.equal(`${certificate}: OK\n`)
    }
    expect(openssl('x509', '-in', file('issuing'), '-noout', '-ext', 'certificatePolicies')).to.contain(
      'X509v3 Any Policy',
    )
  })

  it('leaves a transcript that says what the token is and what it said of each key', async () => {
    const { ground, transcript } = held()
    const { transcript: made, plan } = await verifyTranscript(readFileSync(`${transcript}.json`))
    expect(made.keys.map(({ part }) => part)).to.deep.equal(['root', 'issuing', 'ocsp', 'tsu', 'transcript'])
    const { token, attributes } = made.keys[0] ?? expect.fail('no key')
    expect(token.serial).to.equal(ground.installation.token.serial)
    expect(token.moduleSha256).to.equal(
      createHash('sha256').update(readFileSync(token.modulePath)).digest('hex'),
    )
    expect(attributes.flags).to.deep.include({
      sensitive: true,
      extractable: false,
      neverExtractable: true,
      local: true,
    })
    expect(made.approvals.map(({ name }) => name)).to.deep.equal(['Olga', 'Adam'])
    expect(plan.witnesses).to.deep.equal([{ person: 'Ingrid Berg', from: 'Auditors Example AS' }])
    const markdown = readFileSync(`${transcript}.md`, 'utf8')
    for (const part of [
      'Ingrid Berg',
      token.serial,
      token.moduleSha256,
      ...made.certificates.map(({ sha256 }) => sha256),
    ])
      expect(markdown).to.contain(part)
  })

  it('leaves a transcript in which no byte can be changed', async () => {
    const { transcript } = held()
    const octets = readFileSync(`${transcript}.json`)
    await verifyTranscript(octets)
    // Every byte of what is not payload, and some hundred of that.
    const step = Math.ceil(octets.length / 120)
    const places = [...octets.keys()].filter((at) => at < 40 || at > octets.length - 260 || at % step === 0)
    for (const at of places) {
      const flipped = Buffer.from(octets)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 7))
      const verdict = await verifyTranscript(flipped).then(
        () => 'verified',
        (error: unknown) => (error as Error).name,
      )
      expect(verdict, `byte ${at}`).to.equal('TranscriptError')
    }
    const appended = await verifyTranscript(Buffer.concat([octets, Buffer.from('\n')])).catch(
      (error: unknown) => (error as Error).message,
    )
    expect(appended).to.equal('The file is not as it was written.')
  })

  it('has its transcript refused where it was signed or approved by others, or the page beside it is another', async () => {
    const { ground, transcript } = held()
    const copy = join(ground.installation.home, 'copy')
    writeFileSync(`${copy}.json`, readFileSync(`${transcript}.json`))
    writeFileSync(`${copy}.md`, readFileSync(`${transcript}.md`, 'utf8').replace('Ingrid', 'Ingvild'))
    const beside = await ground.run('auditor', 'ceremony', 'verify', `${copy}.json`)
    expect(beside).to.deep.include({ code: 1, err: `${copy}.md is not what ${copy}.json says.\n` })
    const key = await ground.run(
      'auditor',
      'ceremony',
      'verify',
      `${transcript}.json`,
      '--signed-by',
      'another',
    )
    expect(key.code).to.equal(1)
    expect(key.err).to.match(/: it is signed by [A-Za-z0-9_-]{43}\.\n$/)
    const approvers = await ground.run(
      'auditor',
      'ceremony',
      'verify',
      `${transcript}.json`,
      '--approved-by',
      'a,b',
    )
    expect(approvers.code).to.equal(1)
    expect(approvers.err).to.match(/: Olga approved with the key [A-Za-z0-9_-]{43}\.\n$/)
  })
}
