import { createHash } from 'node:crypto'
import { authoritiesByCeremony } from '../../config/production.ts'
import type { Context } from '../context.ts'
import { unfinishedOwn } from '../db/ceremonies.ts'
import { newestCertificate } from '../db/certificates.ts'
import { oneAtATime } from '../db/startLock.ts'
import { Refusal } from '../refusal.ts'
import { continueOwn, submitOwn } from './ceremonyRun.ts'
import type { Issuer } from './issue.ts'
import { currentIssuer } from './issuers.ts'

/**
 * Root and issuing authority of a laptop or a test, made by the first start that finds none: by a plan of the service's own
 * that nobody approves, and otherwise as every ceremony. One replica does it. Production waits for people: its authorities
 * are made by a plan that they approved.
 */
export async function ensureHierarchy(ctx: Context): Promise<void> {
  if (authoritiesByCeremony(ctx.config) || (await newestCertificate(ctx.db, 'issuing'))) return
  await oneAtATime(ctx.db, async () => {
    if (await newestCertificate(ctx.db, 'issuing')) return
    const id = (await unfinishedOwn(ctx.db))?.id ?? (await submitOwn(ctx, await ownPlan(ctx)))
    await continueOwn(ctx, id)
  })
}

/** Nothing heals it but people: who asks in a minute, asks often enough. */
const RETRY_AFTER_S = 60

/** The authority that issues now. @throws Refusal 'unavailable' where there is none, until a ceremony has made it */
export async function issuingAuthority(ctx: Context): Promise<Issuer> {
  const issuer = await currentIssuer(ctx, 'issuing')
  if (issuer !== undefined) return issuer
  throw new Refusal('unavailable', 'There is no issuing authority yet', { retryAfter: RETRY_AFTER_S })
}

/** The root's certificate, DER: what relying parties trust. */
export async function rootCertificate(ctx: Context): Promise<Buffer> {
  const root = await newestCertificate(ctx.db, 'root')
  if (root === undefined) throw new Error('there is no root')
  return root.der
}

const ROOT_DAYS = 7300
const ISSUING_DAYS = 3650
/** A start that dies is gone on with by the next one, whenever that is. */
const OWN_EXPIRES = '2099-12-31T23:59:59Z'

/** As the configuration names the authorities. JSON is YAML. */
async function ownPlan(ctx: Context): Promise<Buffer> {
  const { config } = ctx
  const { country, organization, organizationIdentifier, keyType: key } = config.ca
  const token = ctx.token.makerOf('ca').token.label
  const root = await newestCertificate(ctx.db, 'root')
  const plan = {
    version: 1,
    title: `First start, profile ${config.profile}`,
    place: 'this machine',
    expires: OWN_EXPIRES,
    quorum: { approvals: 0, approvers: [] },
    roles: [],
    witnesses: [],
    country,
    organization,
    organizationIdentifier,
    ...(root === undefined
      ? { root: { name: config.ca.rootName, key, token, days: ROOT_DAYS } }
      : { existingRoot: createHash('sha256').update(root.der).digest('hex') }),
    issuing: { name: config.ca.issuingName, key, token, days: ISSUING_DAYS },
    transcript: { key: 'P-256', token: ctx.token.makerOf('ceremony').token.label },
  }
  return Buffer.from(`${JSON.stringify(plan, undefined, 2)}\n`)
}
