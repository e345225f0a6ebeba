import type { KeyType, SchemeName } from '../../hsm/algorithms.ts'
import type { Scenario } from './measure.ts'

export type BenchKeyType = Extract<KeyType, 'P-256' | 'RSA-2048' | 'RSA-3072'>

/** What each key type signs with here. */
export const schemeOf: Readonly<Record<BenchKeyType, SchemeName>> = {
  'P-256': 'ecdsa-sha256',
  'RSA-2048': 'rsa-sha256',
  'RSA-3072': 'rsa-sha256',
}

/** Keys that the requests use, in turn. */
export const USED_KEYS = 10
const HASHES = [1, 16] as const
const CONNECTIONS = [1, 16, 64] as const

export interface Wanted {
  readonly seconds: number
  readonly keyTypes: readonly BenchKeyType[]
  /** Key pairs in the token. */
  readonly keys: readonly number[]
  /** Only what the targets speak of. */
  readonly quick: boolean
  /** Only requests of so many hashes, and so many connections. */
  readonly hashes: readonly number[]
  readonly connections: readonly number[]
}

/** Grouped by the number of keys in the token, which only grows. */
export function scenarios(wanted: Wanted): Scenario[] {
  const { seconds, keyTypes, keys, quick } = wanted
  return keys
    .toSorted((a, b) => a - b)
    .flatMap((count, index) =>
      keyTypes.flatMap((keyType) => {
        const isFirst = index === 0
        // That the number of keys changes nothing is shown by the fastest scheme, under the highest load.
        if (!isFirst && keyType !== 'P-256') return []
        const connections = isFirst && !quick ? CONNECTIONS : [Math.max(...CONNECTIONS)]
        const hashes = quick && keyType !== 'P-256' ? [1] : HASHES
        const asked = hashes.filter((each) => wanted.hashes.includes(each))
        return asked.flatMap((each) =>
          connections
            .filter((at) => wanted.connections.includes(at))
            .map((at) => ({
              keyType,
              scheme: schemeOf[keyType],
              hashes: each,
              connections: at,
              keys: count,
              seconds,
            })),
        )
      }),
    )
}
