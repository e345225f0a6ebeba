import { auditEntry } from '../audit.ts'
import type { Context } from '../context.ts'
import { leftCertificates, voidCertificate } from '../db/certificates.ts'

/** Longer than any request lives. */
const REQUEST_LIFE_S = 60
const INTERVAL_MS = 2_000

/**
 * Ends what dead processes left planned, at once and every two seconds; any replica may, for any other. A serial that was
 * planned stays taken, and no certificate with it was ever given out: whether the token was asked, and what came of it, is
 * recorded, so that one that may have been signed can be revoked.
 * @returns a function that stops it and resolves when it has
 */
export async function startIssuanceRecovery(ctx: Context): Promise<() => Promise<void>> {
  await endLeft(ctx)
  let running: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    running = running
      .then(() => endLeft(ctx))
      .catch((error: unknown) => {
        ctx.log.warn({ err: error }, 'planned certificates were not looked at; they will be')
      })
  }, INTERVAL_MS)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await running
  }
}

/** One pass. */
export async function endLeft(ctx: Context): Promise<void> {
  for (const { id, outcome } of await leftCertificates(ctx.db, { olderThanS: REQUEST_LIFE_S })) {
    // Its attempt is closed first, by the recovery of signatures: then it is known whether the token may have signed.
    if (outcome === 'open') continue
    const token = outcome ?? 'not asked'
    const audit = auditEntry({
      kind: 'act',
      act: 'certificate.void',
      actor: 'service',
      subjects: [`certificate:${id}`],
      detail: { token },
    })
    await voidCertificate(ctx.db, { id, audit })
    ctx.log.warn({ certificate: id, token }, 'a certificate whose issuance never ended was ended')
  }
}
