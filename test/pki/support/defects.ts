import { oid } from '../../../hsm/der.ts'
import { extension, sequence } from '../../../src/der/write.ts'
import type { ProfileName } from '../../../src/pki/profiles.ts'
import { nameOf, replaced, type Parts } from './sample.ts'

/** What is seeded, the rule that is meant, and in a certificate of which profile. */
export type Defect = readonly [
  what: string,
  rule: string,
  profile: ProfileName,
  change: (parts: Parts) => Parts,
]

type Change = (parts: Parts) => Parts

export const ext = (id: string, value: Buffer, critical = false): Buffer => extension(id, value, { critical })
/** Another extension in the place of the one with this OID, or none. */
export const put =
  (id: string, by?: Buffer): Change =>
  (parts) =>
    replaced(parts, id, by)
export const add =
  (by: Buffer): Change =>
  (parts) => ({ ...parts, extensions: [...parts.extensions, by] })
export const field =
  (change: Partial<Parts>): Change =>
  (parts) => ({ ...parts, ...change })
export const named = (...rows: (readonly [string, Buffer])[]): Change => field({ subject: nameOf(...rows) })
export const statement = (id: string, ...info: Buffer[]): Buffer => sequence(oid(id), ...info)
