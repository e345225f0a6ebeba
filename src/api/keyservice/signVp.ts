import { z } from 'zod'
import type { Format } from '../../credentials/formats/format.ts'
import { Refusal } from '../../refusal.ts'
import { example } from '../http/exampleValues.ts'
import { pointers } from '../http/members.ts'
import type { Described, Endpoint } from '../http/problemEndpoint.ts'
import {
  authorising,
  challengeOf,
  checkNames,
  checkProof,
  domainOf,
  identifier,
  presentable,
  presenting,
} from './members.ts'
import { ISSUER, signer, signing } from './sign.ts'

/** A presentation; of an SD-JWT, what its holder chose to show, which gets the key binding. */
export function signVp({ name: format, present }: Format): Endpoint {
  return signing({
    what: 'vp',
    format,
    summary: 'Signs a presentation',
    request: z
      .strictObject({
        verifiable: presentable[format],
        identifier,
        ...authorising,
        ...presenting,
        selective: pointers
          .optional()
          .meta({ description: 'SD-JWT, of a presentation: JSON pointers of what may be left out' }),
      })
      .superRefine(checkProof)
      .superRefine(checkNames),
    examples: { ...examples, ...more[format] },
    make: async (input, key, now) => {
      if (present === undefined) {
        throw new Refusal('invalid_request', `${format}: no presentations in this format`)
      }
      const { verifiable: presentation, validUntil, cryptosuite, selective } = input
      const about = { challenge: challengeOf(input), domain: domainOf(input), validUntil }
      return present({ presentation, key: await key(), now, ...about, cryptosuite, selective })
    },
  })
}

const PRESENTATION = {
  '@context': ['https://www.w3.org/ns/credentials/v2'],
  type: ['VerifiablePresentation'],
  holder: ISSUER,
}

const FOR_ONE = { challenge: 'random-nonce-12345', domain: 'https://verifier.example' }

const examples: Described['examples'] = {
  'for a verifier, once': { ...signer, verifiable: PRESENTATION, ...FOR_ONE },
}

/** TABLE of examples of what one format alone takes. */
const more: Readonly<Partial<Record<Format['name'], Described['examples']>>> = {
  'sd-jwt': {
    'of an SD-JWT, which gets a key binding': { ...signer, verifiable: example.sdJwt, ...FOR_ONE },
  },
}
