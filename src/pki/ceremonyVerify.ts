import { createPublicKey, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint, flattenedVerify } from 'jose'
import { z } from 'zod'
import { isCeremonyTranscript } from '../../hsm/ceremonyTranscript.ts'
import { isCanonical } from '../compactJws.ts'
import { isApproval } from './ceremonyApproval.ts'
import { transcriptSchema, type Transcript } from './ceremonyDocument.ts'
import { PlanError, readPlan, type CeremonyPlan } from './ceremonyPlan.ts'
import { RUN_STEP, stepsOf, TRANSCRIPT_STEP } from './ceremonySteps.ts'
import { checkChain } from './ceremonyChain.ts'

/** A transcript that does not prove what it says; the message says why. */
export class TranscriptError extends Error {
  override readonly name = 'TranscriptError'
}

export interface Verified {
  readonly transcript: Transcript
  readonly plan: CeremonyPlan
  /** RFC 7638 thumbprint of the key that signed it: what the people who were there compare with what they noted. */
  readonly signedBy: string
}

const jwsSchema = z.strictObject({ payload: z.string(), protected: z.string(), signature: z.string() })

/**
 * Verifies a transcript by itself alone: the signature over it, the approvals of its plan, that each step of the plan was done,
 * the keys' attributes, and the certificates up to the root. Whose keys they are, thumbprints tell to those who know them.
 * @throws TranscriptError
 */
export async function verifyTranscript(octets: Buffer): Promise<Verified> {
  const jws = readJws(octets)
  const transcript = readTranscript(jws.payload)
  const signedBy = await checkSignature(jws, transcript)
  const plan = readItsPlan(transcript)
  await checkApprovals(transcript, plan)
  checkSteps(transcript, plan)
  for (const key of transcript.keys) checkKey(key)
  const wrong = checkChain(transcript, plan)
  if (wrong !== undefined) throw new TranscriptError(wrong)
  return { transcript, plan, signedBy }
}

/** The one text that there is for its octets. */
function readJws(octets: Buffer): z.infer<typeof jwsSchema> {
  const jws = jwsSchema.safeParse(parsedJson(octets))
  if (!jws.success) throw new TranscriptError('The file is not a signed transcript.')
  const isTheText = Buffer.from(`${JSON.stringify(jws.data)}\n`).equals(octets)
  if (!isTheText || !Object.values(jws.data).every(isCanonical))
    throw new TranscriptError('The file is not as it was written.')
  return jws.data
}

function readTranscript(payload: string): Transcript {
  const octets = Buffer.from(payload, 'base64url')
  const transcript = transcriptSchema.safeParse(parsedJson(octets))
  if (!transcript.success) throw new TranscriptError('What was signed is not a transcript of this version.')
  return transcript.data
}

async function checkSignature(jws: z.infer<typeof jwsSchema>, { keys }: Transcript): Promise<string> {
  if (!isCeremonyTranscript(Buffer.from(`${jws.protected}.${jws.payload}`)))
    throw new TranscriptError('The signature is not one of a transcript.')
  const { alg, kid } = JSON.parse(Buffer.from(jws.protected, 'base64url').toString()) as {
    alg: string
    kid: string
  }
  const made = keys.find(({ part }) => part === 'transcript')
  const key = made && publicKeyOf(made.publicKey)
  if (key === undefined || (await calculateJwkThumbprint(key.export({ format: 'jwk' }))) !== kid)
    throw new TranscriptError('The signature is not by the key that the ceremony made for it.')
  await flattenedVerify(jws, key, { algorithms: [alg] }).catch(() => {
    throw new TranscriptError('The signature does not verify.')
  })
  return kid
}

function readItsPlan({ plan, service }: Transcript): CeremonyPlan {
  const development = plan.submittedBy === null
  if (development && service.profile === 'production')
    throw new TranscriptError('Nobody submitted the plan, and the service is in production.')
  try {
    const read = readPlan(Buffer.from(plan.octets, 'base64'), { development })
    if (read.sha256.toString('hex') === plan.sha256) return read.plan
  } catch (error) {
    if (!(error instanceof PlanError)) throw error
    throw new TranscriptError(`The plan cannot be read: ${error.message}`)
  }
  throw new TranscriptError('The plan is not the one of its SHA-256.')
}

async function checkApprovals(
  { ceremony, plan: { sha256, submittedBy }, approvals }: Transcript,
  plan: CeremonyPlan,
) {
  const approved = { ceremony, plan: Buffer.from(sha256, 'hex') }
  for (const { id, name, publicKey, thumbprint, signature } of approvals) {
    const who = `The approval of ${name} (${id})`
    if (
      !plan.quorum.approvers.includes(id) ||
      id === submittedBy?.id ||
      thumbprint === submittedBy?.thumbprint
    )
      throw new TranscriptError(`${who} does not count.`)
    if (
      (await calculateJwkThumbprint(publicKey)) !== thumbprint ||
      !(await isApproval(signature, publicKey, approved))
    )
      throw new TranscriptError(`${who} does not verify.`)
  }
  const people = Math.min(
    ...[approvals.map(({ id }) => id), approvals.map((one) => one.thumbprint)].map(distinct),
  )
  if (people !== approvals.length || people < plan.quorum.approvals)
    throw new TranscriptError(`The plan takes ${plan.quorum.approvals} approvals and has ${people}.`)
}

const distinct = (values: readonly string[]): number => new Set(values).size

/** Every step of the plan and no other, in its order, begun before it is done, at times that do not go back. */
function checkSteps({ steps, keys, certificates }: Transcript, plan: CeremonyPlan): void {
  const done = steps.filter(({ event }) => event === 'done').map(({ step }) => step)
  const wanted = stepsOf(plan)
  const inOrder = done.join() === wanted.map(({ name }) => name).join()
  const begun = done.every((name) => {
    const first = steps.findIndex((one) => one.step === name && one.event === 'begun')
    return first >= 0 && first < steps.findIndex((one) => one.step === name && one.event === 'done')
  })
  const forward = steps.every(({ at }, index) => index === 0 || at >= (steps[index - 1]?.at ?? ''))
  const begins = steps[0]?.step === RUN_STEP && steps.at(-1)?.step === TRANSCRIPT_STEP
  if (!inOrder || !begun || !forward || !begins)
    throw new TranscriptError('The steps are not those of the plan.')
  const made = [
    ...keys.map(({ part }) => `${part} key`),
    ...certificates.map(({ part }) => `${part} certificate`),
  ]
  if (
    made.sort().join() !==
    wanted
      .map(({ name }) => name)
      .sort()
      .join()
  )
    throw new TranscriptError('Keys and certificates are not those of the plan.')
  for (const step of wanted) {
    if (step.kind !== 'key') continue
    const key = keys.find(({ part }) => part === step.part)
    if (key?.attributes.keyType !== step.keyType || key.token.label !== step.token)
      throw new TranscriptError(`The ${step.name} is not the one of the plan.`)
  }
}

/** What keeps a private key in its token. */
const PROTECTED = { token: true, private: true, sensitive: true, extractable: false, sign: true } as const
const NEVER_OUTSIDE = { alwaysSensitive: true, neverExtractable: true } as const

function checkKey({ part, attributes: { flags } }: Transcript['keys'][number]): void {
  for (const [flag, must] of Object.entries({ ...PROTECTED, ...NEVER_OUTSIDE })) {
    if (flags[flag as keyof typeof flags] !== must)
      throw new TranscriptError(`The token says of the ${part} key that ${flag} is not ${must}.`)
  }
}

function publicKeyOf(spki: string): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}

function parsedJson(octets: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets))
  } catch {
    return undefined
  }
}
