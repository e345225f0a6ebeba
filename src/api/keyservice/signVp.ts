import { z } from 'zod'
import type { Format } from '../../credentials/formats/format.ts'
import { Refusal } from '../../refusal.ts'
import { example } from '../http/exampleValues.ts'
import type { Endpoint } from '../http/problemEndpoint.ts'
import {
  authorising,
  challengeOf,
  checkNames,
  checkProof,
  domainOf,
  identifier,
  presenting,
  sdJwt,
} from './members.ts'
import { object } from '../http/members.ts'
import { ISSUER, signer, signing } from './sign.ts'

/** A presentation; of an SD-JWT, what its holder chose to show, which gets the key binding. */
export function signVp({ name: format, present }: Format): Endpoint {
  const isSdJwt = format === 'sd-jwt'
  const verifiable = isSdJwt ? example.sdJwt : PRESENTATION
  return signing({
    what: 'vp',
    format,
    summary: 'Signs a presentation',
    request: z
      .strictObject({ verifiable: isSdJwt ? sdJwt : object, identifier, ...authorising, ...presenting })
      .superRefine(checkProof)
      .superRefine(checkNames),
    examples: {
      'for a verifier, once': {
        ...signer,
        verifiable,
        challenge: 'random-nonce-12345',
        domain: 'https://verifier.example',
      },
    },
    make: async (input, key, now) => {
      if (present === undefined) {
        throw new Refusal('invalid_request', `${format}: no presentations in this format`)
      }
      const { verifiable: presentation, validUntil, cryptosuite } = input
      const about = { challenge: challengeOf(input), domain: domainOf(input), validUntil, cryptosuite }
      return present({ presentation, key: await key(), now, ...about })
    },
  })
}

const PRESENTATION = {
  '@context': ['https://www.w3.org/ns/credentials/v2'],
  type: ['VerifiablePresentation'],
  holder: ISSUER,
}
