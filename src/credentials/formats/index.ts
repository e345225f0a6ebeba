/** TABLE of the formats that credentials are secured in. */
import { nestedIn, verifyAny as verifyByLooks } from './anyFormat.ts'
import { cose } from './cose.ts'
import { credentialProblems, refuseProblems } from '../dataModel.ts'
import { dataIntegrity } from './dataIntegrity.ts'
import type { Format, JsonObject, Verdict, VerifyRequest } from './format.ts'
import { jwt } from './jwt.ts'
import { isOfType } from './making.ts'
import { sdJwt } from './sdJwt.ts'

/** What is of W3C's data models, and is not only claims of an SD-JWT VC, is what they want, whatever it is secured with. */
const modelled = (row: Format): Format => ({
  ...row,
  issue: async (request) => {
    const { credential } = request
    if (isModelled(credential)) refuseProblems(credentialProblems(credential))
    return row.issue(request)
  },
  verify: async (request) => {
    const verdict = await row.verify(request)
    const { problems, content } = verdict
    // What stands in a presentation is judged by itself.
    const isCredential = content !== undefined && !isOfType(content, 'VerifiablePresentation')
    if (problems.length > 0 || !isCredential || !isModelled(content)) return verdict
    return { content, problems: credentialProblems(content) }
  },
})

const isModelled = (document: JsonObject): boolean => document['vct'] === undefined

const rows: readonly Format[] = [modelled(jwt), dataIntegrity, modelled(sdJwt), modelled(cose)]

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
