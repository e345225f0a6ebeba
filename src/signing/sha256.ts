import { createHash, hash } from 'node:crypto'
import { byParts, PART_OCTETS } from '../../hsm/parts.ts'

/** SHA-256 of octets that may be as many as a revocation list has: nobody waits for the whole of it. */
export async function sha256(octets: Buffer): Promise<Buffer> {
  if (octets.length <= PART_OCTETS) return hash('sha256', octets, 'buffer')
  const hasher = createHash('sha256')
  await byParts(octets, (part) => hasher.update(part))
  return hasher.digest()
}
