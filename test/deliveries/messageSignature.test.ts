import { createPublicKey, verify } from 'node:crypto'
import { expect } from 'chai'
import { isCovered, isRegistrable, isResponseUri } from '../../src/deliveries/responseUris.ts'
import { contentDigest, signatureBase, signatureInput } from '../../src/deliveries/messageSignature.ts'

describe('the signature of a message', () => {
  it('is over what RFC 9421 says: the signature of its example B.2.4 verifies', () => {
    const components = [
      { name: '@status', value: '200' },
      { name: 'content-type', value: 'application/json' },
      {
        name: 'content-digest',
        value:
          'sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:',
      },
      { name: 'content-length', value: '23' },
    ]
    const input = signatureInput(components, { created: 1618884473, keyid: 'test-key-ecc-p256' })
    const key = createPublicKey({
      format: 'jwk',
      key: {
        kty: 'EC',
        crv: 'P-256',
        x: 'qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA',
        y: 'Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0',
      },
    })
    const signature = Buffer.from(
      'wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==',
      'base64',
    )
    const base = Buffer.from(signatureBase(components, input))
    expect(verify('sha256', base, { key, dsaEncoding: 'ieee-p1363' }, signature)).to.equal(true)
  })

  it('covers a body by its digest, as RFC 9530 writes it', () => {
    expect(contentDigest(Buffer.from('{"hello": "world"}'))).to.equal(
      'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:',
    )
  })
})

describe('response URIs', () => {
  const GOOD = [
    'https://client.example/',
    'https://client.example',
    'https://client.example:8443/a/b',
    'https://client.example/a?session=1&x=%20',
    'https://xn--bcher-kva.example/',
  ]
  const BAD = [
    '',
    'client.example',
    'http://client.example/',
    'ftp://client.example/',
    'https://',
    'https:///a',
    'https://user@client.example/',
    'https://user:pass@client.example/',
    'https://client.example/#a',
    'https://client.example/a b',
    'https://client.example\\@other.example/',
    'https://client.example/\\other',
    'https://CLIENT.example/',
    'https://client.example:443/',
    'https://bücher.example/',
    'https://client.example/a/../b',
    'https://client.example/a/./b',
    'https://client.example/a/..',
    'https://client.example/a/%2e%2e/b',
    'https://client.example/a%2fb',
    'https://client.example/a%5cb',
    'https://client.example/\r\nHost: other',
    'https://client.example/\u0000',
    'https://0x7f.1/',
    'https://2130706433/',
    'https://[::1]/',
    `https://client.example/${'x'.repeat(1024)}`,
  ]

  it('are https, and written so that nobody reads them otherwise', () => {
    for (const uri of GOOD) expect(isResponseUri(uri), uri).to.equal(true)
    for (const uri of BAD) expect(isResponseUri(uri), uri).to.equal(false)
  })

  it('are registered without a query', () => {
    expect(isRegistrable('https://client.example/a')).to.equal(true)
    expect(isRegistrable('https://client.example/a?b')).to.equal(false)
  })

  const COVERED: readonly [registered: string, uri: string, isCovered: boolean][] = [
    ['https://a.example/', 'https://a.example/x/y?z', true],
    ['https://a.example', 'https://a.example/x', true],
    ['https://a.example/hooks/', 'https://a.example/hooks/1', true],
    ['https://a.example/hooks/', 'https://a.example/hooks/', true],
    ['https://a.example/hooks', 'https://a.example/hooks?session=1', true],
    ['https://a.example/hooks', 'https://a.example/hooks/1', false],
    ['https://a.example/hooks', 'https://a.example/hooks2', false],
    ['https://a.example/hooks/', 'https://a.example/hooks', false],
    ['https://a.example/hooks/', 'https://a.example/other', false],
    ['https://a.example/', 'https://a.example:8443/', false],
    ['https://a.example:8443/', 'https://a.example/', false],
    ['https://a.example/', 'https://b.a.example/', false],
    ['https://a.example/', 'https://a.example.b/', false],
    ['https://a.example/', 'https://b.example/https://a.example/', false],
  ]
  for (const [registered, uri, expected] of COVERED) {
    it(`of ${registered} ${expected ? 'cover' : 'do not cover'} ${uri}`, () => {
      expect(isCovered([registered], uri)).to.equal(expected)
      expect(isCovered([], uri)).to.equal(false)
    })
  }
})
