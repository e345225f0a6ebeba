import type { Router } from 'express'
import type { Context } from '../../context.ts'
import { formats } from '../../credentials/formats/index.ts'
import type { Direct } from '../http/direct.ts'
import { problemMethods, problemRouter, type ProblemFace } from '../http/problemFace.ts'
import { activate } from './activate.ts'
import { attest } from './attest.ts'
import { remove } from './delete.ts'
import { generate } from './generate.ts'
import { get, list } from './keys.ts'
import { disable, enable, rotate } from './keyState.ts'
import { generalOf } from './mediaTypes.ts'
import { signPop } from './signPop.ts'
import { signVc } from './signVc.ts'
import { signVp } from './signVp.ts'

const signEndpoints = [signVc, signVp, signPop].flatMap((of) => Object.values(formats).map(of))

/** TABLE of the face. */
export const keyservice: ProblemFace = {
  // /keys/attest before /keys/:id. No key has that id: each holds a '#'.
  endpoints: [generate, remove, activate, ...signEndpoints, attest, list, get, disable, enable, rotate],
  hot: [activate, ...signEndpoints],
  // Ten credentials of 46 KB in a presentation fit. What is signed with Ed25519 is the message itself, a third longer in
  // base64url, and an authorisation for it goes to the signer in one piece (MAX_AUTHORISED in hsm/wire.ts).
  bodyOctets: 512 * 1024,
  below: ['/sign', '/keys'],
  alsoCalled: generalOf,
}

/** The key service (the interface of EECC's key-service), to be mounted at the root. */
export const keyserviceRouter = (ctx: Context): Router => problemRouter(ctx, keyservice)

export const keyserviceMethods = (ctx: Context): readonly (readonly [string, Direct])[] =>
  problemMethods(ctx, keyservice)
