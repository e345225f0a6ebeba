import { z } from 'zod'
import type { Format } from '../../credentials/formats/format.ts'
import { Refusal } from '../../refusal.ts'
import { example } from '../http/exampleValues.ts'
import type { Described, Endpoint } from '../http/problemEndpoint.ts'
import {
  authorising,
  challengeOf,
  checkNames,
  checkProof,
  client,
  domainOf,
  identifier,
  keyAttestation,
  presenting,
} from './members.ts'
import { object } from '../http/members.ts'
import { signer, signing } from './sign.ts'

/** A proof of possession, for a request for a credential (OpenID4VCI 1.0, appendix F). */
export function signPop({ name: format, prove }: Format): Endpoint {
  return signing({
    what: 'pop',
    format,
    summary: 'Proves the possession of a key (OpenID4VCI 1.0, appendix F)',
    request: z
      .strictObject({
        verifiable: object.optional().meta({ description: 'Ignored', type: 'object' }),
        identifier,
        client_id: client,
        keyAttestation,
        ...authorising,
        ...presenting,
      })
      .superRefine(checkProof)
      .superRefine(checkNames),
    examples: prove === undefined ? {} : { 'for a credential issuer': FOR_ONE, ...more[format] },
    make: async (input, key, now) => {
      if (prove === undefined) {
        throw new Refusal('invalid_request', `${format}: no proof of possession in this format`)
      }
      const domain = domainOf(input)
      if (domain === undefined) throw new Refusal('invalid_request', 'domain: is missing')
      const { validUntil, cryptosuite, client_id: wallet, keyAttestation: attestation } = input
      const about = { domain, challenge: challengeOf(input), validUntil, cryptosuite, client: wallet }
      return prove({ key: await key(), now, ...about, keyAttestation: attestation })
    },
  })
}

const FOR_ONE = {
  ...signer,
  domain: 'https://credential-issuer.example',
  challenge: 'c-nonce-of-the-issuer',
}

/** TABLE of examples of what one format alone takes. */
const more: Readonly<Partial<Record<Format['name'], Described['examples']>>> = {
  jwt: { 'with who attests the key': { ...FOR_ONE, keyAttestation: example.keyAttestation } },
}
