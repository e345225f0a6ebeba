/** TABLE of the formats that credentials are secured in. */
import { nestedIn, verifyAny as verifyByLooks } from './anyFormat.ts'
import { cose } from './cose.ts'
import { credentialProblems, presentationProblems, refuseProblems } from '../dataModel.ts'
import { without } from '../integrity/proof.ts'
import { dataIntegrity } from './dataIntegrity.ts'
import type { Format, JsonObject, PresentRequest, Verdict, VerifyRequest } from './format.ts'
import { jwt } from './jwt.ts'
import { withEnvelopes } from './enveloped.ts'
import { isClaims, isOfType, versionOf } from './making.ts'
import { sdJwt } from './sdJwt.ts'

/** What is of W3C's data models, and is not only claims of an SD-JWT VC, is what they want, whatever it is secured with. */
const modelled = (row: Format): Format => {
  const { present } = row
  const isModelled = (document: JsonObject): boolean => !isClaims(row.name, document)
  return {
    ...row,
    issue: async (request) => {
      const { credential } = request
      if (isModelled(credential)) refuseProblems(credentialProblems(credential))
      return row.issue(request)
    },
    ...(present && {
      present: async (request: PresentRequest) => {
        const { presentation } = request
        if (typeof presentation !== 'string') refuseProblems(presentationProblems(made(presentation)))
        return present(request)
      },
    }),
    verify: async (request) => {
      const verdict = await row.verify(request)
      const { problems, content } = verdict
      if (problems.length > 0 || content === undefined || !isModelled(content)) return verdict
      const isPresentation = isOfType(content, 'VerifiablePresentation')
      return {
        content,
        problems: isPresentation ? presentationProblems(itself(content)) : credentialProblems(content),
      }
    },
  }
}

/** As it is signed: in version 2.0, whatever stands in it is in an envelope, or refused. */
const made = (presentation: JsonObject): JsonObject =>
  versionOf(presentation) === '2.0' ? withEnvelopes(presentation) : itself(presentation)

/** What stands in a presentation is judged by itself. */
const itself = (presentation: JsonObject): JsonObject => without(presentation, 'verifiableCredential')

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
