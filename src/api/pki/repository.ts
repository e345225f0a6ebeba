/** What the repository's page shows, as it is now. */
import { createHash, X509Certificate } from 'node:crypto'
import type { Context } from '../../context.ts'
import { listAuthorities } from '../../db/certificates.ts'
import { certificateStatus } from '../../db/certificateStatus.ts'
import { currentLists, type CurrentList } from '../../db/publishedLists.ts'
import type { Asked, ShownAuthority } from './page.ts'

/** As openssl, certtool and browsers print serials; twenty octets are the most (RFC 5280, 4.1.2.2). */
const SEPARATORS = /[\s:]/g
const SERIAL = /^(0x)?([0-9a-f]{1,40})$/i
/** What is shown of an input that is none. */
const MAX_SHOWN = 100

export async function authoritiesShown(ctx: Context): Promise<ShownAuthority[]> {
  const lists = new Map<string, CurrentList[]>()
  for (const list of await currentLists(ctx.db)) {
    lists.set(list.issuerId, [...(lists.get(list.issuerId) ?? []), list])
  }
  return (await listAuthorities(ctx.db)).map(({ id, der, notBefore, notAfter }) => {
    const own = lists.get(id) ?? []
    return {
      id,
      name: nameOf(der),
      notBefore,
      notAfter,
      fingerprint: createHash('sha256').update(der).digest('hex').toUpperCase(),
      whole: own.find(({ shard }) => shard === null),
      shards: own.filter(({ shard }) => shard !== null),
    }
  })
}

/** The common name; the whole subject where it has none. */
function nameOf(der: Buffer): string {
  const { subject } = new X509Certificate(der)
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? subject.replaceAll('\n', ', ')
}

/** @param serial as it stands in the query */
export async function askedOf(ctx: Context, serial: unknown): Promise<Asked | undefined> {
  if (typeof serial !== 'string' || serial.trim() === '') return undefined
  const at = new Date(ctx.clock())
  const [, , digits] = SERIAL.exec(serial.replaceAll(SEPARATORS, '')) ?? []
  if (digits === undefined) return { serial: serial.trim().slice(0, MAX_SHOWN), at }
  // As magnitudes are stored: whole octets, none of them a leading zero.
  const magnitude = digits.replace(/^0+(?=.)/, '')
  const octets = Buffer.from(magnitude.padStart(magnitude.length + (magnitude.length % 2), '0'), 'hex')
  const found = await certificateStatus(ctx.db, { serial: octets })
  return { serial: octets.toString('hex').toUpperCase(), found, at }
}
