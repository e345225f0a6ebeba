import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { verifyTranscript } from '../../src/pki/ceremonyVerify.ts'
import type { Held } from './ceremonyGround.ts'
import { OcspClient } from './ocspClient.ts'
import { ask, certificatesOf, queryOf } from './tsaClient.ts'

/** What relying parties see of the first ceremony. */
export function usedSuite(held: () => Held): void {
  const made = async (part: string): Promise<X509Certificate> => {
    const { transcript } = await verifyTranscript(readFileSync(`${held().transcript}.json`))
    return new X509Certificate(transcript.certificates.find((one) => one.part === part)?.pem ?? '')
  }

  it('leaves authorities with all of their revocation lists', () => {
    expect(held().lists).to.deep.equal([
      // The whole list, and the one that the issuing authority's certificate names.
      { profile: 'root', published: 2, all: 2 },
      { profile: 'issuing', published: 129, all: 129 },
    ])
  })

  it('leaves the responder that answers, and the unit that stamps', async () => {
    const { url } = held().ground
    const [issuing, responder, unit] = [await made('issuing'), await made('ocsp'), await made('tsu')]
    const client = new OcspClient(url, issuing)
    const answer = await client.post(client.request(unit.raw))
    expect(answer.singles.map(({ status }) => status)).to.deep.equal(['good'])
    expect(answer.responder?.fingerprint256).to.equal(responder.fingerprint256)
    const { token } = await ask(url, queryOf({ certReq: true }))
    const chain = certificatesOf(token ?? expect.fail('no timestamp')).map((der) => new X509Certificate(der))
    expect(chain.map((one) => one.fingerprint256)).to.have.members([
      unit.fingerprint256,
      issuing.fingerprint256,
    ])
  })
}
