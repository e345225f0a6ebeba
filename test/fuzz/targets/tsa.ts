import { extension, smallInteger } from '../../../src/der/write.ts'
import { timestampAnswer } from '../../../src/pki/tsa.ts'
import { ask, queryOf } from '../../pki/tsaClient.ts'
import type { TestService } from '../../support/startService.ts'
import type { Target } from '../target.ts'

/** TimeStampReqs (RFC 3161, 2.4.1). Whatever is still one gets a timestamp, which is recorded. */
export function tsaTarget(service: TestService): Promise<Target> {
  return Promise.resolve({
    seeds: [
      queryOf({}),
      queryOf({ certReq: true, nonce: Buffer.from('0102030405060708', 'hex') }),
      queryOf({ hash: 'sha384', certReq: true }),
      queryOf({ hash: 'sha512', policy: '2.999.3161' }),
      queryOf({ hash: 'sha1' }),
      queryOf({ policy: '2.999.3162', nonce: Buffer.alloc(32, 0xff) }),
      queryOf({ extensions: [extension('1.2.3', smallInteger(1))] }),
    ],
    words: ['granted', 'badAlg', 'badRequest', 'badDataFormat', 'unacceptedPolicy', 'unacceptedExtension'],
    ask: async (input) => (await timestampAnswer(service.ctx, input)).failure ?? 'granted',
    send: async (input) => {
      const { http, failure } = await ask(service.url, input)
      return http === 200 ? (failure ?? 'granted') : `status ${String(http)}`
    },
  })
}
