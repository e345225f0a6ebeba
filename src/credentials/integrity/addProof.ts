import { Refusal } from '../../refusal.ts'
import type { JsonObject } from '../../signing/strictJson.ts'
import type { CredentialKey } from '../credentialKey.ts'
import { isUrl } from '../dataModelValues.ts'
import type { Relationship } from '../formats/format.ts'
import { CONTEXT_1 } from '../formats/making.ts'
import { MAX_PROOFS, proofsOf, securedBy } from './proofSet.ts'
import { refused, type Suite } from './proof.ts'
import { suiteToMake } from './suites.ts'

export interface ProofRequest {
  readonly document: JsonObject
  readonly key: CredentialKey
  readonly now: Date
  readonly purpose: Relationship
  readonly cryptosuite?: string | undefined
  readonly mandatoryPointers?: readonly string[] | undefined
  readonly proofId?: string | undefined
  readonly previousProof?: string | readonly string[] | undefined
  readonly challenge?: string | undefined
  readonly domain?: string | undefined
  readonly expires?: Date | undefined
}

/**
 * The document with one more proof (VC Data Integrity 1.0, 4.2 and 4.3).
 * @throws Refusal invalid_request, before the key is asked
 */
export async function addProof(request: ProofRequest): Promise<JsonObject> {
  const { key, mandatoryPointers } = request
  const suite = suiteToMake(key.keyType, request.cryptosuite)
  if (mandatoryPointers !== undefined && suite.name !== 'ecdsa-sd-2023')
    throw new Refusal('invalid_request', `mandatoryPointers: ${suite.name} discloses everything`)
  // A base proof is for who derives from it, and no verifier believes it; nobody derives from a presentation.
  if (request.purpose === 'authentication' && suite.name === 'ecdsa-sd-2023')
    throw new Refusal('invalid_request', `cryptosuite: ${suite.name} is for credentials alone`)
  const document = withContext(request.document, suite)
  const { unsecured, proofs } = refused(() => {
    const present = proofsOf(document)
    return { proofs: present, unsecured: securedBy(request.previousProof, document, present) }
  })
  if (proofs.length === MAX_PROOFS)
    throw new Refusal('invalid_request', `proof: there are ${MAX_PROOFS} already`)
  checkId(request.proofId, proofs)
  const proof = proofOf(request, { suite, context: document['@context'] })
  const proofValue = await suite.make({
    document: unsecured,
    proof,
    key,
    mandatoryPointers: mandatoryPointers ?? [],
  })
  const made = { ...proof, proofValue }
  return { ...document, proof: proofs.length === 0 ? made : [...proofs, made] }
}

function checkId(id: string | undefined, proofs: readonly JsonObject[]): void {
  if (id === undefined) return
  if (!isUrl(id)) throw new Refusal('invalid_request', 'proofId: is no URL')
  if (proofs.some((proof) => proof['id'] === id))
    throw new Refusal('invalid_request', 'proofId: another proof has it')
}

/** A context that has the terms of proofs: 2.0 of the data model has those of Data Integrity, 1.1 has none that are used here. */
const DATA_INTEGRITY_1 = 'https://w3id.org/security/data-integrity/v1'
const DATA_INTEGRITY_2 = 'https://w3id.org/security/data-integrity/v2'
const ED25519_2020 = 'https://w3id.org/security/suites/ed25519-2020/v1'

function withContext(document: JsonObject, suite: Suite): JsonObject {
  const contexts: unknown[] = [document['@context']].flat()
  const wanted =
    suite.type === 'Ed25519Signature2020'
      ? [ED25519_2020]
      : contexts.includes(CONTEXT_1)
        ? [DATA_INTEGRITY_2, DATA_INTEGRITY_1]
        : []
  const [add] = wanted
  if (add === undefined || wanted.some((url) => contexts.includes(url))) return document
  return { ...document, '@context': [...contexts, add] }
}

function proofOf(
  request: ProofRequest,
  { suite, context }: { readonly suite: Suite; readonly context: unknown },
): JsonObject {
  const { proofId, previousProof, challenge, domain, expires } = request
  return {
    ...(suite.hasContext ? { '@context': context } : {}),
    ...(proofId === undefined ? {} : { id: proofId }),
    type: suite.type,
    ...(suite.type === suite.name ? {} : { cryptosuite: suite.name }),
    created: toTheSecond(request.now),
    ...(expires === undefined ? {} : { expires: toTheSecond(expires) }),
    verificationMethod: request.key.id,
    proofPurpose: request.purpose,
    ...(challenge === undefined ? {} : { challenge }),
    ...(domain === undefined ? {} : { domain }),
    ...(previousProof === undefined ? {} : { previousProof }),
  }
}

/** XML Schema dateTimeStamp. */
const toTheSecond = (time: Date): string => time.toISOString().replace(/\.\d{3}Z$/, 'Z')
