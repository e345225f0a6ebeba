import { randomBytes } from 'node:crypto'
import { oid, tlv } from '../../../hsm/der.ts'
import { TAG } from '../../../src/der/tags.ts'
import { context, derNull, extension, primitive, sequence } from '../../../src/der/write.ts'
import { ocspOf } from '../../../src/pki/ocspWork.ts'
import { Refusal } from '../../../src/refusal.ts'
import { certIdOf, HASHES, newNonce, OcspClient, requestFor, serialOf } from '../../pki/ocspClient.ts'
import type { Target } from '../target.ts'
import type { TestService } from '../../support/startService.ts'

const STATUSES: Readonly<Record<number, string>> = { 1: 'malformedRequest', 3: 'tryLater', 6: 'unauthorized' }

/** OCSPRequests (RFC 6960), by POST and by GET. */
export async function ocspTarget(service: TestService): Promise<Target> {
  const client = await OcspClient.of(service)
  const { issuer } = client
  const ids = [serialOf(service.credential.certificate), randomBytes(16).fill(0x4a, 0, 1)].flatMap((serial) =>
    (['sha1', 'sha256'] as const).map((hash) => certIdOf({ issuer, serial, hash })),
  )
  const single = sequence(sequence(ids[0] ?? derNull))
  const bits = tlv(TAG.BIT_STRING, Buffer.from([0, 1, 2, 3]))
  const signature = context(
    0,
    sequence(sequence(oid(HASHES.sha256.oid), derNull), bits, context(0, sequence(sequence()))),
  )
  const by = context(1, primitive(1, Buffer.from('somebody@example.org')))
  let sent = 0
  return {
    seeds: [
      ...ids.map((id) => requestFor([id])),
      requestFor(ids),
      ...[1, 32, 128].map((length) => requestFor(ids.slice(0, 1), newNonce(length))),
      sequence(sequence(by, single, context(2, sequence(extension('1.2.3.4', derNull)))), signature),
    ],
    words: ['good', 'unknown', 'several', 'malformedRequest', 'unauthorized', 'tryLater'],
    ask: async (input) => {
      try {
        const answer = await ocspOf(service.ctx).answer(input)
        return 'error' in answer ? answer.error : answer.says
      } catch (error) {
        if (error instanceof Refusal && ['unavailable', 'throttled'].includes(error.code)) return 'tryLater'
        throw error
      }
    },
    send: async (input) => {
      // An address has an end.
      const byGet = sent++ % 2 === 0 && input.length < 4_000
      const { status, singles } = await (byGet ? client.get(input) : client.post(input))
      if (status !== 0) return STATUSES[status] ?? `status ${String(status)}`
      return singles.length === 1 ? (singles[0]?.status ?? '') : 'several'
    },
  }
}
