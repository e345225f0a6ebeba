import { randomBytes } from 'node:crypto'
import type { HashRow } from './algorithms.ts'
import type { Dispatcher, Done, Job } from './dispatcher.ts'
import { Writer } from './payload.ts'
import type { SigningRequest } from './signing.ts'
import type { SignerProcess } from './signerProcess.ts'
import { MAX_PART } from './wire.ts'

/** Octets of a frame beside the part in it. */
const REST = 128

/**
 * Has a message that is longer than a frame signed: one signer hashes it part by part, and signs the hash. If that signer
 * goes away meanwhile, nothing was signed.
 * @throws TokenError
 */
export async function signLong(
  dispatcher: Dispatcher,
  request: SigningRequest,
  { message, hash }: { readonly message: Buffer; readonly hash: HashRow },
): Promise<Done> {
  const { flow, key, scheme, records } = request
  const name = randomBytes(16)
  const common = { flow, cost: 1, ckaId: key.ckaId.toString('hex') }
  let only: SignerProcess | undefined
  const submit = async (job: Pick<Job, 'operation' | 'payload'>): Promise<Done> =>
    dispatcher.submit({ ...common, ...job, ...(only === undefined ? {} : { only }) })
  for (let at = 0; at < message.length; at += MAX_PART) {
    const octets = message.subarray(at, at + MAX_PART)
    const w = new Writer(octets.length + REST).bytes(name).text(hash.name)
    const payload = w.integer(message.length).integer(at).bytes(octets).end()
    only = (await submit({ operation: 'hash', payload })).by
  }
  return submit({
    operation: 'signHashed',
    payload: {
      for: (signer) => {
        const w = new Writer(1024)
        records.key.write(w, signer)
        return w.text(scheme.name).bytes(name).end()
      },
      forgottenBy: (signer) => {
        records.key.forgottenBy(signer)
      },
    },
  })
}
