import type { Context } from '../../src/context.ts'
import type { TestService } from '../support/startService.ts'
import { newNonce, serialOf } from './ocspClient.ts'

/** Rows of certificates like another one, with serial numbers of their own: that is all OCSP looks at. */
export async function copyOf(
  service: TestService,
  certificate: Buffer,
  { count, change }: { readonly count: number; readonly change: string },
): Promise<Buffer[]> {
  const serials = Array.from({ length: count }, () => newNonce(16).fill(0x4b, 0, 1))
  await service.sql(
    `insert into certificate (id, serial, profile, key_id, issuer_id, tbs, der, state, not_before, not_after, issued_at)
     select gen_random_uuid(), s, profile, key_id, issuer_id, tbs, der, 'issued', not_before, not_after, now()
       from certificate, unnest($2::bytea[]) as s where serial = $1`,
    [serialOf(certificate), serials],
  )
  if (change !== '') await service.sql(`update certificate set ${change} where serial = any($1)`, [serials])
  return serials
}

/** Answers that were signed in this process. */
export async function signatures({ metrics }: Pick<Context, 'metrics'>): Promise<number> {
  const text = await metrics.registry.getSingleMetricAsString('intaglio_counted_signatures_total')
  return Number(/\{purpose="ocsp"\} ([0-9]+)/.exec(text)?.[1] ?? 0)
}
