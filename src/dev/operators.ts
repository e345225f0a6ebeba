import { join } from 'node:path'
import type { Config } from '../../config/config.ts'
import type { Role } from '../../config/operators.ts'
import type { NewOperator } from '../api/admin/operators.ts'
import { newIdentity, publicHalf } from '../api/admin/identity.ts'
import { writePrivate } from './files.ts'

/** Three people on one laptop. Nobody holds incompatible roles, here either. */
const people: readonly { readonly name: string; readonly roles: readonly Role[] }[] = [
  { name: 'officer', roles: ['security-officer', 'registration-officer', 'revocation-officer'] },
  { name: 'admin', roles: ['administrator'] },
  { name: 'auditor', roles: ['auditor'] },
]

/** Makes key files for the command line in `{home}/operators`. @returns the public halves, to be entered. */
export async function makeDevOperators(config: Config): Promise<NewOperator[]> {
  const made: NewOperator[] = []
  for (const { name, roles } of people) {
    const identity = newIdentity({ name, roles })
    await writePrivate(join(config.home, 'operators', `${name}.json`), identity)
    made.push({ name, roles, publicKey: publicHalf(identity) })
  }
  return made
}
