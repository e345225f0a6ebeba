import { hash } from 'node:crypto'
import { keyTypes } from '../../hsm/algorithms.ts'
import type { Context } from '../context.ts'
import { isCompromised } from '../db/replacements.ts'
import { Refusal } from '../refusal.ts'
import type { CertificateRequest } from './issue.ts'
import { profiles, type ProfileRow } from './profiles.ts'

type Key = CertificateRequest['key']

/**
 * Whether a profile certifies this key at all, here. Asked for every certificate, whoever wants it.
 * @throws Refusal invalid_request, conflict (what the profile asserts, the configuration does not declare)
 */
export function refuseUnfit(
  ctx: Context,
  { profile, key }: Pick<CertificateRequest, 'profile' | 'key'>,
): void {
  const row = profiles[profile]
  const problem = holderProblem(row, key) ?? strengthProblem(ctx, row, key)
  if (problem !== undefined) throw new Refusal('invalid_request', problem)
  const undeclared = deviceProblem(ctx, row, key)
  if (undeclared !== undefined) throw new Refusal('conflict', undeclared)
}

function holderProblem(row: ProfileRow, key: Key): string | undefined {
  if (!('keyId' in key))
    return row.outside ? undefined : `The profile ${row.name} certifies keys of this service only.`
  if (row.purpose === undefined) return `The profile ${row.name} certifies keys that others hold.`
  return key.purpose === row.purpose
    ? undefined
    : `The profile ${row.name} is for keys of the purpose '${row.purpose}'.`
}

/** Of RSA in production, whatever the profile (TS 119 312, 8.4). */
const PRODUCTION_RSA_BITS = 3072

function strengthProblem({ config }: Context, row: ProfileRow, { keyType }: Key): string | undefined {
  const { family, bits } = keyTypes[keyType]
  const least = Math.max(row.rsaBits, config.profile === 'production' ? PRODUCTION_RSA_BITS : 0)
  return family !== 'RSA' || bits >= least
    ? undefined
    : `The profile ${row.name} wants RSA keys of ${least} bits or more.`
}

/**
 * A key that is, or may be, in other hands is never certified again (EN 319 411-1, GEN-6.3.6-10), for whomever.
 * @throws Refusal conflict
 */
export async function refuseCompromised(ctx: Context, { spki }: Pick<Key, 'spki'>): Promise<void> {
  if (await isCompromised(ctx.db, hash('sha256', spki, 'buffer')))
    throw new Refusal('conflict', 'The key is known to be compromised.')
}

/** What is asserted of a device is what the operator declared of it, and of no other token. */
function deviceProblem({ config, token }: Context, row: ProfileRow, key: Key): string | undefined {
  if (row.device === undefined) return undefined
  const { device, pds } = config.ca
  if (device === undefined || (row.device === 'qscd' && device.certifiedAs !== 'qscd')) {
    return `The profile ${row.name} asserts a certified device, and the configuration (ca.device) declares none.`
  }
  if (row.qualified && !pds.some(({ language }) => language === 'en')) {
    return 'A qualified certificate names a PKI disclosure statement in English (ca.pds).'
  }
  // What may certify others' keys says nothing of the device of this one.
  if (row.outside || !('keyId' in key)) return undefined
  const itsToken = token.all.find((one) => one.token.serial === key.tokenSerial)
  return itsToken?.config.name === device.token ? undefined : 'The key is not in the device that is declared.'
}
