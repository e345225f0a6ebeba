import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../../config/config.ts'
import type { Role } from '../../config/operators.ts'
import type { NewOperator } from '../api/admin/operators.ts'
import { identitySchema, newIdentity, publicHalf, type Identity } from '../api/admin/identity.ts'
import { writePrivate } from './files.ts'

/** Three people on one laptop. Nobody holds incompatible roles, here either. */
const people: readonly { readonly name: string; readonly roles: readonly Role[] }[] = [
  { name: 'officer', roles: ['security-officer', 'registration-officer', 'revocation-officer'] },
  { name: 'admin', roles: ['administrator'] },
  { name: 'auditor', roles: ['auditor'] },
]

/**
 * Their key files for the command line, in `{home}/operators`; those that are lost, or no key files, are made anew.
 * @returns the public halves, to be entered
 */
export async function devOperators(config: Config): Promise<NewOperator[]> {
  const operators: NewOperator[] = []
  for (const { name, roles } of people) {
    const path = join(config.home, 'operators', `${name}.json`)
    const identity = (await readIdentity(path)) ?? newIdentity({ name, roles })
    await writePrivate(path, identity)
    operators.push({ name, roles, publicKey: publicHalf(identity) })
  }
  return operators
}

async function readIdentity(path: string): Promise<Identity | undefined> {
  try {
    return identitySchema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return undefined
  }
}
