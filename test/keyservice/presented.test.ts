import { SDJwtInstance } from '@sd-jwt/core'
import { createHash, createPublicKey, randomUUID, verify as verifySignature } from 'node:crypto'
import { expect } from 'chai'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { didKey } from '../credentials/integritySupport.ts'
import { credentialOf, newIssuer, VcClient } from '../vc/client.ts'
import { badRequest, CONTEXT_2, credential, type Answer, type MadeKey } from './client.ts'
import { Holders } from './holders.ts'

const GOOD = { verified: true, problemDetails: [] }
const TITLES: Readonly<Record<string, string>> = {
  'challenge-mismatch': 'It was not made for this challenge.',
  'domain-mismatch': 'It was not made for this domain.',
  'holder-mismatch': 'The holder is not the controller of the key.',
  'key-unknown': 'Nobody knows the key for this purpose.',
  'type-not-allowed': 'It is of a type, or of a kind, that was not asked for.',
  'signature-invalid': 'The signature is not that of the key over what is there.',
  malformed: 'It is not written as its format has it.',
  suspended: 'The credential is suspended.',
}

/** What is not good, as the VC API says it. */
const bad = (...found: readonly (readonly [name: string, detail: string])[]) => ({
  status: 400,
  body: {
    type: 'about:blank',
    title: 'Bad Request',
    status: 400,
    code: 'not_verified',
    detail: found.map(([, detail]) => detail).join(' '),
    verified: false,
    problemDetails: found.map(([name, detail]) => ({
      type: `tag:intaglio,2026:problem:${name}`,
      title: TITLES[name],
      detail,
    })),
  },
})

