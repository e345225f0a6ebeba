import { z } from 'zod'
import type { Context } from '../../context.ts'
import {
  certificatesBySerial,
  certificatesBySubject,
  keptCertificate,
  type CertificateFilter,
  type FoundCertificate,
  type KeptCertificate,
} from '../../db/certificateSearch.ts'
import { nameInWords } from '../../pki/describe.ts'
import { issueFor } from '../../pki/issueFor.ts'
import { subjectPrefix } from '../../pki/names.ts'
import { keyOfPkcs10, pkcs10OfPem, subjectOfPkcs10 } from '../../pki/pkcs10.ts'
import { profiles, type ProfileName } from '../../pki/profiles.ts'
import { Refusal } from '../../refusal.ts'
import { actorOf, found, parsed, type Endpoints } from './endpoint.ts'
import { page, pageQuery, uuidPosition } from './page.ts'
import { subjectOf } from './subjects.ts'
import { rekeyEndpoint, renewEndpoint } from './replacements.ts'
import { shown } from './shownCertificate.ts'
import { hex, moment, PKCS10_MAX, serial, whichOf } from './values.ts'

const names = Object.keys(profiles) as ProfileName[]
/** Those of keys that others hold: no other has anything to be asked for by a PKCS#10. */
const outside = names.filter((name) => profiles[name].outside)
/** Of a subject, as much as the longest common name has. */
const PREFIX_MAX = 64

const issueSchema = z.strictObject({
  profile: z.enum(outside),
  /** PEM of a PKCS#10: its key counts. */
  request: z.string().min(1).max(PKCS10_MAX),
  /** Attributes as they were verified; which, the profile says. */
  subject: z.record(z.string(), z.string().max(200)),
  days: z.int().optional(),
})

const searchSchema = z.strictObject({
  ...pageQuery,
  /** How the common name begins. */
  subject: z.string().min(1).max(PREFIX_MAX).optional(),
  /** How the serial number begins: whole octets. */
  serial: serial.optional(),
  state: z.enum(['planned', 'issued', 'suspended', 'revoked', 'void']).optional(),
  profile: z.enum(names).optional(),
  expiresBefore: moment.optional(),
  /** Whether another one has its place. */
  replaced: z.stringbool({ truthy: ['true'], falsy: ['false'] }).optional(),
})

/** Certificates that this service has issued, or was about to. */
export const issuedCertificateEndpoints: Endpoints<'certificates'> = {
  'GET /certificates': async (ctx, call) => {
    const { subject, serial: prefix, ...query } = parsed(searchSchema, call.query)
    if (subject !== undefined && prefix !== undefined)
      throw new Refusal('invalid_request', 'serial: searched by either, subject or serial')
    const listed = await page(
      query,
      ({ limit, after }) => {
        const window = { limit, ...uuidPosition(after), filter: query }
        return subject === undefined ? bySerial(ctx, prefix, window) : bySubject(ctx, subject, window)
      },
      (row) => row.id,
    )
    return { body: { items: listed.rows.map(listedOf), next: listed.next } }
  },

  'POST /certificates': async (ctx, call) => {
    const { profile, request, subject, days } = parsed(issueSchema, call.body)
    const pkcs10 = pkcs10OfPem(request)
    const key = keyOfPkcs10(pkcs10)
    const wanted = subjectOf(profiles[profile].subject, subject)
    const { id } = await issueFor(ctx, { profile, subject: wanted, key, actor: actorOf(call), days })
    const row = found(await keptCertificate(ctx.db, { id }), 'certificate')
    return { status: 201, body: { ...(await shown(ctx, row)), requested: askedFor(pkcs10) } }
  },

  'GET /certificates/:id': async (ctx, call) => {
    const row = await keptCertificate(ctx.db, whichOf(call))
    return { body: await shown(ctx, found(row, 'certificate')) }
  },

  'POST /certificates/:id/renew': renewEndpoint,
  'POST /certificates/:id/rekey': rekeyEndpoint,
}

interface Window {
  readonly limit: number
  /** The id of the last one of the page before. */
  readonly after?: string
  readonly filter: CertificateFilter
}

async function bySerial(
  ctx: Context,
  prefix: Buffer | undefined,
  { after, ...window }: Window,
): Promise<FoundCertificate[]> {
  const last = await lastOf(ctx, after)
  return certificatesBySerial(ctx.db, { prefix: prefix ?? Buffer.alloc(0), after: last?.serial, ...window })
}

async function bySubject(
  ctx: Context,
  subject: string,
  { after, ...window }: Window,
): Promise<FoundCertificate[]> {
  const last = await lastOf(ctx, after)
  const position = last && { subject: last.subject ?? '', id: last.id }
  return certificatesBySubject(ctx.db, { prefix: subjectPrefix(subject), after: position, ...window })
}

async function lastOf(ctx: Context, id: string | undefined): Promise<KeptCertificate | undefined> {
  if (id === undefined) return undefined
  const row = await keptCertificate(ctx.db, { id })
  if (row === undefined) throw new Refusal('invalid_request', 'cursor: not one that this list gave out')
  return row
}

function listedOf(row: FoundCertificate): Record<string, unknown> {
  const { id, profile, state, subject, issuerId, notBefore, notAfter, replaces, replacedBy } = row
  return {
    ...{ id, serial: hex(row.serial), profile, state, subject, issuerId, notBefore, notAfter },
    ...(replaces === null ? {} : { replaces: hex(replaces) }),
    ...(replacedBy === null ? {} : { replacedBy: hex(replacedBy) }),
  }
}

/** What an applicant wrote, which nobody has verified; null: nothing that can be read. */
function askedFor(pkcs10: Buffer): { readonly subject: string | null } {
  try {
    return { subject: nameInWords(subjectOfPkcs10(pkcs10)) }
  } catch {
    return { subject: null }
  }
}
