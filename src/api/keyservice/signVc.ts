import { z } from 'zod'
import type { Format } from '../../credentials/formats/format.ts'
import type { Endpoint } from '../http/problemEndpoint.ts'
import { authorising, checkProof, identifier, issuing } from './members.ts'
import { object } from '../http/members.ts'
import { ISSUER, signer, signing } from './sign.ts'

/** A credential, in the version of the data model that its context names. */
export function signVc({ name: format, issue }: Format): Endpoint {
  return signing({
    what: 'vc',
    format,
    summary: 'Signs a credential',
    request: z
      .strictObject({ verifiable: object, identifier, ...authorising, ...issuing })
      .superRefine(checkProof),
    examples: { 'a credential of data model 2.0': { ...signer, verifiable: CREDENTIAL } },
    make: async (input, key, now) => {
      const { verifiable: credential, cryptosuite, selective, holder } = input
      const { mandatoryPointers, previousProof, proofId } = input
      const options = { cryptosuite, selective, holder, mandatoryPointers, previousProof, proofId }
      return issue({ credential, key: await key(), now, ...options })
    },
  })
}

const CREDENTIAL = {
  '@context': ['https://www.w3.org/ns/credentials/v2'],
  type: ['VerifiableCredential'],
  issuer: ISSUER,
  credentialSubject: { id: 'did:example:456' },
}
