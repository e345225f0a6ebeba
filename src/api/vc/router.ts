import type { Router } from 'express'
import type { Context } from '../../context.ts'
import type { Direct } from '../http/direct.ts'
import type { Operation } from '../http/openapi.ts'
import { problemMethods, problemRouter, type ProblemFace } from '../http/problemFace.ts'
import { problemOperations } from '../http/problemOperations.ts'
import { credentialsDerive } from './credentialsDerive.ts'
import { credentialsIssue } from './credentialsIssue.ts'
import { credentialsStatus } from './credentialsStatus.ts'
import { credentialsVerify, presentationsVerify } from './credentialsVerify.ts'

/** TABLE of the face: the VC API of W3C's credentials community group. */
export const vc: ProblemFace = {
  endpoints: [
    credentialsIssue,
    credentialsStatus,
    ...credentialsVerify,
    credentialsDerive,
    ...presentationsVerify,
  ],
  hot: [credentialsIssue, ...credentialsVerify, ...presentationsVerify],
  // Ten credentials of 46 KB in a presentation.
  bodyOctets: 512 * 1024,
  below: ['/credentials', '/presentations'],
  alsoCalled: (mediaType) => [mediaType],
}

/** To be mounted at the root. */
export const vcRouter = (ctx: Context): Router => problemRouter(ctx, vc)

export const vcMethods = (ctx: Context): readonly (readonly [string, Direct])[] => problemMethods(ctx, vc)

/** The face as the API's document describes it. */
export const vcOperations = (): Operation[] =>
  problemOperations(vc.endpoints, { tag: 'W3C credentials', clause: 'VC API 0.3' })
