import { expect } from 'chai'
import { Refusal } from '../../src/refusal.ts'
import { OID } from '../../src/pki/oids.ts'
import { authorityName, legalName, machineName, personName, type NaturalPerson } from '../../src/pki/names.ts'

const KARI: NaturalPerson = {
  country: 'NO',
  givenName: 'Kari',
  surname: 'Nordmann',
  serialNumber: 'PNONO-12345678901',
}
const FJORD = {
  country: 'NO',
  organization: 'Fjord AS',
  organizationIdentifier: 'NTRNO-987654321',
  name: 'Fjord',
}

const refusalOf = (make: () => unknown): string => {
  try {
    make()
  } catch (error) {
    if (error instanceof Refusal) return `${error.code} ${error.message}`
    throw error
  }
  return 'nothing'
}

describe('names', () => {
  it('have PrintableString where X.520 wants it, and UTF8String elsewhere', () => {
    expect(personName(KARI).der.toString('hex')).to.equal(
      '3063310b3009060355040613024e4f' +
        '3111300f06035504040c084e6f72646d616e6e' +
        '310d300b060355042a0c044b617269' +
        '311a3018060355040513' +
        '11504e4f4e4f2d3132333435363738393031' +
        '31163014060355040' +
        '30c0d4b617269204e6f72646d616e6e',
    )
  })

  it('read as people write them, the common name first', () => {
    expect(personName(KARI).text).to.equal(
      'CN=Kari Nordmann, serialNumber=PNONO-12345678901, GN=Kari, SN=Nordmann, C=NO',
    )
    expect(machineName({ organization: 'A, B + C', name: '#1' }).text).to.equal('CN=\\#1, O=A\\, B \\+ C')
  })

  it('declare the semantics that their identifier follows, and no others', () => {
    const rows = [
      ['PNONO-1', OID.semanticsNatural],
      ['IDCBE-590082394654', OID.semanticsNatural],
      ['PASSK-P3000180', OID.semanticsNatural],
      ['TINGR-123', OID.semanticsNatural],
      ['EI:SE-200007292386', undefined],
      ['TAXGR-123', undefined],
      ['0581d4a2-946c-4855-94c3-82f21e53abac', undefined],
    ] as const
    for (const [serialNumber, semantics] of rows) {
      expect(personName({ ...KARI, serialNumber }).semantics, serialNumber).to.equal(semantics)
    }
    const organizations = [
      ['NTRNO-987654321', OID.semanticsLegal],
      ['VATEL-094277965', OID.semanticsLegal],
      ['VATBE-0876866142', OID.semanticsLegal],
      ['PSDES-BDE-3DFD21', OID.semanticsLegal],
      ['LEIXG-5493001KJTIIGC8Y1R12', OID.semanticsLegal],
      ['HR:NO-1', undefined],
    ] as const
    for (const [organizationIdentifier, semantics] of organizations) {
      expect(legalName({ ...FJORD, organizationIdentifier }).semantics).to.equal(semantics)
    }
  })

  it('are refused with identifiers that are none', () => {
    const of = (serialNumber: string): string => refusalOf(() => personName({ ...KARI, serialNumber }))
    expect(of('123')).to.equal(
      'invalid_request subject.serialNumber: is an identifier such as PNONO-12345678901',
    )
    expect(of('XYZNO-1')).to.equal(
      'invalid_request subject.serialNumber: begins with PAS, IDC, PNO or TIN, not with XYZ',
    )
    expect(of('PNOXX-1')).to.equal('invalid_request subject.serialNumber: names a country that is none: XX')
    expect(of(`PNONO-${'1'.repeat(59)}`)).to.equal(
      'invalid_request subject.serialNumber: has at most 64 characters',
    )
    expect(of('PNONO-ø')).to.match(/is an identifier/)
    const legal = (organizationIdentifier: string): string =>
      refusalOf(() => legalName({ ...FJORD, organizationIdentifier }))
    expect(legal('PNONO-1')).to.match(/begins with VAT, NTR, PSD or LEI, not with PNO/)
    expect(legal('NTREL-1')).to.match(/names a country that is none: EL/)
    expect(legal('LEIXG-5493001KJTIIGC8Y1R13')).to.match(/with its check digits/)
    expect(legal('LEINO-5493001KJTIIGC8Y1R12')).to.match(/LEIXG-/)
  })

  it('take a given name or a surname or both, or else a pseudonym', () => {
    const { country, serialNumber } = KARI
    expect(personName({ country, serialNumber, surname: 'Nordmann' }).text).to.include('CN=Nordmann, ')
    expect(personName({ country, serialNumber, givenName: 'Kari' }).text).to.include('CN=Kari, ')
    expect(personName({ country, serialNumber, pseudonym: 'ada' }).text).to.equal(
      'CN=ada, serialNumber=PNONO-12345678901, pseudonym=ada, C=NO',
    )
    const both =
      'invalid_request subject.givenName: givenName, surname or both, or else pseudonym, name a person'
    expect(refusalOf(() => personName({ ...KARI, pseudonym: 'ada' }))).to.equal(both)
    expect(refusalOf(() => personName({ country, serialNumber }))).to.equal(both)
  })

  it('are composed, trimmed, and shortened only where a common name may be so', () => {
    expect(personName({ ...KARI, surname: ' Å' }).text).to.include('SN=Å,')
    const long = personName({ ...KARI, givenName: 'Ada'.repeat(20), surname: 'Lovelace' })
    expect(long.text).to.include('CN=A Lovelace, ')
    expect(long.text).to.include(`GN=${'Ada'.repeat(20)}, `)
    const longer = personName({ ...KARI, surname: '名'.repeat(64) })
    expect(longer.text).to.include(`CN=K ${'名'.repeat(62)}, `)
  })

  it('are refused with text that no name has', () => {
    const of = (surname: string): string => refusalOf(() => personName({ ...KARI, surname }))
    for (const odd of ['a\0b', 'a\nb', 'a\u202eb', 'a\u2066b', 'a\ud800b', 'a\ue000b', 'a\u2028b']) {
      expect(of(odd)).to.equal('invalid_request subject.surname: holds a character that no name has')
    }
    expect(of('  ')).to.equal('invalid_request subject.surname: is empty')
    expect(of('x'.repeat(65))).to.equal('invalid_request subject.surname: has at most 64 characters')
    expect(of('😀'.repeat(64))).to.equal('nothing')
    expect(refusalOf(() => personName({ ...KARI, country: 'XX' }))).to.equal(
      'invalid_request subject.country: is a country of ISO 3166-1',
    )
  })

  it("of authorities go without an identifier, and never with one that is the organization's name", () => {
    const { country, organization, name } = FJORD
    expect(authorityName({ country, organization, name }).text).to.equal('CN=Fjord, O=Fjord AS, C=NO')
    expect(refusalOf(() => legalName({ ...FJORD, organization: 'NTRNO-987654321' }))).to.equal(
      'invalid_request subject.organizationIdentifier: is not the name',
    )
  })
})
