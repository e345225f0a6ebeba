/** TABLE of the formats that credentials are secured in. */
import type { Format, VerifyRequest } from './format.ts'
import { cose } from './cose.ts'
import { jwt } from './jwt.ts'
import { sdJwt } from './sdJwt.ts'
import { nestedIn } from './anyFormat.ts'

const rows: readonly Format[] = [jwt, sdJwt, cose]

/** By name; undefined for a format that there is none of. What stands in a presentation is judged by whichever row fits. */
export const formats: Readonly<Partial<Record<Format['name'], Format>>> = Object.freeze(
  Object.assign(
    Object.create(null) as Partial<Record<Format['name'], Format>>,
    Object.fromEntries(
      rows.map((row) => [
        row.name,
        { ...row, verify: (request: VerifyRequest) => row.verify(nestedIn(rows, request)) },
      ]),
    ),
  ),
)
