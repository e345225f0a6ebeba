import { OID } from './oids.ts'
import type { ProfileName, ProfileRow } from './profiles.ts'

type Base = Omit<ProfileRow, 'name' | 'policies'>

/** TS 119 312, 8.4: what is meant to be believed for years is of 3,000 bits or more. */
const RSA_BITS = 3072
type Qualified = Extract<ProfileName, `qcp-${string}` | 'short-term-qscd'>

/**
 * Rows of EU qualified certificates (EN 319 411-2, 5.3; EN 319 412-5, 4.2 and 4.3). They assert what the operator was
 * certified for, so each needs a device that the configuration declares. A key of ours is in a QSCD; others' keys may be
 * certified where nothing is said of their device.
 */
export function qualifiedRows(bases: {
  readonly natural: Base
  readonly legal: Base
  readonly shortTerm: Partial<Base>
}): Readonly<Record<Qualified, ProfileRow>> {
  const qscd = { rsaBits: RSA_BITS, outside: false, device: 'qscd' } as const
  const natural = { ...bases.natural, rsaBits: RSA_BITS, device: 'secure' } as const
  const legal = { ...bases.legal, rsaBits: RSA_BITS, device: 'secure' } as const
  const esign = { type: OID.qctEsign, sscd: false }
  const eseal = { type: OID.qctEseal, sscd: false }
  return {
    'qcp-n': { ...natural, name: 'qcp-n', policies: [OID.qcpN], qualified: esign },
    'qcp-n-qscd': {
      ...natural,
      ...qscd,
      name: 'qcp-n-qscd',
      policies: [OID.qcpNQscd],
      qualified: { ...esign, sscd: true },
    },
    'qcp-l': { ...legal, name: 'qcp-l', policies: [OID.qcpL], qualified: eseal },
    'qcp-l-qscd': {
      ...legal,
      ...qscd,
      name: 'qcp-l-qscd',
      policies: [OID.qcpLQscd],
      qualified: { ...eseal, sscd: true },
    },
    'short-term-qscd': {
      ...natural,
      ...qscd,
      ...bases.shortTerm,
      name: 'short-term-qscd',
      policies: [OID.qcpNQscd],
      qualified: { ...esign, sscd: true },
    },
  }
}
