import { expect } from 'chai'
import { keyTypes, schemes } from '../../hsm/algorithms.ts'
import { decodeBase64, decodeBase64Url, generalizedTime } from '../../src/api/csc/encoding.ts'
import { pssHash } from '../../src/api/csc/pssParameters.ts'
import { algorithmOids, askedScheme, type AskedAlgorithm } from '../../src/api/csc/signAlgo.ts'
import { Refusal } from '../../src/refusal.ts'

const SHA256 = '2.16.840.1.101.3.4.2.1'
const SHA384 = '2.16.840.1.101.3.4.2.2'
const SHA512 = '2.16.840.1.101.3.4.2.3'
const RSA = '1.2.840.113549.1.1.1'
const PSS = '1.2.840.113549.1.1.10'
const EC = '1.2.840.10045.2.1'
const base64 = (hex: string): string => Buffer.from(hex.replaceAll(' ', ''), 'hex').toString('base64')

/** As OpenSSL writes them: -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest. */
const PSS_256 =
  '3034 a00f 300d 0609608648016503040201 0500 a11c 301a 06092a864886f70d010108 300d 0609608648016503040201 0500 a203 020120'
const PSS_512 =
  '3034 a00f 300d 0609608648016503040203 0500 a11c 301a 06092a864886f70d010108 300d 0609608648016503040203 0500 a203 020140'
/** Hash parameters absent, as .NET and BouncyCastle write them. */
const PSS_256_ABSENT =
  '3030 a00d 300b 0609608648016503040201 a11a 3018 06092a864886f70d010108 300b 0609608648016503040201 a203 020120'

const outcome = (asked: AskedAlgorithm): string => {
  try {
    return askedScheme(asked).name
  } catch (error) {
    return error instanceof Refusal && error.code === 'invalid_request' ? error.message : String(error)
  }
}

describe('the algorithm that a signHash request names', () => {
  const named: [AskedAlgorithm, string][] = [
    [{ signAlgo: '1.2.840.10045.4.3.2' }, 'ecdsa-sha256'],
    [{ signAlgo: '1.2.840.10045.4.3.3' }, 'ecdsa-sha384'],
    [{ signAlgo: '1.2.840.10045.4.3.4' }, 'ecdsa-sha512'],
    [{ signAlgo: '1.2.840.10045.4.3.2', hashAlgorithmOID: SHA256 }, 'ecdsa-sha256'],
    [{ signAlgo: '1.2.840.113549.1.1.11' }, 'rsa-sha256'],
    [{ signAlgo: '1.2.840.113549.1.1.12' }, 'rsa-sha384'],
    [{ signAlgo: '1.2.840.113549.1.1.13' }, 'rsa-sha512'],
    [{ signAlgo: '1.2.840.113549.1.1.11', signAlgoParams: 'BQA=' }, 'rsa-sha256'],
    [{ signAlgo: '1.2.840.113549.1.1.11', signAlgoParams: '' }, 'rsa-sha256'],
    [{ signAlgo: RSA, hashAlgorithmOID: SHA256 }, 'rsa-sha256'],
    [{ signAlgo: RSA, hashAlgorithmOID: SHA512 }, 'rsa-sha512'],
    [{ signAlgo: PSS, signAlgoParams: base64(PSS_256) }, 'pss-sha256'],
    [{ signAlgo: PSS, signAlgoParams: base64(PSS_512), hashAlgorithmOID: SHA512 }, 'pss-sha512'],
    [{ signAlgo: PSS, signAlgoParams: base64(PSS_256_ABSENT) }, 'pss-sha256'],
    [{ signAlgo: '1.3.101.112' }, 'ed25519'],
    [{ signAlgo: '1.3.101.112', hashAlgorithmOID: SHA512 }, 'ed25519'],
  ]
  for (const [asked, name] of named) {
    it(`is ${name} for ${JSON.stringify(asked)}`, () => {
      expect(outcome(asked)).to.equal(name)
    })
  }

  const missing = 'Missing (or invalid type) string parameter hashAlgorithmOID'
  const contradiction = 'String parameter hashAlgorithmOID contradicts with signAlgo parameter'
  const refused: [AskedAlgorithm, string][] = [
    [{ signAlgo: RSA }, missing],
    [{ signAlgo: RSA, hashAlgorithmOID: '1.3.14.3.2.26' }, 'Invalid parameter hashAlgorithmOID'],
    [{ signAlgo: '1.2.840.10045.4.3.2', hashAlgorithmOID: 'SHA-256' }, 'Invalid parameter hashAlgorithmOID'],
    [{ signAlgo: '1.2.840.10045.4.3.2', hashAlgorithmOID: SHA384 }, contradiction],
    [{ signAlgo: '1.2.840.113549.1.1.13', hashAlgorithmOID: SHA256 }, contradiction],
    [{ signAlgo: PSS, signAlgoParams: base64(PSS_256), hashAlgorithmOID: SHA512 }, contradiction],
    [{ signAlgo: '1.2.840.113549.1.1.5' }, 'Invalid parameter signAlgo'],
    [{ signAlgo: 'ES256' }, 'Invalid parameter signAlgo'],
    // Aliases, which are put into the standard's words before (test/csc/aliases.test.ts).
    [{ signAlgo: EC, hashAlgorithmOID: SHA384 }, 'Invalid parameter signAlgo'],
    [{ signAlgo: 'ECDSA', hashAlgorithmOID: SHA256 }, 'Invalid parameter signAlgo'],
    [{ signAlgo: 'ecdsa', hashAlgorithmOID: SHA256 }, 'Invalid parameter signAlgo'],
    [{ signAlgo: '__proto__' }, 'Invalid parameter signAlgo'],
    [{ signAlgo: '' }, 'Invalid parameter signAlgo'],
    [{ signAlgo: '1.2.840.10045.4.3.2', signAlgoParams: 'BQA=' }, 'Invalid parameter signAlgoParams'],
    [
      { signAlgo: '1.2.840.113549.1.1.11', signAlgoParams: base64(PSS_256) },
      'Invalid parameter signAlgoParams',
    ],
    [{ signAlgo: PSS }, 'Missing (or invalid type) string parameter signAlgoParams'],
    [{ signAlgo: PSS, signAlgoParams: '*' }, 'Invalid parameter signAlgoParams'],
    // All defaults: SHA-1.
    [{ signAlgo: PSS, signAlgoParams: base64('3000') }, 'Invalid parameter signAlgoParams'],
  ]
  for (const [asked, message] of refused) {
    it(`is none for ${JSON.stringify(asked)}`, () => {
      expect(outcome(asked)).to.equal(message)
    })
  }

  it('is advertised by OID, the preferred one first', () => {
    expect(algorithmOids(keyTypes['P-384'])).to.deep.equal([
      '1.2.840.10045.4.3.3',
      '1.2.840.10045.4.3.2',
      '1.2.840.10045.4.3.4',
    ])
    expect(algorithmOids(keyTypes['RSA-3072'])).to.deep.equal([
      '1.2.840.113549.1.1.11',
      '1.2.840.113549.1.1.12',
      '1.2.840.113549.1.1.13',
      PSS,
      RSA,
    ])
    expect(algorithmOids(keyTypes.Ed25519)).to.deep.equal(['1.3.101.112'])
  })
})

