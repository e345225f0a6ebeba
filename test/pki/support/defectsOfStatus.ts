import { oid } from '../../../hsm/der.ts'
import { context, derTrue, primitive, sequence } from '../../../src/der/write.ts'
import { authorityInfoAccess, crlDistributionPoint, marks } from '../../../src/pki/extensions.ts'
import { OID } from '../../../src/pki/oids.ts'
import { add, ext, put, type Defect } from './defects.ts'

const uri = (url: string): Buffer => primitive(6, Buffer.from(url))
const CRL = 'http://pki.example.org/crl'

/** TABLE of seeded defects of what says whether a certificate was revoked. */
export const statusDefects: readonly Defect[] = [
  ['no list', 'list_is_where_the_profile_has_one', 'ncp-n', put(OID.cRLDistributionPoints)],
  ['a list for a responder', 'list_is_where_the_profile_has_one', 'ocsp', add(crlDistributionPoint(CRL))],
  [
    'a list in a directory',
    'list_has_one_http_address',
    'ncp-n',
    put(OID.cRLDistributionPoints, crlDistributionPoint('ldap://example.org')),
  ],
  [
    'a list of some reasons',
    'list_has_one_http_address',
    'ncp-n',
    put(
      OID.cRLDistributionPoints,
      ext(
        OID.cRLDistributionPoints,
        sequence(sequence(context(0, context(0, uri(CRL))), primitive(1, Buffer.from('0640', 'hex')))),
      ),
    ),
  ],
  [
    'a list by https',
    'list_is_reached_by_plain_http',
    'ncp-n',
    put(OID.cRLDistributionPoints, crlDistributionPoint('https://example.org/crl')),
  ],
  [
    'no access to the issuer',
    'issuers_certificate_is_named',
    'ncp-n',
    put(
      OID.authorityInfoAccess,
      ext(OID.authorityInfoAccess, sequence(sequence(oid(OID.ocsp), uri('http://a.no')))),
    ),
  ],
  [
    'no responder',
    'responder_is_where_the_profile_has_one',
    'ncp-n',
    put(OID.authorityInfoAccess, authorityInfoAccess({ caIssuers: 'http://a.no' })),
  ],
  [
    'a responder of the root',
    'responder_is_where_the_profile_has_one',
    'issuing',
    put(OID.authorityInfoAccess, authorityInfoAccess({ ocsp: 'http://a.no', caIssuers: 'http://a.no' })),
  ],
  ['both a list and none', 'no_revocation_means_no_address', 'short-term', add(crlDistributionPoint(CRL))],
  [
    'both a responder and none',
    'no_revocation_means_no_address',
    'short-term',
    put(OID.authorityInfoAccess, authorityInfoAccess({ ocsp: 'http://a.no', caIssuers: 'http://a.no' })),
  ],
  ['no revocation for three years', 'marks_are_of_the_profile', 'ncp-n', add(marks.noRevAvail)],
  ['a responder that is asked about', 'marks_are_of_the_profile', 'ocsp', put(OID.ocspNoCheck)],
  [
    'a mark that holds something',
    'marks_are_null',
    'ocsp',
    put(OID.ocspNoCheck, ext(OID.ocspNoCheck, derTrue)),
  ],
]
