import { Refusal } from '../../refusal.ts'

/** A UUID or a token, quoted or not (draft-ietf-httpapi-idempotency-key-header, 2.1). */
const NAME = /^[\x21-\x7e]{1,255}$/

/** A client's name for a request that it may send again. @throws Refusal invalid_request */
export function idempotencyName(header: string | undefined): string | undefined {
  if (header === undefined || NAME.test(header)) return header
  throw new Refusal('invalid_request', 'Idempotency-Key: 1 to 255 visible characters')
}
