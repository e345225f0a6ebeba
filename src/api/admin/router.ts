import { Router, type Request, type Response } from 'express'
import type { Role } from '../../../config/operators.ts'
import { clientCertificateOf } from '../../clientCertificate.ts'
import type { Context } from '../../context.ts'
import type { OperatorRow } from '../../db/operators.ts'
import type { Door } from '../../listeners.ts'
import { Refusal } from '../../refusal.ts'
import { readOctets } from '../http/body.ts'
import { renderErrors } from '../http/errors.ts'
import { auditEndpoints } from './audit.ts'
import { authenticateOperator } from './authenticate.ts'
import { ceremonyEndpoints } from './ceremonies.ts'
import { checkEndpoints } from './checks.ts'
import { clientEndpoints } from './clients.ts'
import { clockEndpoints } from './clock.ts'
import { credentialEndpoints } from './credentials.ts'
import { deliveryEndpoints } from './deliveries.ts'
import type { Endpoint } from './endpoint.ts'
import { issuedCertificateEndpoints } from './issuedCertificates.ts'
import { issuerEndpoints } from './issuers.ts'
import { keyEndpoints } from './keys.ts'
import { matrix, type EndpointName } from './matrix.ts'
import { operatorEndpoints } from './operators.ts'
import { personEndpoints } from './persons.ts'
import { problem, PROBLEM_TYPE } from './problem.ts'
import { revocationEndpoints } from './revocations.ts'
import { tokenEndpoints } from './tokens.ts'

/** Far above what an operator sends; a body is read before its sender is known. */
const BODY_LIMIT = 64 * 1024

const endpoints: Readonly<Record<EndpointName, Endpoint>> = {
  ...tokenEndpoints,
  ...keyEndpoints,
  ...clientEndpoints,
  ...issuerEndpoints,
  ...personEndpoints,
  ...credentialEndpoints,
  ...issuedCertificateEndpoints,
  ...checkEndpoints,
  ...revocationEndpoints,
  ...deliveryEndpoints,
  ...ceremonyEndpoints,
  ...operatorEndpoints,
  ...clockEndpoints,
  ...auditEndpoints,
}

/** The operators' face: every request is signed by its operator, and the matrix says who may call what. */
export function adminRouter(ctx: Context, door: Door): Router {
  const router = Router({ caseSensitive: true, strict: true })
  for (const name of Object.keys(endpoints) as EndpointName[]) {
    const [method, path] = name.split(' ') as ['GET' | 'POST', string]
    router[method === 'GET' ? 'get' : 'post'](path, (request, response) =>
      serve(ctx, name, { request, response, door }),
    )
  }
  router.use(() => {
    throw new Refusal('not_found', 'There is no such address.')
  })
  router.use(renderErrors(ctx.log, problem, PROBLEM_TYPE))
  return router
}

async function serve(
  ctx: Context,
  name: EndpointName,
  { request, response, door }: { request: Request; response: Response; door: Door },
): Promise<void> {
  // As they came: the operator signed their hash.
  const octets = await readOctets(request, BODY_LIMIT)
  const operator = await authenticateOperator(ctx, {
    authorization: request.headers.authorization,
    method: request.method,
    url: `${door.url}${request.originalUrl}`,
    body: octets,
    ...(door.clientCertificates === 'require'
      ? { certificate: { shown: clientCertificateOf(request) } }
      : {}),
  })
  authorise(operator, matrix[name])
  const params = request.params as Record<string, string>
  const reply = await endpoints[name](ctx, { operator, params, query: request.query, body: json(octets) })
  response.status(reply.status ?? 200).json(reply.body)
}

function authorise(operator: OperatorRow, needed: readonly Role[]): void {
  if (needed.some((role) => operator.roles.includes(role))) return
  throw new Refusal('forbidden', `This takes one of these roles: ${needed.join(', ')}.`)
}

function json(octets: Buffer): unknown {
  if (octets.length === 0) return undefined
  try {
    return JSON.parse(octets.toString('utf8'))
  } catch {
    throw new Refusal('invalid_request', 'The body is not JSON.')
  }
}
