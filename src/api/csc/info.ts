import { z } from 'zod'
import { hashes, keyTypes } from '../../../hsm/algorithms.ts'
import type { Context } from '../../context.ts'
import { endpoint } from './endpoint.ts'
import { common } from './members.ts'
import { algorithmOids } from './signAlgo.ts'

/** Of the standard's editions: this one's members are a superset of those of 2.0, and the EUDI wallet wants this string. */
const SPECS = '2.2.0.0'

/**
 * CSC API v2.2, 11.1. It says what exists and nothing else; the endpoints are told to it by the list of routes.
 * Documents are not signed here, so there is no format, no envelope and no conformance level: the lists are there,
 * because strict clients want the members, and are empty.
 */
export function infoEndpoint(methods: () => readonly string[]) {
  return endpoint({
    name: 'info',
    open: true,
    request: z.strictObject(common),
    answer: (ctx) => ({
      specs: SPECS,
      ...aboutUs(ctx),
      authType: ['oauth2client'],
      // Clients append /oauth2/token.
      oauth2: ctx.config.baseUrl,
      supportsRar: false,
      asynchronousOperationMode: false,
      validationInfo: false,
      methods: methods(),
      signAlgorithms: { algos: signAlgorithms(), algoParams: [] },
      supportedHashTypes: Object.values(hashes).map((hash) => hash.oid),
      documentTypes: [],
      signature_formats: { formats: [], envelope_properties: [], allowMix: false },
      conformance_levels: [],
    }),
  })
}

function aboutUs(ctx: Context): Record<string, string> {
  const { name, region, lang, description, logo } = ctx.config.csc
  return { name, logo: logo ?? `${ctx.config.baseUrl}/csc/v2/logo.png`, region, lang, description }
}

/** Every algorithm that some type of key signs with. */
function signAlgorithms(): string[] {
  return [...new Set(Object.values(keyTypes).flatMap((row) => algorithmOids(row)))]
}
