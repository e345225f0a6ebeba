import type { HashRow, SchemeRow } from './algorithms.ts'
import { whole } from './codec.ts'
import type { Dispatcher, Payload } from './dispatcher.ts'
import { TokenError, type TokenErrorKind } from './errors.ts'
import { signLong } from './longMessage.ts'
import { purposes } from './purposes.ts'
import type { KeyRecord } from './records.ts'
import type { Release } from './release.ts'
import type { SealedOctets } from './sealedOctets.ts'
import { Writer } from './payload.ts'
import { MAX_FRAME, MAX_INPUTS, MAX_LONG_MESSAGE, MAX_MESSAGE } from './wire.ts'

export interface SigningRequest {
  readonly flow: string
  readonly key: KeyRecord
  readonly scheme: SchemeRow
  readonly inputs: readonly Buffer[]
  readonly records: {
    readonly key: SealedOctets
    readonly authorisation: SealedOctets | undefined
    readonly credential: SealedOctets | undefined
  }
}

interface Group {
  progressAt: number
  isAborted: boolean
}

const MAX_SIGNATURE = 512
/** Octets of a sign frame beside its records and its inputs: lengths, names and the scheme. */
const MAX_REST = 1024

/** Cuts a request into frames, has them signed and verified, and puts the signatures together again. */
export class Signing {
  readonly #dispatcher: Dispatcher
  readonly #release: Release

  constructor(dispatcher: Dispatcher, release: Release) {
    this.#dispatcher = dispatcher
    this.#release = release
  }

  async sign(request: SigningRequest): Promise<Buffer[]> {
    if (request.inputs.length === 0)
      throw new TokenError('refused', 'There is nothing to sign.', { reason: 'rule' })
    const long = longMessage(request)
    if (long !== undefined) return this.#signLong(request, long)
    if (request.inputs.some((input) => input.length > MAX_MESSAGE)) {
      throw new TokenError('refused', `A message is longer than ${MAX_MESSAGE} octets.`, { reason: 'rule' })
    }
    if (recordOctets(request) > MAX_FRAME - MAX_MESSAGE - MAX_REST) {
      throw new TokenError('refused', 'The request is too large.', { reason: 'rule' })
    }
    // As a whole or not at all: a part that is turned away after others were signed would cost them too.
    const refusal = this.#dispatcher.admission(request.flow, request.inputs.length)
    if (refusal !== undefined) throw refusal
    const group = { progressAt: 0, isAborted: false }
    const cuts = cut(request.inputs)
    if (cuts.length === 1) return this.#signPart(request, group)
    const parts = cuts.map((inputs) => this.#part({ ...request, inputs }, group))
    const settled = await Promise.allSettled(parts)
    const failures = settled.flatMap((part) => (part.status === 'rejected' ? [part.reason as unknown] : []))
    if (failures.length > 0) throw asWhole(failures, settled.length)
    return settled.flatMap((part) => (part.status === 'fulfilled' ? part.value : []))
  }

  async #signLong(request: SigningRequest, long: { message: Buffer; hash: HashRow }): Promise<Buffer[]> {
    const { payload, by } = await signLong(this.#dispatcher, request, long)
    const signatures = whole(payload, (r) => r.list(1, MAX_SIGNATURE))
    await this.#release.check({
      ...request.key,
      scheme: request.scheme,
      inputs: [long.message],
      signatures,
      by,
    })
    return signatures
  }

  async #part(part: SigningRequest, group: Group): Promise<Buffer[]> {
    try {
      return await this.#signPart(part, group)
    } catch (error) {
      // The rest of the request is of no use any more: what still waits is not begun.
      group.isAborted = true
      throw error
    }
  }

  async #signPart(part: SigningRequest, group: Group): Promise<Buffer[]> {
    const { flow, key, scheme, inputs } = part
    const { payload, by } = await this.#dispatcher.submit({
      flow,
      operation: 'sign',
      payload: payloadOf(part),
      cost: inputs.length,
      needsVerifier: scheme.family === 'EC' && purposes[key.purpose].input === 'digest',
      ckaId: key.ckaId.toString('hex'),
      group,
    })
    const signatures = whole(payload, (r) => r.list(MAX_INPUTS, MAX_SIGNATURE))
    const { keyId, keyType, purpose, spki } = key
    await this.#release.check({ keyId, keyType, purpose, spki, scheme, inputs, signatures, by })
    return signatures
  }
}

/** One message that does not fit a frame, where the key's purpose lets it come by parts. */
function longMessage({
  inputs,
  key,
  scheme,
}: SigningRequest): { message: Buffer; hash: HashRow } | undefined {
  const [message, ...more] = inputs
  const { hash } = scheme
  if (message === undefined || more.length > 0 || hash === undefined) return undefined
  const comesByParts = message.length > MAX_MESSAGE && message.length <= MAX_LONG_MESSAGE
  return comesByParts && purposes[key.purpose].structure === 'DER SEQUENCE' ? { message, hash } : undefined
}

/** A sign frame, for one signer: records that it knows are named. */
function payloadOf({ records, scheme, inputs }: SigningRequest): Payload {
  const { key, authorisation, credential } = records
  return {
    for: (signer) => {
      const w = new Writer(1024)
      key.write(w, signer)
      w.text(scheme.name).optional(authorisation, (record) => {
        record.write(w, signer)
      })
      w.optional(credential, (record) => {
        record.write(w, signer)
      })
      return w.list(inputs).end()
    },
    forgottenBy: (signer) => {
      for (const record of [key, authorisation, credential]) record?.forgottenBy(signer)
    },
  }
}

/** Parts of at most 16 inputs that fit a frame together. */
function cut(inputs: readonly Buffer[]): Buffer[][] {
  const parts: Buffer[][] = []
  let octets = 0
  for (const input of inputs) {
    const last = parts.at(-1)
    octets += input.length
    if (last !== undefined && last.length < MAX_INPUTS && octets <= MAX_MESSAGE) last.push(input)
    else {
      parts.push([input])
      octets = input.length
    }
  }
  return parts
}

/** Worst first. */
const ORDER: readonly TokenErrorKind[] = ['mismatch', 'unknown', 'refused', 'unavailable']

/** What failed parts mean for the whole: only if no part at all was signed may it be tried again. */
function asWhole(failures: readonly unknown[], parts: number): unknown {
  const bug = failures.find((failure) => !(failure instanceof TokenError))
  if (bug !== undefined) return bug
  const errors = failures as TokenError[]
  const worst = ORDER.flatMap((kind) => errors.filter((error) => error.kind === kind))[0]
  if (worst === undefined || worst.kind === 'mismatch' || worst.kind === 'unknown') return worst
  if (errors.length === parts) return worst
  return new TokenError('unknown', `A part of the request was signed, another was not: ${worst.message}`, {
    code: worst.code,
    reason: worst.reason,
    cause: worst,
  })
}

const recordOctets = ({ records: { key, authorisation, credential } }: SigningRequest): number =>
  key.octets.length + (authorisation?.octets.length ?? 0) + (credential?.octets.length ?? 0)
