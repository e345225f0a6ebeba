/** Digital Bazaar's libraries as a judge of what we make: verifiers that share no code of ours. */
import { Ed25519Signature2020 } from '@digitalbazaar/ed25519-signature-2020'
import { DataIntegrityProof } from '@digitalbazaar/data-integrity'
import { createVerifyCryptosuite as ecdsaJcs } from '@digitalbazaar/ecdsa-jcs-2019-cryptosuite'
import { cryptosuite as ecdsaRdfc } from '@digitalbazaar/ecdsa-rdfc-2019-cryptosuite'
import { createVerifyCryptosuite as ecdsaSd } from '@digitalbazaar/ecdsa-sd-2023-cryptosuite'
import { createVerifyCryptosuite as eddsaJcs } from '@digitalbazaar/eddsa-jcs-2022-cryptosuite'
import { cryptosuite as eddsaRdfc } from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite'
import jsigs from 'jsonld-signatures'
import type { JsonObject } from '../../src/credentials/formats/format.ts'
import { contextOf } from '../../src/credentials/jsonld/contexts.ts'

const cryptosuites: Readonly<Record<string, () => object>> = {
  'eddsa-rdfc-2022': () => eddsaRdfc,
  'eddsa-jcs-2022': eddsaJcs,
  'ecdsa-rdfc-2019': () => ecdsaRdfc,
  'ecdsa-jcs-2019': ecdsaJcs,
  'ecdsa-sd-2023': ecdsaSd,
}

export const judgeSuite = (name: string): object => {
  const cryptosuite = cryptosuites[name]
  return cryptosuite === undefined
    ? new Ed25519Signature2020()
    : new DataIntegrityProof({ cryptosuite: cryptosuite() })
}

/** did:key documents and contexts, as the judge asks for them. */
export function documentLoader(url: string): Promise<object> {
  const document = url.startsWith('did:key:') ? didDocument(url) : contextOf(url)
  return Promise.resolve({ contextUrl: null, documentUrl: url, document })
}

function didDocument(url: string): object {
  const [did = '', fragment] = url.split('#')
  const publicKeyMultibase = did.slice('did:key:'.length)
  const id = `${did}#${publicKeyMultibase}`
  const isEdwards = publicKeyMultibase.startsWith('z6Mk')
  const method = { id, type: 'Multikey', controller: did, publicKeyMultibase }
  const context = 'https://w3id.org/security/multikey/v1'
  if (fragment !== undefined)
    return isEdwards && asked2020.has(did)
      ? {
          ...method,
          '@context': 'https://w3id.org/security/suites/ed25519-2020/v1',
          type: 'Ed25519VerificationKey2020',
        }
      : { '@context': context, ...method }
  return {
    '@context': ['https://www.w3.org/ns/did/v1', context],
    id: did,
    verificationMethod: [method],
    assertionMethod: [id],
    authentication: [id],
  }
}
/** Keys that the older suite asks for: it knows them as its own type alone. */
const asked2020 = new Set<string>()

/** Whether Digital Bazaar's library finds the document's proof good. */
export async function judge(document: JsonObject, suite: string, challenge?: string): Promise<boolean> {
  const proof = [document['proof']].flat().at(-1) as JsonObject
  const did = String(proof['verificationMethod']).split('#')[0] ?? ''
  if (suite === 'Ed25519Signature2020') asked2020.add(did)
  const { AssertionProofPurpose, AuthenticationProofPurpose } = jsigs.purposes
  const Purpose = challenge === undefined ? AssertionProofPurpose : AuthenticationProofPurpose
  if (Purpose === undefined) throw new Error('the judge has changed')
  const purpose = new Purpose(challenge === undefined ? {} : { challenge })
  const { verified } = await jsigs.verify(document, { suite: judgeSuite(suite), purpose, documentLoader })
  asked2020.delete(did)
  return verified
}
