import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { keyTypes, type KeyType } from '../../hsm/algorithms.ts'
import { identitySchema } from '../../src/api/admin/identity.ts'
import { oneAtATime } from './database.ts'

const keyType = z.custom<KeyType>((value) => typeof value === 'string' && value in keyTypes)

/** A service that was started once, and ended: what it stands on, and who uses it. */
const preparedSchema = z.object({
  database: z.string(),
  token: z.object({ objects: z.string(), serial: z.string() }),
  operators: z.object({ officer: identitySchema, admin: identitySchema, auditor: identitySchema }),
  client: z.object({ id: z.string(), secret: z.string() }),
  person: z.object({ id: z.string() }),
  credential: z.object({
    id: z.string(),
    keyId: z.string(),
    keyType,
    scal: z.union([z.literal(1), z.literal(2)]),
    pin: z.string(),
    /** Base64. */
    certificate: z.string(),
  }),
  secrets: z.array(z.string()),
})
export type Prepared = z.infer<typeof preparedSchema>

let known: Prepared | undefined

/** Made by the first process of a run that wants it. @returns undefined outside of a run */
export async function prepared(make: (folder: string) => Promise<Prepared>): Promise<Prepared | undefined> {
  const folder = process.env['INTAGLIO_TEST_RUN']
  if (folder === undefined) return undefined
  const file = join(folder, 'prepared.json')
  known ??= await oneAtATime(async () => {
    if (existsSync(file)) return preparedSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    const made = await make(folder)
    writeFileSync(`${file}.new`, JSON.stringify(made), { mode: 0o600 })
    renameSync(`${file}.new`, file)
    return made
  })
  return known
}
