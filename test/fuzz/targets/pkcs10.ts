import { generateKeyPairSync } from 'node:crypto'
import { pkcs10Pem, refusalOf, requestOf } from '../../pki/support/pkcs10.ts'
import type { TestService } from '../../support/startService.ts'
import type { Target } from '../target.ts'

const REFUSALS = [
  'it is not in PEM',
  'it is too long',
  'it is not DER of that form',
  'its key is of a kind, a size or a form that is not certified',
  'it is signed by an algorithm that is not taken',
  'its signature is of another kind than its key',
  'its signature is not by its key',
  'its key is weak: its modulus has a small factor',
]

/** What the face says of more octets than a body may have. */
const TOO_LONG = 'request: Too big: expected string to have <=34000 characters'

/** What an operator was sent by whoever holds the key: PKCS#10 (RFC 2986). */
export function pkcs10Target(service: TestService): Promise<Target> {
  const subject = {
    countryName: 'NO',
    organizationName: 'Narvik AS',
    organizationIdentifier: 'NTRNO-987654321',
    commonName: 'Narvik seal',
  }
  return Promise.resolve({
    seeds: [
      requestOf({ keys: generateKeyPairSync('ec', { namedCurve: 'P-256' }), scheme: 'ecdsa-sha256' }),
      requestOf({ keys: generateKeyPairSync('ec', { namedCurve: 'P-384' }), scheme: 'ecdsa-sha384' }),
      requestOf({ keys: generateKeyPairSync('rsa', { modulusLength: 2048 }), scheme: 'rsa-sha256' }),
    ],
    words: ['taken', TOO_LONG, ...REFUSALS.map((why) => `The PKCS#10 is refused: ${why}.`)],
    ask: (input) => Promise.resolve(wordOf(refusalOf(input))),
    send: async (input) => {
      const { status, body } = await service.admin(service.operators.officer, 'POST /certificates', {
        body: { profile: 'ncp-l', subject, request: pkcs10Pem(input) },
      })
      if (status === 201) return 'taken'
      return status === 400 ? String((body as { detail?: unknown }).detail) : `status ${String(status)}`
    },
  })
}

const wordOf = (refusal: string): string => (refusal === 'nothing' ? 'taken' : refusal)
