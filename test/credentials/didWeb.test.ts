import { expect } from 'chai'
import { addressOf } from '../../src/credentials/did/didWeb.ts'
import { controllerDocument, type ListedKey } from '../../src/credentials/did/document.ts'
import { keyResolver } from '../../src/credentials/did/resolver.ts'
import { jwkOf, keyOfJwk } from '../../src/credentials/jwk.ts'
import { multikeyOf } from '../../src/credentials/multikey.ts'
import { guardedFetch } from '../../src/outgoing/fetch.ts'
import { Receiver } from '../outgoing/receiver.ts'
import { localKey } from './keys.ts'

const NOW = Date.parse('2026-06-01T12:00:00Z')

describe('did:web', () => {
  it('says where its document is', () => {
    for (const [did, address] of [
      ['did:web:example.org', 'https://example.org/.well-known/did.json'],
      ['did:web:example.org%3A8443', 'https://example.org:8443/.well-known/did.json'],
      ['did:web:example.org:users:ada', 'https://example.org/users/ada/did.json'],
    ] as const)
      expect(addressOf(did)?.href).to.equal(address)
    for (const did of [
      ...[
        'did:web:',
        'did:web:127.0.0.1',
        'did:web:0x7f.1',
        'did:web:2130706433',
        'did:web:a..b',
        'did:web:-a',
        'did:web:a%2Fb',
      ],
      ...[
        'did:web:a:..:b',
        'did:web:a:.',
        'did:web:a::b',
        'did:web:a:b%2Fc',
        'did:web:u@a',
        'did:web:a%3Ab',
        'did:web:a%3A0',
        'did:web:a?b',
        'did:web:a#b',
      ],
      ...['did:web:%5B%3A%3A1%5D', 'did:key:example.org', 'did:web:a%3A99999'],
    ])
      expect(addressOf(did), did).to.equal(undefined)
  })

  const DID = 'did:web:issuer.example'
  const [now, past, off] = [localKey(`${DID}#now`), localKey(`${DID}#before`), localKey(`${DID}#off`)]
  const listed: ListedKey[] = [
    { ...now, state: 'enabled', form: 'JsonWebKey' },
    { ...past, state: 'rotated', form: 'Multikey' },
    { ...off, state: 'disabled', form: 'Multikey' },
  ]

  it('lists keys that are used and keys that were, and none that nobody should believe', () => {
    expect(controllerDocument(DID, listed)).to.deep.equal({
      '@context': [
        'https://www.w3.org/ns/did/v1',
        'https://w3id.org/security/jwk/v1',
        'https://w3id.org/security/multikey/v1',
      ],
      id: DID,
      verificationMethod: [
        { id: now.id, type: 'JsonWebKey', controller: DID, publicKeyJwk: jwkOf(now) },
        { id: past.id, type: 'Multikey', controller: DID, publicKeyMultibase: multikeyOf(past) },
      ],
      assertionMethod: [now.id, past.id],
      authentication: [now.id],
    })
    expect(() => controllerDocument('did:web:other.example', listed)).to.throw(
      `${now.id} is no key of did:web:other.example`,
    )
    expect(keyOfJwk(jwkOf(now))?.spki).to.deep.equal(now.spki)
  })

  describe('of somebody else', () => {
    let receiver: Receiver
    let clock = NOW
    before(async () => {
      receiver = await Receiver.start(['issuer.example'])
    })
    beforeEach(() => {
      clock = NOW
      receiver.received.length = 0
    })
    after(() => receiver.close())

    const resolver = (hosts: readonly string[]) =>
      keyResolver({
        clock: () => clock,
        fetch: guardedFetch({
          hosts: { notification: [], message: [], 'did-web': hosts, 'status-list': [] },
          privateHosts: ['issuer.example'],
          ca: receiver.ca,
          resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
        }),
      })
    const here = () => `${DID}%3A${receiver.port}`
    const serve = (document: object | string, status = 200) => {
      receiver.answer = (_request, response) =>
        void response
          .writeHead(status)
          .end(typeof document === 'string' ? document : JSON.stringify(document))
    }
    const moved = (): ListedKey[] => listed.map((key) => ({ ...key, id: key.id.replace(DID, here()) }))
    const find = (fragment: string, relationship?: 'assertionMethod' | 'authentication') =>
      resolver(['issuer.example'])(`${here()}#${fragment}`, relationship)

    it('is read from a host that the configuration names, and from no other', async () => {
      serve(controllerDocument(here(), moved()))
      expect(await find('now')).to.deep.include({ id: `${here()}#now`, controller: here(), spki: now.spki })
      expect(receiver.received[0]).to.deep.include({ method: 'GET', path: '/.well-known/did.json' })
      expect(await resolver([])(`${here()}#now`)).to.equal(undefined)
      expect(await resolver(['other.example'])(`${here()}#now`)).to.equal(undefined)
      expect(receiver.received).to.have.length(1)
    })

    it('has a key for what its controller says', async () => {
      serve(controllerDocument(here(), moved()))
      expect(await find('now', 'authentication')).to.have.property('id')
      expect(await find('before', 'assertionMethod')).to.have.property('id')
      expect(await find('before', 'authentication')).to.equal(undefined)
      expect(await find('off')).to.equal(undefined)
      expect(await find('other')).to.equal(undefined)
    })

    it('is believed as a whole, or not at all', async () => {
      const good = controllerDocument(here(), moved())
      const [first] = good['verificationMethod'] as object[]
      for (const document of [
        { ...good, id: DID },
        { ...good, verificationMethod: [first, first] },
        { ...good, verificationMethod: [{ ...first, controller: DID }] },
        { ...good, verificationMethod: [{ ...first, type: 'Other' }] },
        { ...good, verificationMethod: [{ ...first, revoked: '2026-01-01T00:00:00Z' }] },
        { ...good, verificationMethod: [{ ...first, expires: 'soon' }] },
        { ...good, verificationMethod: [{ ...first, publicKeyJwk: { ...jwkOf(now), d: 'AA' } }] },
        JSON.stringify(good).replace('{', `{"id":"${here()}",`),
        '[]',
        'no JSON',
        JSON.stringify({ ...good, padding: 'x'.repeat(65_536) }),
      ]) {
        serve(document)
        expect(await find('now'), JSON.stringify(document).slice(0, 200)).to.equal(undefined)
      }
      serve(good, 404)
      expect(await find('now')).to.equal(undefined)
      serve({ ...good, padding: 'x'.repeat(60_000) })
      expect(await find('now')).to.have.property('id')
    })

    it('is remembered for a minute, and its absence for seconds', async () => {
      serve('', 500)
      const resolve = resolver(['*.example'])
      const id = `${here()}#now`
      expect([await resolve(id), await resolve(id)]).to.deep.equal([undefined, undefined])
      expect(receiver.received).to.have.length(1)
      serve(controllerDocument(here(), moved()))
      clock += 5_000
      expect(await Promise.all([resolve(id), resolve(id)])).to.have.length(2)
      expect(receiver.received).to.have.length(2)
      serve(controllerDocument(here(), []))
      clock += 59_000
      expect(await resolve(id)).to.have.property('id')
      clock += 1_000
      expect(await resolve(id)).to.equal(undefined)
      expect(receiver.received).to.have.length(3)
    })
  })
})
