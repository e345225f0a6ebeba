import { isObject, parseObject, type JsonObject } from '../../signing/strictJson.ts'
import type { Problem } from '../credentialKey.ts'
import { credentialProblems, presentationProblems, refuseProblems, validityProblems } from '../dataModel.ts'
import { addProof } from '../integrity/addProof.ts'
import { checkProofs, problemOf } from '../integrity/checkProofs.ts'
import { derive as disclosed } from '../integrity/sd/derive.ts'
import { checkShape } from '../jsonld/shape.ts'
import type {
  DeriveRequest,
  Format,
  IssueRequest,
  PresentRequest,
  ProveRequest,
  Secured,
  Verdict,
  VerifyRequest,
} from './format.ts'
import { CONTEXT_2, holderToMake, idOf, isOfType, issuerToMake, refuse, refuseOptions } from './making.ts'
import { withStatus } from './verifying.ts'

/** Credentials and presentations that carry their proofs themselves (VC Data Integrity 1.0). */
export const dataIntegrity: Format = { name: 'data-integrity', issue, present, prove, derive, verify }

async function issue(request: IssueRequest): Promise<Secured> {
  refuseOptions(request, ['cryptosuite', 'mandatoryPointers', 'previousProof', 'proofId'])
  const { credential, ...options } = request
  checkShape(credential, 'credential')
  refuseProblems(credentialProblems(credential))
  issuerToMake(credential, request.key)
  const body = await addProof({ ...options, document: credential, purpose: 'assertionMethod' })
  return { body, mediaType: 'application/vc' }
}

async function present(request: PresentRequest): Promise<Secured> {
  refuseOptions(request, ['cryptosuite'])
  const { presentation, validUntil, ...options } = request
  if (!isObject(presentation)) refuse('presentation', 'is no object')
  checkShape(presentation, 'presentation')
  refuseProblems(presentationProblems(presentation))
  holderToMake(presentation, request.key)
  const body = await addProof({
    ...options,
    document: presentation,
    purpose: 'authentication',
    expires: validUntil,
  })
  return { body, mediaType: 'application/vp' }
}

/** A proof of type `di_vp` (OpenID4VCI 1.0, F.2): a presentation of nothing, for the credential issuer and its nonce. */
async function prove({ validUntil, ...request }: ProveRequest): Promise<Secured> {
  refuseOptions(request, ['cryptosuite'])
  const document = {
    '@context': [CONTEXT_2],
    type: ['VerifiablePresentation'],
    holder: request.key.controller,
  }
  refuseProblems(presentationProblems(document))
  const body = await addProof({ ...request, document, purpose: 'authentication', expires: validUntil })
  return { body, mediaType: 'application/vp' }
}

async function derive({ secured, selective }: DeriveRequest): Promise<Secured> {
  checkShape(secured, 'credential')
  return { body: await disclosed(secured, selective), mediaType: 'application/vc' }
}

/**
 * Judges a credential, or a presentation and all that it presents: the data model, every proof, the times, and, if it is to be
 * strict, whether issuer or holder made one of the proofs. The network is not asked: what it names is not looked at.
 */
async function verify(request: VerifyRequest): Promise<Verdict> {
  let content: JsonObject | undefined
  try {
    content = read(request.secured)
    checkShape(content, 'the document')
    const isPresentation = isOfType(content, 'VerifiablePresentation')
    if (request.kind !== undefined && (request.kind === 'presentation') !== isPresentation)
      return { content, problems: [{ name: 'malformed', detail: `type: it is no ${request.kind}` }] }
    const problems = await (isPresentation
      ? presentationFindings(content, request)
      : credentialFindings(content, request))
    return { content, problems }
  } catch (error) {
    return { content, problems: [problemOf(error)] }
  }
}

function read(secured: VerifyRequest['secured']): JsonObject {
  return typeof secured === 'string' || Buffer.isBuffer(secured)
    ? parseObject(Buffer.from(secured), 'the document')
    : secured
}

async function credentialFindings(credential: JsonObject, request: VerifyRequest): Promise<Problem[]> {
  const found = credentialProblems(credential)
  // What is no credential has no claims that a proof could make believable.
  if (found.length > 0) return found
  const { problems, controllers } = await checkProofs(credential, 'assertionMethod', request)
  return [
    ...problems,
    ...validityProblems(credential, request.now),
    ...bindingProblems({ party: credential['issuer'], named: 'issuer', controllers, problems }, request),
  ]
}

async function presentationFindings(presentation: JsonObject, request: VerifyRequest): Promise<Problem[]> {
  const found = presentationProblems(presentation)
  if (found.length > 0) return found
  const { problems, controllers } = await checkProofs(presentation, 'authentication', request)
  const holder = presentation['holder']
  const presented: unknown[] = [presentation['verifiableCredential'] ?? []].flat()
  const inner: Problem[] = []
  for (const credential of presented)
    inner.push(...(await presentedFindings(credential, { holder, controllers, request })))
  return [
    ...problems,
    ...bindingProblems({ party: holder, named: 'holder', controllers, problems }, request),
    ...inner,
  ]
}

interface Binding {
  readonly party: unknown
  readonly named: 'issuer' | 'holder'
  readonly controllers: readonly string[]
  readonly problems: readonly Problem[]
}

/** Who says it must have proven it. A bad proof is reported as that, and not once more. */
function bindingProblems(
  { party, named, controllers, problems }: Binding,
  { profile }: VerifyRequest,
): Problem[] {
  const id = idOf(party)
  if (profile === 'proof' || problems.length > 0 || id === undefined || controllers.includes(id)) return []
  return [
    {
      name: `${named}-mismatch`,
      detail: `${named}: none of the proofs was made with a key of ${id.slice(0, 300)}`,
    },
  ]
}

interface Presented {
  readonly holder: unknown
  readonly controllers: readonly string[]
  readonly request: VerifyRequest
}

/** One credential of a presentation: with proofs of its own, in an envelope, or secured by the holder's proof alone. */
async function presentedFindings(
  credential: unknown,
  { holder, controllers, request }: Presented,
): Promise<Problem[]> {
  if (isObject(credential) && credential['proof'] !== undefined) {
    const forNobody = { ...request, challenge: undefined, domain: undefined }
    const found = await credentialFindings(credential, forNobody)
    return prefixed(await withStatus(request, credential, found))
  }
  if (isObject(credential) && !isOfType(credential, 'EnvelopedVerifiableCredential')) {
    // VCDM 2.0, 4.13.4: what a holder says of himself needs no more than his proof, if it is his.
    const own = idOf(credential['issuer'])
    const isHolders = own !== undefined && own === idOf(holder) && controllers.includes(own)
    const missing = {
      name: 'proof-missing',
      detail: 'proof: there is none, and the holder is not its issuer',
    }
    if (!isHolders) return prefixed([missing])
    const found = validityProblems(credential, request.now)
    return prefixed(await withStatus(request, credential, found))
  }
  const verdict = await request.nested?.(credential as string | JsonObject)
  return prefixed(
    verdict?.problems ?? [{ name: 'not-verified', detail: 'its envelope cannot be opened here' }],
  )
}

const prefixed = (problems: readonly Problem[]): Problem[] =>
  problems.map(({ name, detail }) => ({ name, detail: `verifiableCredential: ${detail}` }))
