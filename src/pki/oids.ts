/** Object identifiers of certificates, in the names that their standards give them. */
export const OID = {
  // RFC 5280, 4.2.1
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  privateKeyUsagePeriod: '2.5.29.16',
  basicConstraints: '2.5.29.19',
  cRLDistributionPoints: '2.5.29.31',
  cRLNumber: '2.5.29.20',
  cRLReason: '2.5.29.21',
  issuingDistributionPoint: '2.5.29.28',
  certificatePolicies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  anyPolicy: '2.5.29.32.0',
  cps: '1.3.6.1.5.5.7.2.1',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  ocsp: '1.3.6.1.5.5.7.48.1',
  caIssuers: '1.3.6.1.5.5.7.48.2',
  // X.509, 9.5.2.8
  expiredCertsOnCRL: '2.5.29.60',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  // RFC 6960, 4.2.2.2
  ocspSigning: '1.3.6.1.5.5.7.3.9',
  ocspNoCheck: '1.3.6.1.5.5.7.48.1.5',
  // RFC 6960, 4.2.1 and 4.4
  ocspBasic: '1.3.6.1.5.5.7.48.1.1',
  ocspNonce: '1.3.6.1.5.5.7.48.1.2',
  ocspResponse: '1.3.6.1.5.5.7.48.1.4',
  ocspArchiveCutoff: '1.3.6.1.5.5.7.48.1.6',
  ocspServiceLocator: '1.3.6.1.5.5.7.48.1.7',
  ocspPreferredSignature: '1.3.6.1.5.5.7.48.1.8',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  // RFC 3161, 2.3
  timeStamping: '1.3.6.1.5.5.7.3.8',
  // RFC 9608, 2
  noRevAvail: '2.5.29.56',
  // EN 319 412-1, 5.2
  validityAssured: '0.4.0.194121.2.1',
  // EN 319 411-1, 5.3
  ncp: '0.4.0.2042.1.1',
  ncpPlus: '0.4.0.2042.1.2',
  // EN 319 411-2, 5.3
  qcpN: '0.4.0.194112.1.0',
  qcpL: '0.4.0.194112.1.1',
  qcpNQscd: '0.4.0.194112.1.2',
  qcpLQscd: '0.4.0.194112.1.3',
  // RFC 3739, 3.2.6
  qcStatements: '1.3.6.1.5.5.7.1.3',
  qcSyntaxV2: '1.3.6.1.5.5.7.11.2',
  // EN 319 412-5, 4.2 and 4.3
  qcCompliance: '0.4.0.1862.1.1',
  qcSscd: '0.4.0.1862.1.4',
  qcPds: '0.4.0.1862.1.5',
  qcType: '0.4.0.1862.1.6',
  qctEsign: '0.4.0.1862.1.6.1',
  qctEseal: '0.4.0.1862.1.6.2',
  // EN 319 412-1, 5.1.3 and 5.1.4
  semanticsNatural: '0.4.0.194121.1.1',
  semanticsLegal: '0.4.0.194121.1.2',
} as const
