import { setImmediate as turn } from 'node:timers/promises'

/** Octets that are worked on in one go: a hash takes some milliseconds for them on the slowest machine. */
export const PART_OCTETS = 1024 * 1024

/** Hands octets on part by part, however many there are; in between, whoever waits has a turn. */
export async function byParts(octets: Buffer, take: (part: Buffer) => void): Promise<void> {
  for (let at = 0; at < octets.length; at += PART_OCTETS) {
    if (at > 0) await turn()
    take(octets.subarray(at, at + PART_OCTETS))
  }
}
