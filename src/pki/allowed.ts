import { keyTypes } from '../../hsm/algorithms.ts'
import type { Context } from '../context.ts'
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
  const problem = holderProblem(row, key) ?? strengthProblem(row, key)
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

function strengthProblem({ name, rsaBits }: ProfileRow, { keyType }: Key): string | undefined {
  const { family, bits } = keyTypes[keyType]
  return family !== 'RSA' || bits >= rsaBits
    ? undefined
    : `The profile ${name} wants RSA keys of ${rsaBits} bits or more.`
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
