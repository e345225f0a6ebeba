import { createHash, verify, X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { CscClient, OID, digest, refusal, type CscAnswer } from './client.ts'

const METHOD = 'credentials/extendTransaction'
const UNAUTHORISED = [400, refusal('Hash is not authorized by the SAD')]
const NO_SAD = [400, refusal('Invalid parameter SAD')]

describe('extendTransaction', () => {
  let service: TestService
  let client: CscClient
  let mine: TestCredential

  before(async () => {
    service = await startService()
    client = await CscClient.of(service)
    mine = await service.newCredential({ multisign: 100 })
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const hashesOf = (...texts: string[]): string[] => texts.map((text) => digest(text))
  const ask = (SAD: string, hashes?: readonly string[], more: object = {}): Promise<CscAnswer> =>
    client.call(METHOD, { credentialID: mine.id, SAD, hashes, hashAlgorithmOID: OID.sha256, ...more })
  const extend = async (SAD: string, hashes?: readonly string[], more: object = {}): Promise<string> => {
    const { status, body } = await ask(SAD, hashes, more)
    expect(status, JSON.stringify(body)).to.equal(200)
    return String(body['SAD'])
  }
  const sign = (SAD: string, hashes: readonly string[], credential = mine): Promise<CscAnswer> =>
    client.call('signatures/signHash', { credentialID: credential.id, SAD, hashes, signAlgo: OID.ecdsa256 })
  const answered = ({ status, body }: CscAnswer): unknown[] => [status, body]
  /** An authorisation under SCAL 1, which names no digest. */
  const authoriseNumber = async (credential: TestCredential, numSignatures: number): Promise<string> => {
    const authData = [{ id: 'PIN', value: credential.pin }]
    const body = { credentialID: credential.id, numSignatures, authData }
    return String((await client.get('credentials/authorize', body))['SAD'])
  }

  it('gives a new SAD for what is left, and the old one is worth nothing any more', async () => {
    const [a = '', b = '', c = ''] = hashesOf('a', 'b', 'c')
    const old = await client.authorize(mine, [a, b, c])
    await client.sign(mine, [a], { SAD: old })
    const { status, body } = await ask(old, [c, b])
    expect(status).to.equal(200)
    expect(Object.keys(body)).to.deep.equal(['SAD', 'expiresIn'])
    expect(body['SAD'])
      .to.match(/^[A-Za-z0-9_-]{43}$/)
      .and.to.not.equal(old)
    expect(body['expiresIn']).to.equal(300)
    expect(answered(await sign(old, [b]))).to.deep.equal(NO_SAD)
    expect(answered(await ask(old, [b]))).to.deep.equal(NO_SAD)
    const SAD = String(body['SAD'])
    const [signature = ''] = await client.sign(mine, [b], { SAD })
    const { publicKey } = new X509Certificate(mine.certificate)
    expect(verify('sha256', Buffer.from('b'), publicKey, Buffer.from(signature, 'base64'))).to.equal(true)
    await client.sign(mine, [c], { SAD })
    expect(answered(await sign(SAD, [c]))).to.deep.equal(UNAUTHORISED)
    expect(answered(await ask(SAD, [c]))).to.deep.equal(NO_SAD)
  })

  it('renews what the holder approved and is unused: not what was signed, and nothing else', async () => {
    const [a = '', b = '', other = ''] = hashesOf('a', 'b', 'other')
    const old = await client.authorize(mine, [a, b], { numSignatures: 5 })
    await client.sign(mine, [a], { SAD: old })
    for (const hashes of [[a], [a, b], [b, b], [b, other], [other]]) {
      expect(answered(await ask(old, hashes))).to.deep.equal(UNAUTHORISED)
    }
    // The refusals have cost nothing.
    const SAD = await extend(old, [b])
    await client.sign(mine, [b], { SAD })
  })

  it('counts duplicates, each occurrence once over the whole chain', async () => {
    const [a = '', b = ''] = hashesOf('twice', 'once')
    let SAD = await client.authorize(mine, [a, b, a])
    await client.sign(mine, [a], { SAD })
    expect(answered(await ask(SAD, [a, a, b]))).to.deep.equal(UNAUTHORISED)
    SAD = await extend(SAD, [b, a])
    SAD = await extend(SAD, [a, b])
    expect(answered(await sign(SAD, [a, a]))).to.deep.equal(UNAUTHORISED)
    await client.sign(mine, [b, a], { SAD })
    for (const hashes of [[a], [b]]) expect(answered(await sign(SAD, hashes))).to.deep.equal(UNAUTHORISED)
  })

  it('leaves behind for good what it does not name', async () => {
    const [a = '', b = ''] = hashesOf('kept', 'left')
    const SAD = await extend(await client.authorize(mine, [a, b]), [a])
    expect(answered(await sign(SAD, [b]))).to.deep.equal(UNAUTHORISED)
    expect(answered(await ask(SAD, [a, b]))).to.deep.equal(UNAUTHORISED)
    await client.sign(mine, [a], { SAD })
  })

  it('compares octets, whatever alphabet they are written in, and takes the names of version 1', async () => {
    let text = 'x'
    while (!/[+/]/.test(digest(text))) text += 'x'
    const url = createHash('sha256').update(text).digest('base64url')
    const old = await client.authorize(mine, [digest(text)])
    const body = { credentialID: mine.id, SAD: old, hash: [url], hashAlgo: OID.sha256, clientData: null }
    const { SAD } = await client.get(METHOD, body)
    await client.sign(mine, [digest(text)], { SAD })
  })

  it('goes on with the number that is left under SCAL 1, whichever the hashes are', async () => {
    const credential = await service.newCredential({ scal: 1 })
    const more = { credentialID: credential.id, hashAlgorithmOID: undefined }
    const old = await authoriseNumber(credential, 4)
    await client.sign(credential, hashesOf('one'), { SAD: old })
    const named = hashesOf('a', 'b', 'c', 'd')
    const tooMany = await ask(old, named, { credentialID: credential.id })
    expect(answered(tooMany)).to.deep.equal(UNAUTHORISED)
    const differs = await ask(old, undefined, { credentialID: credential.id, hashAlgorithmOID: OID.sha384 })
    expect(answered(differs)).to.deep.equal(UNAUTHORISED)
    let SAD = await extend(old, undefined, more)
    await client.sign(credential, hashesOf('two'), { SAD })
    // A client that names hashes is not held to them.
    SAD = await extend(SAD, hashesOf('three'), { credentialID: credential.id })
    await client.sign(credential, hashesOf('four', 'five'), { SAD })
    expect(answered(await sign(SAD, hashesOf('six'), credential))).to.deep.equal(UNAUTHORISED)
    expect(answered(await ask(SAD, undefined, more))).to.deep.equal(NO_SAD)
    expect(answered(await sign(old, hashesOf('six'), credential))).to.deep.equal(NO_SAD)
  })

  it('goes on with all that is left where SCAL 1 was given hashes, and none are named now', async () => {
    const credential = await service.newCredential({ scal: 1 })
    const [a = '', b = '', c = ''] = hashesOf('a', 'b', 'c')
    const old = await client.authorize(credential, [a, b, c])
    await client.sign(credential, [b], { SAD: old })
    const SAD = await extend(old, undefined, { credentialID: credential.id })
    expect(answered(await sign(SAD, [b], credential))).to.deep.equal(UNAUTHORISED)
    await client.sign(credential, [c, a], { SAD })
  })

  it('renews the messages of Ed25519, with and without the name of their hash', async () => {
    const credential = await service.newCredential({ keyType: 'Ed25519' })
    const hashes = hashesOf('one', 'two')
    let SAD = await client.authorize(credential, hashes, { hashAlgorithmOID: undefined })
    SAD = await extend(SAD, hashes, { credentialID: credential.id, hashAlgorithmOID: undefined })
    SAD = await extend(SAD, hashes, { credentialID: credential.id })
    await client.sign(credential, hashes, { SAD, signAlgo: OID.ed25519 })
  })

  it('is recorded, with what was extended and by what', async () => {
    const hashes = hashesOf('recorded')
    const old = await client.authorize(mine, hashes)
    await extend(old, hashes)
    const [act] = (await service.acts('extend', `credential:${mine.id}`)).slice(-1)
    const digests = hashes.map((hash) => Buffer.from(hash, 'base64').toString('hex'))
    expect(act?.detail).to.deep.equal({ count: 1, digests, hash: 'SHA-256' })
    expect(act?.actor).to.equal(`client:${service.client.id}`)
    const [made, ended] = act?.subjects.slice(2).map((subject) => subject.replace('authorisation:', '')) ?? []
    const rows = await service.sql<{ origin: string; ended: boolean }>(
      `select n.origin_id as origin, o.sad_hash is null as ended from authorisation n, authorisation o
        where n.id = $1 and o.id = $2`,
      [made, ended],
    )
    expect(rows).to.deep.equal([{ origin: ended, ended: true }])
  })

  it('ends a chain that was extended a hundred times', async () => {
    const hashes = hashesOf('long')
    const old = await client.authorize(mine, hashes)
    const before = `insert into authorisation
        (id, key_id, bound, count, expires_at, origin_id, origin_count, origin_expires_at)
      select gen_random_uuid(), key_id, bound, count, expires_at, id, count, expires_at
        from authorisation, generate_series(1, 99) where sad_hash = sha256($1)`
    await service.sql(before, [Buffer.from(old)])
    const last = await extend(old, hashes)
    expect(answered(await ask(last, hashes))).to.deep.equal([
      400,
      refusal('The SAD cannot be extended again'),
    ])
    await client.sign(mine, hashes, { SAD: last })
  })

  it('has one winner of fifty that extend one SAD at once', async () => {
    const hashes = hashesOf('one', 'two')
    const old = await client.authorize(mine, hashes)
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(old, hashes)))
    const won = answers.filter(({ status }) => status === 200)
    expect(won).to.have.length(1)
    for (const answer of answers.filter((one) => !won.includes(one))) {
      expect(answered(answer)).to.deep.equal(NO_SAD)
    }
    await client.sign(mine, hashes, { SAD: won[0]?.body['SAD'] })
    expect(answered(await sign(String(won[0]?.body['SAD']), hashes))).to.deep.equal(UNAUTHORISED)
  })

  it('beside signatures under way, never allows more than were authorised', async () => {
    const credential = await service.newCredential({ scal: 1 })
    const NUMBER = 12
    for (let round = 0; round < 2; round++) {
      let SAD = await authoriseNumber(credential, NUMBER)
      let signed = 0
      const count = ({ status, body }: CscAnswer): void => {
        if (status === 200) signed++
        else expect([UNAUTHORISED, NO_SAD]).to.deep.include([status, body])
      }
      // Chain on chain, each beside more signatures than it has left.
      for (let link = 0; link < 3; link++) {
        const [now, more] = [SAD, { credentialID: credential.id }]
        const [renewals] = await Promise.all([
          Promise.all([ask(now, undefined, more), ask(now, undefined, more)]),
          ...Array.from({ length: 3 }, async () => {
            count(await sign(now, [digest('x')], credential))
          }),
        ])
        const won = renewals.filter(({ status }) => status === 200)
        expect(won.length).to.equal(1)
        SAD = String(won[0]?.body['SAD'])
      }
      await Promise.all(
        Array.from({ length: NUMBER + 3 }, async () => {
          count(await sign(SAD, [digest('y')], credential))
        }),
      )
      expect(signed).to.equal(NUMBER)
    }
  })

  it('beside signatures over the same hashes, each is signed once', async () => {
    const hashes = hashesOf(...Array.from({ length: 8 }, (_, n) => `document ${n}`))
    const [taken, others] = [hashes.slice(0, 4), hashes.slice(4)]
    for (const inTurn of [true, false, true]) {
      const old = await client.authorize(mine, hashes)
      const signing = async (): Promise<CscAnswer[]> => {
        if (!inTurn) return Promise.all(hashes.map((hash) => sign(old, [hash])))
        const answers: CscAnswer[] = []
        for (const hash of [...others, ...taken]) answers.push(await sign(old, [hash]))
        return answers
      }
      const [renewed, answers] = await Promise.all([ask(old, taken), signing()])
      for (const answer of answers) {
        if (answer.status !== 200) expect([UNAUTHORISED, NO_SAD]).to.deep.include(answered(answer))
      }
      let signed = answers.filter(({ status }) => status === 200).length
      if (renewed.status === 200) {
        signed += (await client.sign(mine, taken, { SAD: renewed.body['SAD'] })).length
      } else expect([UNAUTHORISED, NO_SAD]).to.deep.include(answered(renewed))
      expect(signed).to.be.at.most(hashes.length)
    }
  })
})
