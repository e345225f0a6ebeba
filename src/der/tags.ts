/** Identifier octets (X.690, 8.1.2) of what certificates, requests and answers are made of. */
export const TAG = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OID: 0x06,
  ENUMERATED: 0x0a,
  UTF8_STRING: 0x0c,
  PRINTABLE_STRING: 0x13,
  TELETEX_STRING: 0x14,
  IA5_STRING: 0x16,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  BMP_STRING: 0x1e,
  SEQUENCE: 0x30,
  SET: 0x31,
  /** Context-specific and constructed: [0], [1], … */
  context: (n: number): number => 0xa0 + n,
  /** Context-specific and primitive: an IMPLICIT tag over a primitive type. */
  primitive: (n: number): number => 0x80 + n,
} as const
