/** TABLE of the formats that credentials are secured in. */
import { nestedIn, verifyAny as verifyByLooks } from './anyFormat.ts'
import { cose } from './cose.ts'
import { dataIntegrity } from './dataIntegrity.ts'
import type { Format, Verdict, VerifyRequest } from './format.ts'
import { jwt } from './jwt.ts'
import { sdJwt } from './sdJwt.ts'

const rows: readonly Format[] = [jwt, dataIntegrity, sdJwt, cose]

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

/** In whichever format it is. */
export const verifyAny = (request: VerifyRequest): Promise<Verdict> =>
  verifyByLooks(rows, nestedIn(rows, request))
