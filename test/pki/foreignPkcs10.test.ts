import { execFileSync } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { keyOfPkcs10, pkcs10OfPem, subjectOfPkcs10 } from '../../src/pki/pkcs10.ts'
import { Refusal } from '../../src/refusal.ts'
import { has } from './lists.ts'
import { Workshop } from './support/workshop.ts'

const CONFIGURATION = `
[req]
distinguished_name = names
[all]
distinguished_name = names
attributes = attributes
req_extensions = extensions
[names]
[attributes]
challengePassword = secret
unstructuredName = something
[extensions]
basicConstraints = critical,CA:TRUE
subjectAltName = DNS:example.org,email:a@example.org,IP:192.0.2.1
certificatePolicies = 1.2.3.4
`

/** What the programs of others make, in all their ways. */
describe('PKCS#10 that others make', () => {
  let shop: Workshop
  before(() => {
    shop = new Workshop()
  })
  after(() => {
    shop.remove()
  })

  const path = (name: string): string => shop.path(name)

  const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  const RSA = ['-newkey', 'rsa:2048']
  const PSS = ['-sigopt', 'rsa_padding_mode:pss']
  const asked = (...options: string[]): string => {
    writeFileSync(path('req.cnf'), CONFIGURATION)
    const subject = options.includes('-subj') ? [] : ['-subj', '/CN=me']
    const args = ['-new', '-batch', '-nodes', '-config', path('req.cnf'), '-keyout', path('it.key')]
    return shop.openssl('req', ...args, ...subject, ...options)
  }
  const taken = (pem: string): void => {
    const shown = createPublicKey(
      execFileSync('openssl', ['req', '-noout', '-pubkey'], { input: pem, stdio: 'pipe' }),
    )
    expect(keyOfPkcs10(pkcs10OfPem(pem)).spki).to.deep.equal(shown.export({ format: 'der', type: 'spki' }))
  }
  const refusalOf = (pem: string): string => {
    try {
      keyOfPkcs10(pkcs10OfPem(pem))
    } catch (error) {
      if (error instanceof Refusal) return error.message
      throw error
    }
    return 'nothing'
  }

  for (const [what, options] of Object.entries({
    'under the old label': [...EC, '-newhdr'],
    'without a subject': [...EC, '-subj', '/'],
    'with names of several values, in UTF-8': [...EC, '-utf8', '-subj', '/C=GR/O=Ελένη+OU=α/CN=Παπαδοπούλου'],
    'with attributes and extensions of a configuration': [...RSA, '-section', 'all'],
    'with extensions of the command line': [
      ...EC,
      '-addext',
      'keyUsage=critical,keyCertSign',
      '-addext',
      '1.2.3.4=DER:0500',
    ],
    'by ECDSA with SHA-384': [...EC, '-sha384'],
    'by ECDSA with SHA-512': [...EC, '-sha512'],
    'by RSA with SHA-512': [...RSA, '-sha512'],
    'by PSS with a salt as long as its hash': [
      ...RSA,
      ...PSS,
      '-sigopt',
      'rsa_pss_saltlen:digest',
      '-sha384',
    ],
  })) {
    it(`by openssl are read: ${what}`, () => taken(asked(...options)))
  }

  const ALGORITHM = 'it is signed by an algorithm that is not taken'
  const KIND = 'its key is of a kind, a size or a form that is not certified'
  for (const [what, options, why] of [
    ['by SHA-1', [...RSA, '-sha1'], ALGORITHM],
    ['by SHA-3', [...RSA, '-sha3-256'], ALGORITHM],
    ['by SHA-224', [...EC, '-sha224'], ALGORITHM],
    ['by PSS with a salt of another length', [...RSA, ...PSS, '-sigopt', 'rsa_pss_saltlen:20'], ALGORITHM],
    [
      'by PSS with another hash inside',
      [...RSA, ...PSS, '-sigopt', 'rsa_pss_saltlen:32', '-sigopt', 'rsa_mgf1_md:sha1'],
      ALGORITHM,
    ],
    ['of a key that is for PSS alone', ['-newkey', 'rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048'], KIND],
    ['of a curve by its numbers', [...EC, '-pkeyopt', 'ec_param_enc:explicit'], KIND],
    ['of a curve that is not certified', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'], KIND],
    ['of Ed448', ['-newkey', 'ed448'], KIND],
    ['of 1024 bits', ['-newkey', 'rsa:1024'], KIND],
  ] as const) {
    it(`by openssl are refused: ${what}`, () => {
      expect(refusalOf(asked(...options))).to.equal(`The PKCS#10 is refused: ${why}.`)
    })
  }

  it('by certtool of GnuTLS are read', function () {
    if (!has('certtool')) this.skip()
    writeFileSync(path('template'), 'cn = "me"\norganization = "Ελένη"\nchallenge_password = "x"\nca\n')
    for (const kind of ['rsa', 'ecdsa', 'ed25519']) {
      shop.run('certtool', ...['--generate-privkey', '--key-type', kind, '--outfile', path('it.key')])
      const load = ['--load-privkey', path('it.key'), '--template', path('template')]
      const pem = shop.run('certtool', ...['--generate-request', ...load]).replace(/^[^]*?(?=-----BEGIN)/, '')
      taken(pem)
      expect(subjectOfPkcs10(pkcs10OfPem(pem)).toString('utf8')).to.include('Ελένη')
    }
  })
})
