import { randomBytes } from 'node:crypto'

const BEARER_OCTETS = 32

/** 256 bits, base64url. */
export function newBearer(): string {
  return randomBytes(BEARER_OCTETS).toString('base64url')
}
