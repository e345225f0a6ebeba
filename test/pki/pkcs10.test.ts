import { execFileSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { expect } from 'chai'
import { keyTypes } from '../../hsm/algorithms.ts'
import { bitString, oid, rsaSpki } from '../../hsm/der.ts'
import { context, derNull, sequence, smallInteger } from '../../src/der/write.ts'
import { keyOfPkcs10, pkcs10OfPem } from '../../src/pki/pkcs10.ts'
import { Refusal } from '../../src/refusal.ts'
import { rsaWeakness } from '../../src/pki/weakKeys.ts'
import { mutations, refusalOf, requestOf, spkiOf, worstOf } from './support/pkcs10.ts'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const refused = (why: string): string => `The PKCS#10 is refused: ${why}.`

/** openssl makes a key, and a request for it that asks for much. */
function requestOfOpenssl(...key: string[]): { pem: string; spki: Buffer } {
  const args = ['req', '-new', ...key, '-nodes', '-keyout', '/dev/null', '-subj', '/CN=me/O=root', '-batch']
  const asked = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'subjectAltName=DNS:example.org']
  const pem = execFileSync('openssl', [...args, ...asked], { encoding: 'utf8', stdio: 'pipe' })
  const shown = execFileSync('openssl', ['req', '-noout', '-pubkey'], {
    input: pem,
    encoding: 'utf8',
    stdio: 'pipe',
  })
  return { pem, spki: createPublicKey(shown).export({ format: 'der', type: 'spki' }) }
}

describe('a PKCS#10', () => {
  const made = [
    ['P-256', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']],
    ['P-384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-sha384']],
    ['P-521', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-521', '-sha512']],
    ['RSA-2048', ['-newkey', 'rsa:2048']],
    [
      'RSA-3072',
      ['-newkey', 'rsa:3072', '-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest'],
    ],
    ['Ed25519', ['-newkey', 'ed25519']],
  ] as const
  for (const [keyType, args] of made) {
    it(`of ${keyType} by openssl gives its key, and nothing of what it asks for`, () => {
      const { pem, spki } = requestOfOpenssl(...args)
      expect(keyOfPkcs10(pkcs10OfPem(pem))).to.deep.equal({ keyType, spki })
    })
  }

  it('is refused when its key is too small, or of another kind', () => {
    const kind = refused('its key is of a kind, a size or a form that is not certified')
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 })
    expect(refusalOf(requestOf({ keys: small, scheme: 'rsa-sha256' }))).to.equal(kind)
    const three = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 })
    expect(refusalOf(requestOf({ keys: three, scheme: 'rsa-sha256' }))).to.equal(kind)
    const koblitz = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
    expect(refusalOf(requestOf({ keys: koblitz, scheme: 'ecdsa-sha256' }))).to.equal(kind)
  })

  it('is refused when another key signed it, or a signature is of another kind', () => {
    const others = spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)
    const notByKey = refused('its signature is not by its key')
    expect(refusalOf(requestOf({ keys: ec, scheme: 'ecdsa-sha256', spki: others }))).to.equal(notByKey)
    const good = requestOf({ keys: ec, scheme: 'ecdsa-sha256' })
    const altered = Buffer.from(good)
    altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1
    expect(refusalOf(altered)).to.equal(notByKey)
    expect(refusalOf(requestOf({ keys: rsa, scheme: 'rsa-sha256', spki: others }))).to.equal(
      refused('its signature is of another kind than its key'),
    )
  })

  it('is refused when it is signed by SHA-1', () => {
    const info = sequence(smallInteger(0), sequence(), spkiOf(rsa.publicKey), context(0))
    const sha1 = sequence(oid('1.2.840.113549.1.1.5'), derNull)
    expect(refusalOf(sequence(info, sha1, bitString(Buffer.alloc(256))))).to.equal(
      refused('it is signed by an algorithm that is not taken'),
    )
  })

  it('is refused when its point is not on its curve', () => {
    const spki = Buffer.from(spkiOf(ec.publicKey))
    spki[spki.length - 1] = (spki.at(-1) ?? 0) ^ 1
    expect(refusalOf(requestOf({ keys: ec, scheme: 'ecdsa-sha256', spki }))).to.equal(
      refused('its signature is not by its key'),
    )
  })

  it('is refused when it is not DER, not version 1, too long or not in PEM', () => {
    const form = refused('it is not DER of that form')
    const good = requestOf({ keys: ec, scheme: 'ecdsa-sha256' })
    expect(refusalOf(good)).to.equal('nothing')
    expect(refusalOf(Buffer.alloc(0))).to.equal(form)
    expect(refusalOf(Buffer.concat([good, Buffer.from([0])]))).to.equal(form)
    expect(refusalOf(requestOf({ keys: ec, scheme: 'ecdsa-sha256', version: 1 }))).to.equal(form)
    expect(refusalOf(Buffer.alloc(16_385))).to.equal(refused('it is too long'))
    for (const text of ['', 'x', '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----']) {
      expect(() => pkcs10OfPem(text)).to.throw(Refusal, refused('it is not in PEM'))
    }
  })

  it('is refused, and never more than that, wherever it was altered', () => {
    for (const keys of [ec, rsa]) {
      const good = requestOf({ keys, scheme: keys === ec ? 'ecdsa-sha256' : 'rsa-sha256' })
      const { taken } = worstOf(mutations(good, { count: 1_000, seed: good.length }))
      // A change that another one took back.
      expect(taken.every((one) => one.equals(good))).to.equal(true)
    }
  })
})

describe('an RSA key that is long enough', () => {
  const spkiOfModulus = (n: bigint): Buffer =>
    rsaSpki(
      keyTypes['RSA-2048'],
      Buffer.from(n.toString(16).padStart(512, '0'), 'hex'),
      Buffer.from('010001', 'hex'),
    )

  it('is weak when its primes are close to each other', () => {
    // Near the root of 2^2047; that the two are prime does not matter to the method.
    const [p, q] = [hard((1n << 1023n) + 1n), hard((1n << 1023n) + (1n << 500n) + 1n)]
    expect(rsaWeakness(spkiOfModulus(p * q))).to.equal('its primes are close to each other')
  })

  it('is weak when its modulus has a small factor, or is of the faulty make', () => {
    expect(rsaWeakness(spkiOfModulus(3n * ((1n << 2040n) + 1n)))).to.equal('its modulus has a small factor')
    // By the Chinese remainder theorem: a power of 65537 by every prime is one by their product.
    const product = PRIMES.reduce((all, prime) => all * prime, 1n)
    let power = 1n
    for (let n = 0; n < 12_345; n++) power = (power * 65_537n) % product
    const n = power + product * (1n << 1820n)
    expect(rsaWeakness(spkiOfModulus(n % 2n === 1n ? n : n + product))).to.equal(
      'its primes are of a known faulty make (ROCA)',
    )
  })

  it('is not weak when openssl made it', () => {
    expect(rsaWeakness(spkiOf(rsa.publicKey))).to.equal(undefined)
  })
})

/** The next number that no small prime divides. */
function hard(from: bigint): bigint {
  let n = from
  while (PRIMES.some((prime) => n % prime === 0n)) n += 2n
  return n
}

const PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
  109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
].map(BigInt)
