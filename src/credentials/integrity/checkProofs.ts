import { Refusal } from '../../refusal.ts'
import { Flaw } from '../../signing/flaw.ts'
import { isObject, type JsonObject } from '../../signing/strictJson.ts'
import type { Problem, VerificationKey } from '../credentialKey.ts'
import { parseDateTime } from '../dateTime.ts'
import type { Relationship, VerifyRequest } from '../formats/format.ts'
import { jcs } from './jcs.ts'
import { without, type Suite } from './proof.ts'
import { proofsOf, securedBy } from './proofSet.ts'
import { suiteOf } from './suites.ts'

/** Milliseconds that a signer's clock may be ahead of ours. */
const CLOCK_SKEW_MS = 300_000

export interface Proven {
  readonly problems: readonly Problem[]
  /** Whose keys made the proofs that are good. */
  readonly controllers: readonly string[]
}

/** Judges each proof of a document, in sets and chains (VC Data Integrity 1.0, 4.4 and 4.5): all have to be good. */
export async function checkProofs(
  document: JsonObject,
  purpose: Relationship,
  request: VerifyRequest,
): Promise<Proven> {
  const problems: Problem[] = []
  const controllers: string[] = []
  try {
    const proofs = proofsOf(document)
    if (proofs.length === 0) throw new Flaw('proof-missing', 'proof: there is none')
    for (const proof of proofs) {
      const found = await findings(async () => {
        const unsecured = securedBy(proof['previousProof'], document, proofs)
        controllers.push(await checkProof({ proof, document: unsecured, purpose }, request))
      })
      problems.push(...found)
    }
  } catch (error) {
    problems.push(problemOf(error))
  }
  return { problems, controllers }
}

async function findings(work: () => Promise<void>): Promise<Problem[]> {
  try {
    await work()
    return []
  } catch (error) {
    return [problemOf(error)]
  }
}

/** What is wrong with a document, of what was thrown. @throws the same, where it is a fault of ours */
export function problemOf(error: unknown): Problem {
  if (error instanceof Flaw) return { name: error.problem, detail: error.message }
  if (error instanceof Refusal && error.code === 'invalid_request')
    return { name: 'not-canonicalizable', detail: error.message }
  throw error
}

interface Asked {
  readonly proof: JsonObject
  readonly document: JsonObject
  readonly purpose: Relationship
}

/** @returns whose key made it @throws Flaw, Refusal */
async function checkProof(asked: Asked, request: VerifyRequest): Promise<string> {
  const { proof, purpose } = asked
  const suite = suiteOf(proof)
  if (suite === undefined) throw new Flaw('cryptosuite-unknown', `proof: ${nameOf(proof)} is not known here`)
  if (proof['proofPurpose'] !== purpose) throw new Flaw('purpose-mismatch', `proofPurpose: is not ${purpose}`)
  checkTimes(proof, request.now)
  checkPlace(proof, request)
  const proofValue = stringOf(proof, 'proofValue')
  const key = await keyOf(stringOf(proof, 'verificationMethod'), { suite, purpose, request })
  const unsecured = { proof: without(proof, 'proofValue'), document: underContexts(asked, suite) }
  if (!(await suite.check({ ...unsecured, proofValue, key })))
    throw new Flaw('signature-invalid', 'proofValue: is no signature of this key over this document')
  return key.controller
}

const nameOf = ({ type, cryptosuite }: JsonObject): string =>
  [type, cryptosuite]
    .filter((part) => typeof part === 'string')
    .join(' ')
    .slice(0, 200) || 'a proof without type'

function stringOf(proof: JsonObject, member: string): string {
  const value = proof[member]
  if (typeof value !== 'string') throw new Flaw('proof-malformed', `${member}: is no string`)
  return value
}

const ZONE = /(?:Z|[+-]\d\d:\d\d)$/

/** When it was made, and until when it is good: dateTimeStamps, which have a zone. */
function checkTimes(proof: JsonObject, now: Date): void {
  const timeOf = (member: 'created' | 'expires'): Date | undefined => {
    const value = proof[member]
    if (value === undefined) return undefined
    const time = parseDateTime(value)
    if (typeof value !== 'string' || time === undefined || !ZONE.test(value))
      throw new Flaw('proof-malformed', `${member}: is no dateTimeStamp`)
    return time
  }
  const created = timeOf('created')
  const expires = timeOf('expires')
  if (created !== undefined && created.getTime() > now.getTime() + CLOCK_SKEW_MS)
    throw new Flaw('proof-not-yet-valid', 'created: is in the future')
  if (expires !== undefined && expires <= now) throw new Flaw('proof-expired', 'expires: is over')
}

/** What a presentation was made for, where its verifier says what that must be. */
function checkPlace(proof: JsonObject, { challenge, domain }: VerifyRequest): void {
  if (challenge !== undefined && proof['challenge'] !== challenge)
    throw new Flaw('challenge-mismatch', 'challenge: is not the one that was asked for')
  if (domain === undefined) return
  const domains: unknown[] = [proof['domain']].flat()
  if (domains.length !== 1 || domains[0] !== domain)
    throw new Flaw('domain-mismatch', 'domain: is not the one that was asked for')
}

async function keyOf(
  id: string,
  { suite, purpose, request }: { suite: Suite; purpose: Relationship; request: VerifyRequest },
): Promise<VerificationKey> {
  const key = await request.resolve(id, purpose)
  if (key === undefined)
    throw new Flaw('key-unknown', `verificationMethod: no key for ${purpose} is known as ${id.slice(0, 300)}`)
  if (!suite.keyTypes.includes(key.keyType))
    throw new Flaw(
      'algorithm-not-allowed',
      `verificationMethod: ${suite.name} is not made with keys of type ${key.keyType}`,
    )
  return key
}

/**
 * A proof that says under which contexts it was made was made of a document that had just these (vc-di-eddsa 1.0, 3.3.2;
 * whoever added a proof later may have added more at the end).
 */
function underContexts({ proof, document }: Asked, suite: Suite): JsonObject {
  if (!suite.hasContext || proof['@context'] === undefined) return document
  const made: unknown[] = [proof['@context']].flat()
  const present: unknown[] = [document['@context']].flat()
  if (!made.every((context, at) => sameContext(context, present[at])))
    throw new Flaw('context-mismatch', "proof: its @context is not the beginning of the document's")
  return { ...document, '@context': proof['@context'] }
}

const sameContext = (one: unknown, other: unknown): boolean =>
  isObject(one) ? jcs(one) === jcs(other) : one === other
