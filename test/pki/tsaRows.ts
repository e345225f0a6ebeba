import { createHash } from 'node:crypto'
import { oid } from '../../hsm/der.ts'
import { context, extension, octetString, sequence, smallInteger } from '../../src/der/write.ts'
import { queryOf } from './tsaClient.ts'

export const DATA = 'a document'
export const good = queryOf({})
export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

export const messageImprint = (algorithm = sequence(oid('2.16.840.1.101.3.4.2.1'))): Buffer =>
  sequence(algorithm, octetString(createHash('sha256').update(DATA).digest()))
const SHORT = Buffer.alloc(31)
const EXTENSION = extension('1.2.3', smallInteger(1))
/** What is asked, and the one reason that is answered. */
export const refusals: readonly (readonly [name: string, query: Buffer, failure: string, text: string])[] = [
  ['SHA-1', queryOf({ hash: 'sha1' }), 'badAlg', 'The hash algorithm is not accepted'],
  [
    'a hash that is known but not configured',
    queryOf({ hash: 'sha3-256' }),
    'badAlg',
    'The hash algorithm is not accepted',
  ],
  [
    'a hash that nobody knows',
    sequence(smallInteger(1), messageImprint(sequence(oid('1.2.3.4')))),
    'badAlg',
    'The hash algorithm is not accepted',
  ],
  [
    'an imprint that is too short',
    queryOf({ imprint: SHORT }),
    'badDataFormat',
    'The imprint has not the length of its hash',
  ],
  [
    'an imprint of another hash',
    queryOf({ hash: 'sha512', imprint: Buffer.alloc(32) }),
    'badDataFormat',
    'The imprint has not the length of its hash',
  ],
  [
    'another policy',
    queryOf({ policy: '1.2.3' }),
    'unacceptedPolicy',
    'The policy is not one of this service',
  ],
  ['an extension', queryOf({ extensions: [EXTENSION] }), 'unacceptedExtension', 'No extension is accepted'],
  [
    'a critical extension',
    queryOf({ extensions: [extension('1.2.3', smallInteger(1), { critical: true })] }),
    'unacceptedExtension',
    'No extension is accepted',
  ],
  ['version 2', queryOf({ version: 2 }), 'badRequest', 'The version is not 1'],
  ...(
    [
      ['nothing', Buffer.alloc(0)],
      ['no ASN.1', Buffer.from('{"hash":"…"}')],
      ['something after the end', Buffer.concat([good, hex('00')])],
      ['something cut off', good.subarray(0, -1)],
      ['an indefinite length', hex('3080 020101 0000')],
      [
        'parameters that are not NULL',
        sequence(smallInteger(1), messageImprint(sequence(oid('1.2.3'), smallInteger(1)))),
      ],
      ['a FALSE that DER leaves out', sequence(smallInteger(1), messageImprint(), hex('010100'))],
      ['a TRUE of BER', sequence(smallInteger(1), messageImprint(), hex('010101'))],
      ['members in another order', sequence(smallInteger(1), messageImprint(), hex('0101ff'), hex('020101'))],
      [
        'a nonce that is longer than it need be',
        sequence(smallInteger(1), messageImprint(), hex('02020001')),
      ],
      ['an empty nonce', sequence(smallInteger(1), messageImprint(), hex('0200'))],
      ['an endless nonce', queryOf({ nonce: Buffer.alloc(65, 1) })],
      ['an empty list of extensions', sequence(smallInteger(1), messageImprint(), context(0))],
      ['an extension that is none', sequence(smallInteger(1), messageImprint(), context(0, smallInteger(1)))],
    ] as const
  ).map(
    ([name, query]) => [name, query, 'badDataFormat', 'The request is not a TimeStampReq in DER'] as const,
  ),
  ['five thousand octets', Buffer.alloc(5000), 'badDataFormat', 'The request body is too large'],
]
