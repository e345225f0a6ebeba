/** A status list of somebody else: who signed it, what it says, and how long it may be believed. */
import { Flaw } from '../../signing/flaw.ts'
import { checkJws, mediaType, readJws } from '../../signing/jws.ts'
import { isObject, parseObject, type JsonObject } from '../../signing/strictJson.ts'
import type { Problem } from '../credentialKey.ts'
import { parseDateTime } from '../dateTime.ts'
import type { VerifyRequest } from '../formats/format.ts'
import { verifyAny } from '../formats/index.ts'
import { idOf, isOfType } from '../formats/making.ts'
import { checkTimes, keyFor, timesOfClaims } from '../formats/verifying.ts'
import { bitstringOf, tokenListOf, type ListBits } from './listBits.ts'

export type ListForm = 'bitstring' | 'token'

export interface ForeignList {
  /** A DID: it controls the key that signed the list. */
  readonly issuer: string
  /** What the bits of a bitstring are about; empty for a token, whose values say it. */
  readonly purposes: readonly string[]
  readonly bits: ListBits
  /** Milliseconds since 1970 until when it may be kept: never beyond its own end. */
  readonly until: number
}

export interface ListReading {
  readonly url: string
  readonly body: Buffer
  readonly now: number
  readonly resolve: VerifyRequest['resolve']
}

/**
 * Kept for so long where the list does not say, and at most: a key of its issuer's that is not believed any more is believed
 * here until then.
 */
const TTL_MS = 300_000
const TTL_MAX_MS = 3_600_000
const SECOND_MS = 1_000

/** TABLE of forms: what is asked for, and how it is read. @throws Flaw */
export const listForms: Readonly<
  Record<ListForm, { readonly accept: string; readonly read: (it: ListReading) => Promise<ForeignList> }>
> = {
  bitstring: {
    accept:
      'application/vc, application/vc+jwt, application/vc+sd-jwt, application/vc+cose, application/json;q=0.5',
    read: readBitstring,
  },
  token: { accept: 'application/statuslist+jwt', read: readToken },
}

/** BitstringStatusListCredential (Bitstring Status List 1.0, 2.2 and 3.2), in whichever format it is secured. */
async function readBitstring({ url, body, now, resolve }: ListReading): Promise<ForeignList> {
  const judgedAt = async (time: number): Promise<JsonObject> => {
    const request = { kind: 'credential', profile: 'strict', secured: securedIn(body), resolve } as const
    const { problems, content } = await verifyAny({ ...request, now: new Date(time) })
    refuse(problems)
    return content ?? {}
  }
  const content = await judgedAt(now)
  const { id, validUntil, credentialSubject: subject } = content
  if (!isOfType(content, 'BitstringStatusListCredential') || !isObject(subject))
    throw new Flaw('malformed', 'type: no BitstringStatusListCredential')
  if (!isOfType(subject, 'BitstringStatusList'))
    throw new Flaw('malformed', 'credentialSubject.type: no BitstringStatusList')
  if (id !== undefined && id !== url) throw new Flaw('malformed', 'id: another list')
  const { statusPurpose, ttl, encodedList } = subject
  const purposes: unknown[] = [statusPurpose].flat()
  if (!purposes.every((purpose) => typeof purpose === 'string'))
    throw new Flaw('malformed', 'credentialSubject.statusPurpose: neither text nor a list of texts')
  const until = keptUntil(now, { ttlMs: ttl, end: parseDateTime(validUntil)?.getTime() })
  const list = { issuer: idOf(content['issuer']) ?? '', purposes, bits: bitstringOf(encodedList) }
  // What else may end it, a proof or an envelope, is not looked for: it is judged as of then.
  const isGoodUntil = await judgedAt(until - 1).then(
    () => true,
    () => false,
  )
  return { ...list, until: isGoodUntil ? until : now }
}

function securedIn(body: Buffer): VerifyRequest['secured'] {
  const text = body.toString('latin1').trim()
  if (text.startsWith('{')) return parseObject(body, 'The list')
  return /^[\w.~-]+$/.test(text) ? text : body
}

/** A status list token (Token Status List, 5.1 and 8.3). */
async function readToken({ url, body, now, resolve }: ListReading): Promise<ForeignList> {
  const jws = readJws(body.toString('latin1').trim())
  if (mediaType(jws.header['typ']) !== 'statuslist+jwt')
    throw new Flaw('type-not-allowed', 'typ: no status list token')
  const claims = parseObject(jws.payload, 'The payload')
  const { iss, sub, iat, exp, ttl, status_list: list } = claims
  const party = typeof iss === 'string' ? iss : undefined
  const key = await keyFor({ resolve }, { header: jws.header, party, relationship: 'assertionMethod' })
  checkJws(jws, key)
  if (iss !== undefined && iss !== key.controller)
    throw new Flaw('issuer-mismatch', 'iss: not the controller of the key')
  if (sub !== url) throw new Flaw('malformed', 'sub: another list')
  if (typeof iat !== 'number') throw new Flaw('malformed', 'iat: not a time')
  const problems: Problem[] = []
  checkTimes(problems, new Date(now), timesOfClaims(claims))
  refuse(problems)
  if (!isObject(list)) throw new Flaw('malformed', 'status_list: there is none')
  const seconds = (value: unknown): unknown => (typeof value === 'number' ? value * SECOND_MS : value)
  const until = keptUntil(now, { ttlMs: seconds(ttl), end: seconds(exp) as number | undefined })
  return { issuer: key.controller, purposes: [], bits: tokenListOf(list), until }
}

/** @throws Flaw, the first of them */
function refuse([first]: readonly Problem[]): void {
  if (first !== undefined) throw new Flaw(first.name, first.detail)
}

function keptUntil(
  now: number,
  { ttlMs = TTL_MS, end = Infinity }: { readonly ttlMs?: unknown; readonly end?: number | undefined },
): number {
  if (typeof ttlMs !== 'number' || !(ttlMs >= 0)) throw new Flaw('malformed', 'ttl: not a time')
  return Math.min(now + Math.min(ttlMs, TTL_MAX_MS), end)
}
