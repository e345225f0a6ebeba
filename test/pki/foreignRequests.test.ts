import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { readOcspRequest } from '../../src/pki/ocspRequest.ts'
import { TimestampFailure, timestampRequest } from '../../src/pki/tsaRequest.ts'
import { has } from './lists.ts'
import { Workshop } from './support/workshop.ts'

/** What the programs of others make, in all their ways, as our parsers read it. */
describe('requests that others make', () => {
  let shop: Workshop
  before(() => {
    shop = new Workshop()
    writeFileSync(path('data'), 'a document')
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', path('ca.key')]
    shop.openssl('req', '-x509', ...key, '-subj', '/CN=ca', '-out', path('ca.pem'))
  })
  after(() => {
    shop.remove()
  })

  const path = (name: string): string => shop.path(name)

  describe('for timestamps, by openssl', () => {
    const accepting = { policy: '2.999.3161', hashes: ['SHA-256', 'SHA-384', 'SHA-512'] } as const
    const asked = (...options: string[]): Buffer => {
      shop.openssl('ts', '-query', ...options, '-out', path('it.tsq'))
      return readFileSync(path('it.tsq'))
    }
    const failureOf = (octets: Buffer): string => {
      try {
        timestampRequest(octets, accepting)
      } catch (error) {
        if (error instanceof TimestampFailure) return error.failure
        throw error
      }
      return 'none'
    }

    for (const name of ['sha256', 'sha384', 'sha512']) {
      it(`over ${name} are read, with all their options`, () => {
        const imprint = createHash(name).update('a document').digest()
        const whole = timestampRequest(asked('-data', path('data'), `-${name}`, '-cert'), accepting)
        expect(whole).to.deep.include({ imprint, certReq: true })
        expect(whole.nonce).to.not.equal(undefined)
        const policy = ['-tspolicy', accepting.policy, '-no_nonce']
        const bare = timestampRequest(
          asked('-digest', imprint.toString('hex'), `-${name}`, ...policy),
          accepting,
        )
        expect(bare).to.deep.include({ imprint, certReq: false, nonce: undefined })
      })
    }

    it('are refused over other hashes and under other policies', () => {
      for (const name of ['sha1', 'sha224', 'sha3-256', 'md5'])
        expect(failureOf(asked('-data', path('data'), `-${name}`)), name).to.equal('badAlg')
      const policy = ['-tspolicy', '2.999.1', '-sha256']
      expect(failureOf(asked('-data', path('data'), ...policy))).to.equal('unacceptedPolicy')
    })
  })

  describe('for status', () => {
    const serial = (): Buffer => {
      const hex = new X509Certificate(readFileSync(path('ca.pem'))).serialNumber
      return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
    }
    const read = (): ReturnType<typeof readOcspRequest> => readOcspRequest(readFileSync(path('it.req')))
    const asked = (...options: string[]): ReturnType<typeof readOcspRequest> => {
      shop.openssl('ocsp', ...options, '-reqout', path('it.req'))
      return read()
    }
    const issuer = (): string[] => ['-issuer', path('ca.pem')]

    it('by openssl are read, by each hash, with a nonce and without', () => {
      for (const [name, hash] of [
        ['sha1', 'SHA-1'],
        ['sha256', 'SHA-256'],
        ['sha384', undefined],
        ['sha512', undefined],
      ] as const) {
        const one = asked(`-${name}`, '-nonce', ...issuer(), '-cert', path('ca.pem'))
        expect(one.certIds[0]).to.deep.include({ hash, serial: serial() })
        expect(one.nonce?.length).to.be.greaterThan(16)
        expect(asked(`-${name}`, '-no_nonce', ...issuer(), '-serial', '0x4a01').nonce).to.equal(undefined)
      }
    })

    it('by openssl are read about several certificates, by different hashes', () => {
      const several = asked(
        ...issuer(),
        '-serial',
        '1',
        '-sha256',
        '-serial',
        '0xff',
        '-cert',
        path('ca.pem'),
      )
      expect(several.certIds.map(({ hash }) => hash)).to.deep.equal(['SHA-1', 'SHA-256', 'SHA-256'])
      expect(several.certIds[1]?.serial.toString('hex')).to.equal('ff')
    })

    it('by openssl are read when they are signed, with certificates and without', () => {
      const signed = ['-signer', path('ca.pem'), '-signkey', path('ca.key')]
      for (const more of [[], ['-no_certs'], ['-sign_other', path('ca.pem')]]) {
        const one = asked(...issuer(), '-cert', path('ca.pem'), ...signed, ...more)
        expect(one.certIds[0].serial).to.deep.equal(serial())
      }
    })

    it('by ocsptool of GnuTLS are read', function () {
      if (!has('ocsptool')) this.skip()
      const load = ['--load-cert', path('ca.pem'), '--load-issuer', path('ca.pem')]
      shop.run('ocsptool', '--generate-request', ...load, '--outfile', path('it.req'))
      expect(read().certIds[0]).to.deep.include({ hash: 'SHA-1', serial: serial() })
    })
  })
})
