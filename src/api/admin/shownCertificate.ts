import type { Context } from '../../context.ts'
import { certificateChain } from '../../db/certificates.ts'
import type { KeptCertificate } from '../../db/certificateSearch.ts'
import { listStatusChanges } from '../../db/statusChanges.ts'
import { describeTbs } from '../../pki/describe.ts'
import { hex, pem } from './values.ts'

/** Status changes that are shown with a certificate: more than anybody's was ever suspended. */
const CHANGES = 50

/** All that is kept of a certificate, for operators. */
export async function shown(ctx: Context, row: KeptCertificate): Promise<Record<string, unknown>> {
  const { id, profile, state, issuerId, keyId, credentialId, actor, issuedAt, suspendedAt, revokedAt } = row
  const { replaces, replacedBy, replacesBy: by, replacesReason: reason } = row
  const changes = await listStatusChanges(ctx.db, { limit: CHANGES, certificateId: id })
  const chain = row.der === null ? [] : await certificateChain(ctx.db, id)
  const says = row.tbs === null ? undefined : readable(row.tbs)
  return {
    id,
    serial: hex(row.serial),
    profile,
    state,
    ...some({ suspendedAt, revokedAt, reason: state === 'revoked' ? row.reason : null }),
    ...some({ issuedAt, actor, issuerId, keyId, credentialId }),
    ...(replaces === null ? {} : { replaces: { serial: hex(replaces), by, reason } }),
    ...(replacedBy === null ? {} : { replacedBy: hex(replacedBy) }),
    ...(says === undefined ? { notBefore: row.notBefore, notAfter: row.notAfter } : { says }),
    changes: changes.map(({ change, reason: why, actor: who, requestedAt, decidedAt, publishedAt }) => ({
      change,
      ...some({ reason: why }),
      actor: who,
      requestedAt,
      decidedAt,
      publishedAt,
    })),
    ...(row.der === null ? {} : { certificate: pem('CERTIFICATE', row.der) }),
    chain: chain.slice(1).map((der) => pem('CERTIFICATE', der)),
  }
}

function readable(tbs: Buffer): unknown {
  try {
    return describeTbs(tbs)
  } catch {
    // What is stored is broken: `certificate check` says so.
    return undefined
  }
}

const some = (all: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null))
