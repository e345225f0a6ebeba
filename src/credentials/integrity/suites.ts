import type { KeyType } from '../../../hsm/algorithms.ts'
import { Refusal } from '../../refusal.ts'
import type { JsonObject } from '../../signing/strictJson.ts'
import { byJcs, byRdfc, plain } from './plain.ts'
import type { Suite } from './proof.ts'
import { ecdsaSd2023 } from './sd/ecdsaSd.ts'

const DATA_INTEGRITY = 'DataIntegrityProof'
const EDDSA: readonly KeyType[] = ['Ed25519']
const ECDSA: readonly KeyType[] = ['P-256', 'P-384']

/** TABLE of cryptographic suites; of those that fit a key, the first is the one that is taken when none is named. */
const suites: readonly Suite[] = [
  plain({ name: 'eddsa-rdfc-2022', type: DATA_INTEGRITY, keyTypes: EDDSA, hasContext: false }, byRdfc),
  plain({ name: 'eddsa-jcs-2022', type: DATA_INTEGRITY, keyTypes: EDDSA, hasContext: true }, byJcs),
  plain({ name: 'ecdsa-rdfc-2019', type: DATA_INTEGRITY, keyTypes: ECDSA, hasContext: false }, byRdfc),
  plain({ name: 'ecdsa-jcs-2019', type: DATA_INTEGRITY, keyTypes: ECDSA, hasContext: true }, byJcs),
  ecdsaSd2023,
  plain(
    { name: 'Ed25519Signature2020', type: 'Ed25519Signature2020', keyTypes: EDDSA, hasContext: false },
    byRdfc,
  ),
]

/** The suite that a proof is made with. @throws Refusal that names what does not fit */
export function suiteToMake(keyType: KeyType, name: string | undefined): Suite {
  const named = suites.find((suite) => name === undefined || suite.name === name)
  if (named === undefined)
    throw new Refusal(
      'invalid_request',
      `cryptosuite: ${String(name).slice(0, 100)} is none of ${names(suites)}`,
    )
  const fitting = suites.filter((suite) => suite.keyTypes.includes(keyType))
  const [first] = fitting
  if (first === undefined)
    throw new Refusal('invalid_request', `Data Integrity proofs are not made with keys of type ${keyType}`)
  const suite = name === undefined ? first : fitting.find((row) => row.name === name)
  if (suite === undefined)
    throw new Refusal(
      'invalid_request',
      `cryptosuite: ${named.name} does not fit a key of type ${keyType}; ${names(fitting)} would`,
    )
  return suite
}

/** The suite that a proof names; undefined where it names none of the table. */
export function suiteOf({ type, cryptosuite }: JsonObject): Suite | undefined {
  return suites.find(
    (suite) => suite.type === type && (suite.type === DATA_INTEGRITY ? suite.name === cryptosuite : true),
  )
}

const names = (rows: readonly Suite[]): string => rows.map((suite) => suite.name).join(', ')
