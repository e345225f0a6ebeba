import { fromBase64url } from '../../signing/base64url.ts'
import { envelopeProblems } from '../dataModel.ts'
import { envelopeTypeOf, opened } from './enveloped.ts'
import type { Format, JsonObject, Verdict, VerifyRequest } from './format.ts'
import { withStatus } from './verifying.ts'

/** A credential stands in a presentation, and perhaps in an envelope. What goes deeper is no credential. */
const DEPTH_MAX = 2

/** The request, with what judges the credentials of a presentation: the rows of the table. */
export function nestedIn(rows: readonly Format[], request: VerifyRequest, depth = 0): VerifyRequest {
  const nested = async (secured: VerifyRequest['secured']): Promise<Verdict> => {
    // It was made for nobody in particular: challenge and domain are the presentation's.
    const { now, profile, resolve, status } = request
    if (depth >= DEPTH_MAX) return tooDeep()
    const inner = nestedIn(rows, { secured, now, profile, resolve, status, kind: 'credential' }, depth + 1)
    const verdict = await verifyAny(rows, inner)
    // What is in an envelope has been asked about there.
    const isEnvelope = isObject(secured) && envelopeTypeOf(secured) !== undefined
    const { problems, content } = verdict
    if (content === undefined || isEnvelope) return verdict
    return { content, problems: await withStatus(request, content, problems) }
  }
  return { ...request, nested }
}

const problem = (name: string, detail: string): Verdict => ({ problems: [{ name, detail }] })
const tooDeep = (): Verdict => problem('too-deep', 'An envelope in an envelope')

/** In the format that it has, by its looks. */
export async function verifyAny(rows: readonly Format[], request: VerifyRequest): Promise<Verdict> {
  const { secured, nested } = request
  const envelope = isObject(secured) ? envelopeTypeOf(secured) : undefined
  if (isObject(secured) && envelope !== undefined) {
    const inside = opened(secured)
    if (inside === undefined) return problem('malformed', 'id: not a data: URL of a secured credential')
    const problems = envelopeProblems(secured, envelope)
    if (problems.length > 0) return { problems }
    if (envelope === 'EnvelopedVerifiablePresentation')
      return request.kind === 'credential'
        ? problem('type-not-allowed', 'This is a presentation, not a credential')
        : verifyAny(rows, { ...request, secured: inside, kind: 'presentation' })
    if (request.kind === 'presentation')
      return problem('type-not-allowed', 'This is a credential, not a presentation')
    return nested?.(inside) ?? tooDeep()
  }
  const form = octetsOf(secured) ?? secured
  const row = rows.find(({ name }) => name === formatOf(form))
  return row?.verify({ ...request, secured: form }) ?? problem('not-verified', 'Nothing here verifies it')
}

/** COSE where octets cannot stand: in base64url, as the VC API answers it. What is signed by JOSE has dots. */
function octetsOf(secured: VerifyRequest['secured']): Buffer | undefined {
  return typeof secured === 'string' && secured !== '' && !/[.~]/.test(secured)
    ? fromBase64url(secured)
    : undefined
}

function formatOf(secured: VerifyRequest['secured']): Format['name'] {
  if (Buffer.isBuffer(secured)) return 'cose'
  if (typeof secured !== 'string') return 'data-integrity'
  return secured.includes('~') ? 'sd-jwt' : 'jwt'
}

const isObject = (secured: VerifyRequest['secured']): secured is JsonObject =>
  typeof secured === 'object' && !Buffer.isBuffer(secured)
