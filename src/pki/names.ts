import * as x509 from '@peculiar/x509'

const OID = { surname: '2.5.4.4', serialNumber: '2.5.4.5', givenName: '2.5.4.42' } as const

export interface NaturalPerson {
  readonly personId: string
  readonly givenName: string
  readonly surname: string
  /** ISO 3166-1 alpha-2. */
  readonly country: string
  /** EN 319 412-1 identifier such as PNOGR-…, where the person has one. */
  readonly serialNumber: string | null
}

/** Subject of a natural person (EN 319 412-2, 4.2.4). Without an identifier of their own, the person's id tells namesakes apart. */
export function personName(person: NaturalPerson): x509.Name {
  return new x509.Name([
    { C: [{ printableString: person.country }] },
    { [OID.surname]: [text(person.surname)] },
    { [OID.givenName]: [text(person.givenName)] },
    { [OID.serialNumber]: [{ printableString: person.serialNumber ?? person.personId }] },
    { CN: [text(`${person.givenName} ${person.surname}`)] },
  ])
}

/** Subject of an authority (EN 319 412-3, 4.2.1). */
export function authorityName(authority: { country: string; organization: string; name: string }): x509.Name {
  return new x509.Name([
    { C: [{ printableString: authority.country }] },
    { O: [text(authority.organization)] },
    { CN: [text(authority.name)] },
  ])
}

/** The library reads a bare string as RFC 4514: quotes, backslashes and a leading # would change the name. */
function text(value: string): { utf8String: string } {
  return { utf8String: value }
}
