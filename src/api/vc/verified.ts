import type { Verified } from '../../credentials/verifyCredential.ts'
import type { Problem } from '../../credentials/credentialKey.ts'
import { titleOf } from '../../credentials/problems.ts'
import { PROBLEM_TYPE } from '../http/problem.ts'
import type { Reply } from '../http/problemEndpoint.ts'

/** A problem of a credential, as RFC 9457 and VC Data Model 2.0, 7.1 have it. */
const details = ({ name, detail }: Problem) => ({
  type: `tag:intaglio,2026:problem:${name}`,
  title: titleOf(name),
  detail,
})

/** VC API 0.3, 3.3: what was found. Anything that is not good is a 400, and says by name what is wrong. */
export function verifiedReply({ problems }: Verified): Reply {
  if (problems.length === 0) return { status: 200, body: { verified: true, problemDetails: [] } }
  const problemDetails = problems.map(details)
  const body = {
    type: 'about:blank',
    title: 'Bad Request',
    status: 400,
    code: 'not_verified',
    detail: problems.map(({ detail }) => detail).join(' '),
    verified: false,
    problemDetails,
  }
  return { status: 400, body, mediaType: PROBLEM_TYPE }
}