describe('RSASSA-PSS-params', () => {
  it('are those of the table, for every hash', () => {
    for (const name of ['pss-sha256', 'pss-sha384', 'pss-sha512'] as const) {
      // AlgorithmIdentifier: two octets of header, eleven of OID, then the parameters.
      const params = schemes[name].algorithmIdentifier.subarray(13)
      expect(pssHash(params)).to.equal(schemes[name].hash)
    }
  })

  const variants: [string, string][] = [
    ['another salt length', PSS_256.replace('020120', '020114')],
    ['a salt length in two octets', PSS_256.replace('3034', '3035').replace('a203 020120', 'a204 02020020')],
    [
      'MGF1 over another hash',
      PSS_256.replace(/0609608648016503040201 0500 a203/, '0609608648016503040202 0500 a203'),
    ],
    ['another mask function', PSS_256.replace('06092a864886f70d010108', '06092a864886f70d010109')],
    ['a trailer field, which is a default', `${PSS_256.replace('3034', '3039')} a303 020101`],
    ['no salt length', PSS_256.replace('3034', '302f').replace(' a203 020120', '')],
    ['no mask', '3016 a00f 300d 0609608648016503040201 0500 a203 020120'],
    ['octets after them', `${PSS_256}00`],
    ['SHA-1', '3000'],
    ['a hash with odd parameters', PSS_256.replace('0500 a11c', '0101 a11c')],
    ['a length that is not minimal', PSS_256.replace('3034', '308134')],
    ['an algorithm identifier around them', schemes['pss-sha256'].algorithmIdentifier.toString('hex')],
    ['nothing', ''],
  ]
  for (const [what, hex] of variants) {
    it(`are refused with ${what}`, () => {
      expect(pssHash(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).to.equal(undefined)
    })
  }
})

describe('base64', () => {
  type Case = [text: string, standard: string | undefined, url: string | undefined]
  const cases: Case[] = [
    ['', '', ''],
    ['+/8=', 'fbff', undefined],
    ['-_8=', undefined, 'fbff'],
    ['-_8', undefined, 'fbff'],
    ['AAAA', '000000', '000000'],
    ['AAA', undefined, '0000'],
    ['AA==', '00', '00'],
    ...[
      '+/8',
      '+_8=',
      'AAB',
      'AAB=',
      'AA=',
      'AA===',
      'A',
      'AAAA\n',
      ' AAAA',
      'AA AA',
      'AA*A',
      'ＡＡＡＡ',
    ].map((text): Case => [text, undefined, undefined]),
  ]
  for (const [text, standard, url] of cases) {
    it(`of ${JSON.stringify(text)} is ${standard ?? 'none'}, and ${url ?? 'none'} in the alphabet of the URL`, () => {
      expect(decodeBase64(text)?.toString('hex')).to.equal(standard)
      expect(decodeBase64Url(text)?.toString('hex')).to.equal(url)
    })
  }
})

describe('a time', () => {
  it('is written in UTC, to the second', () => {
    expect(generalizedTime(new Date('2026-02-03T04:05:06.789Z'))).to.equal('20260203040506Z')
  })
})
