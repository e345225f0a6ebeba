import type { LookupAddress } from 'node:dns'
import { lookup, Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'
import { OutgoingError } from './errors.ts'

/** Every address of a host; an address is its own. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>

/** Milliseconds for one answer of a name server, and how often it is asked. */
const TIMEOUT_MS = 1_500
const TRIES = 2

/**
 * By the name servers, not by getaddrinfo: that would take threads which Argon2 needs, for as long as a name server that
 * belongs to the other side likes. Names of our own network, which no name server need know, are the exception.
 */
export function resolveHost(isPrivate: boolean): Resolve {
  return async (host) => {
    const family = isIP(host)
    if (family !== 0) return [{ address: host, family }]
    try {
      return isPrivate ? await lookup(host, { all: true }) : await asked(host)
    } catch (error) {
      throw new OutgoingError('not_resolved', error)
    }
  }
}

async function asked(host: string): Promise<LookupAddress[]> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
  const [v4, v6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
  const addresses = [
    ...(v4.status === 'fulfilled' ? v4.value.map((address) => ({ address, family: 4 })) : []),
    ...(v6.status === 'fulfilled' ? v6.value.map((address) => ({ address, family: 6 })) : []),
  ]
  if (addresses.length === 0) throw v4.status === 'rejected' ? v4.reason : new Error('no address')
  return addresses
}
