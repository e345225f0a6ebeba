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

/** A DID's document, as far as the judge wants it. */
export interface Controller {
  readonly id: string
  readonly verificationMethod: readonly JsonObject[]
}

/** Documents of DIDs that are not their keys. */
const known = new Map<string, Controller>()

/** What the judge is to find at a DID of the web. */
export const know = (document: Controller): void => void known.set(document.id, document)

/** Documents of DIDs and their methods, and contexts, as the judge asks for them. */
export function documentLoader(url: string): Promise<object> {
  const [did = '', fragment] = url.split('#')
  const controller = url.startsWith('did:key:') ? didDocument(did) : known.get(did)
  const method = controller?.verificationMethod.find(({ id }) => id === url)
  const document =
    controller === undefined ? contextOf(url) : fragment === undefined ? controller : shown(method ?? {}, did)
  return Promise.resolve({ contextUrl: null, documentUrl: url, document })
}

const MULTIKEY = 'https://w3id.org/security/multikey/v1'

function didDocument(did: string): Controller {
  const publicKeyMultibase = did.slice('did:key:'.length)
  const id = `${did}#${publicKeyMultibase}`
  const of = { id: did, assertionMethod: [id], authentication: [id] }
  return {
    ...{ '@context': ['https://www.w3.org/ns/did/v1', MULTIKEY], ...of },
    verificationMethod: [{ id, type: 'Multikey', controller: did, publicKeyMultibase }],
  }
}

/** A method by itself. */
const shown = (method: JsonObject, did: string): object =>
  asked2020.has(did)
    ? {
        ...method,
        '@context': 'https://w3id.org/security/suites/ed25519-2020/v1',
        type: 'Ed25519VerificationKey2020',
      }
    : { '@context': MULTIKEY, ...method }

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