describe('a presentation as vp+sd-jwt, by the key service', function () {
  this.timeout(120_000)
  let holders: Holders
  let vc: VcClient
  let key: MadeKey
  let issuer: string
  before(async () => {
    holders = await Holders.start()
    vc = await VcClient.of(holders.service)
    key = await holders.key('ES256')
    issuer = (await newIssuer(holders.service)).identifier
  })
  afterEach(() => holders.service.checkState())
  after(() => holders.close())

  const about = { challenge: 'n-1', domain: 'https://verifier.example' }
  const presentation = (...verifiableCredential: unknown[]) => ({
    '@context': [CONTEXT_2],
    id: `urn:uuid:${randomUUID()}`,
    type: ['VerifiablePresentation'],
    holder: key.controller,
    verifiableCredential,
  })
  const sign = (more: object, headers = {}, by = key): Promise<Answer> =>
    holders.client.call('/sign/vp/sd-jwt', { identifier: by.id, secrets: by.secrets, ...more }, headers)
  const signed = async (...inside: unknown[]): Promise<string> => {
    const { status, text } = await sign({ verifiable: presentation(...inside), ...about })
    expect(status, text).to.equal(201)
    return text
  }
  const verify = async (verifiablePresentation: unknown, options: object = about, at = '') => {
    const { status, body } = await vc.post(`/presentations/verify${at}`, { verifiablePresentation, options })
    return { status, body }
  }
  const enveloped = (presented: string, media = 'application/vp+sd-jwt') => ({
    '@context': [CONTEXT_2],
    id: `data:${media},${presented}`,
    type: 'EnvelopedVerifiablePresentation',
  })
  const issued = async (format: 'jwt' | 'sd-jwt', more: object = {}): Promise<string> => {
    const made: unknown = await vc.issue(credentialOf(issuer), { format, ...more })
    return String(made)
  }
  const altered = (presented: string): string => {
    const [header = '', payload = '', ...rest] = presented.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
    const other = Buffer.from(JSON.stringify({ ...claims, id: 'urn:uuid:another' })).toString('base64url')
    return [header, other, ...rest].join('.')
  }

  it('is made of a presentation of version 2.0, and is good to others and to us', async () => {
    const [one, two] = [await issued('jwt'), await issued('sd-jwt')]
    const verifiable = presentation(one, two)
    const made = await sign({ verifiable, ...about, selective: ['/verifiableCredential/1'] })
    const media = made.headers.get('content-type')
    expect([made.status, media], made.text).to.deep.equal([201, 'application/vp+sd-jwt'])
    const [jwt = '', disclosure = '', ...rest] = made.text.split('~')
    expect(rest).to.deep.equal([''])
    const header = { alg: 'ES256', typ: 'vp+sd-jwt', cty: 'vp', kid: key.id }
    expect(decodeProtectedHeader(jwt)).to.deep.equal(header)
    const [envelope, ...concealed] = decodeJwt(jwt)['verifiableCredential'] as object[]
    expect(envelope).to.include({ id: `data:application/vc+jwt,${one}` })
    const digest = createHash('sha256').update(disclosure).digest('base64url')
    expect(concealed).to.deep.equal([{ '...': digest }])

    const judge = new SDJwtInstance({
      hasher: (data: string | ArrayBuffer) =>
        createHash('sha256')
          .update(typeof data === 'string' ? data : Buffer.from(data))
          .digest(),
      hashAlg: 'sha-256',
      verifier: (data: string, signature: string) => {
        const { spki } = didKey(`did:key:x#${String(key.method['publicKeyMultibase'])}`)
        const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' })
        const octets = Buffer.from(signature, 'base64url')
        return verifySignature(
          'sha256',
          Buffer.from(data),
          { key: publicKey, dsaEncoding: 'ieee-p1363' },
          octets,
        )
      },
    })
    const { payload } = await judge.verify(made.text)
    expect(payload).to.deep.include({ nonce: about.challenge, aud: about.domain, holder: key.controller })
    const said = await judge.verify(altered(made.text)).catch(() => 'refused')
    expect(said).to.equal('refused')

    const good = { status: 200, body: GOOD }
    for (const presented of [made.text, enveloped(made.text), `${jwt}~`, enveloped(`${jwt}~`)])
      for (const at of ['', '/proof']) expect(await verify(presented, about, at)).to.deep.equal(good)
  })

  it('is called what is asked for, if that is true of it', async () => {
    for (const [accept, type] of [
      ['application/sd-jwt', 'application/sd-jwt'],
      ['application/*', 'application/vp+sd-jwt'],
    ] as const) {
      const { status, headers } = await sign({ verifiable: presentation(), ...about }, { accept })
      expect([status, headers.get('content-type')]).to.deep.equal([201, type])
    }
  })

  for (const [what, more, detail] of [
    ['a number', { verifiable: 7 }, 'verifiable: a presentation, or an SD-JWT as text, is wanted'],
    ['no text', { verifiable: '' }, 'verifiable: is empty'],
    ['a list', { verifiable: [] }, 'verifiable: a presentation, or an SD-JWT as text, is wanted'],
    ['nothing', {}, 'verifiable: is missing'],
    [
      'text that is no SD-JWT',
      { verifiable: 'e30' },
      'presentation: Not an SD-JWT: nothing ends with a tilde',
    ],
    ['a credential', { verifiable: credential('did:web:x.example') }, 'type lacks VerifiablePresentation'],
    [
      'a presentation of version 1.1',
      {
        verifiable: {
          '@context': ['https://www.w3.org/2018/credentials/v1'],
          type: ['VerifiablePresentation'],
        },
      },
      '@context: vp+sd-jwt is of version 2.0',
    ],
    [
      'the holder concealed where there is none',
      { verifiable: { '@context': [CONTEXT_2], type: ['VerifiablePresentation'] }, selective: ['/holder'] },
      'selective: /holder names nothing in the credential',
    ],
    [
      'a cryptosuite',
      {
        verifiable: { '@context': [CONTEXT_2], type: ['VerifiablePresentation'] },
        cryptosuite: 'ecdsa-jcs-2019',
      },
      'cryptosuite: not in this format',
    ],
  ] as const) {
    it(`is not made of ${what}`, async () => {
      const { status, body } = await sign({ ...about, ...more })
      expect({ status, body }).to.deep.equal({ status: 400, body: badRequest(detail) })
    })
  }

  it('is believed for its challenge and its domain, and as it was signed', async () => {
    const made = await signed()
    const malformed = 'This is no compact JWS: three parts in base64url without padding'
    const domain = ['domain-mismatch', 'Not made for this domain'] as const
    for (const [presented, options, found] of [
      [made, { ...about, challenge: 'n-2' }, ['challenge-mismatch', 'Not made for this challenge']],
      [made, { ...about, domain: 'https://other.example' }, domain],
      [altered(made), about, ['signature-invalid', 'The signature is not that of the key']],
    ] as const)
      for (const form of [presented, enveloped(presented)])
        expect(await verify(form, options)).to.deep.equal(bad(found))
    const padded = made.replace('~', '=~')
    expect(await verify(padded)).to.deep.equal(bad(['malformed', malformed]))
    const jwt = made.slice(0, -1)
    const type = ['type-not-allowed', 'typ: neither a credential nor a presentation'] as const
    for (const presented of [jwt, enveloped(jwt, 'application/vp+jwt')])
      expect(await verify(presented)).to.deep.equal(bad(type))
    const detail = 'id: not a data: URL of a secured credential'
    for (const [inside, media] of [
      [padded, 'application/vp+sd-jwt'],
      [jwt, 'application/vp+sd-jwt'],
      [made, 'application/vp+jwt'],
      [made, 'application/sd-jwt'],
    ] as const)
      expect(await verify(enveloped(inside, media))).to.deep.equal(bad(['malformed', detail]))
  })

  it('is not believed by a key that is no DID’s', async () => {
    const plain = await holders.client.key({ identifier: 'a-name-of-nobody' })
    const { text } = await sign({ verifiable: presentation(), ...about }, {}, plain)
    expect(await verify(text)).to.deep.equal(bad(['key-unknown', 'kid: nobody knows this key']))
  })

  it('is as good as the credentials in it', async () => {
    const id = `urn:uuid:${randomUUID()}`
    const made: unknown = await vc.issue(credentialOf(issuer, { id }), {
      format: 'sd-jwt',
      status: ['suspension'],
    })
    const presented = await signed(await issued('jwt'), made)
    expect(await verify(presented)).to.deep.equal({ status: 200, body: GOOD })
    const credentialStatus = { type: 'BitstringStatusListEntry', statusPurpose: 'suspension' }
    const changed = await vc.post('/credentials/status', { credentialId: id, credentialStatus })
    expect(changed.status).to.equal(200)
    const detail = 'verifiableCredential[1]: The credential is suspended'
    expect(await verify(presented)).to.deep.equal(bad(['suspended', detail]))
    expect(await verify(presented, { ...about, checks: ['proof'] })).to.deep.equal({
      status: 200,
      body: GOOD,
    })
  })

  describe('where a presentation is wanted, a credential alone is refused', () => {
    const lone = bad(['type-not-allowed', 'This is a credential, not a presentation'])
    for (const [format, options] of [
      ['jwt', { enveloped: true }],
      ['jwt', {}],
      ['cose', { enveloped: true }],
    ] as const) {
      it(`in ${format}, ${'enveloped' in options ? 'enveloped' : 'as it is'}`, async () => {
        const made = await vc.issue(credentialOf(issuer), { format, ...options })
        for (const at of ['', '/proof']) {
          expect(await verify(made, {}, at)).to.deep.equal(lone)
          // As an envelope of a presentation it is one no more.
          const wrapped = { ...(made as object), type: 'EnvelopedVerifiablePresentation' }
          if ('enveloped' in options) expect(await verify(wrapped, {}, at)).to.deep.equal(lone)
        }
      })
    }

    it('in sd-jwt, enveloped', async () => {
      const made = await vc.issue(credentialOf(issuer), { format: 'sd-jwt', enveloped: true })
      expect(await verify(made, {})).to.deep.equal(lone)
    })

    it('and a presentation, where a credential is wanted', async () => {
      const made = await signed()
      for (const presented of [made, enveloped(made)]) {
        const { status, body } = await vc.verify(presented)
        const found = ['type-not-allowed', 'This is a presentation, not a credential'] as const
        expect({ status, body }).to.deep.equal(bad(found))
      }
    })
  })
})
