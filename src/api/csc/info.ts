import { z } from 'zod'
import { hashes, keyTypes } from '../../../hsm/algorithms.ts'
import type { Context } from '../../context.ts'
import { endpoint, type Endpoint } from './endpoint.ts'
import { common } from './members.ts'
import { algorithmOids } from './signAlgo.ts'
import { signaturesSignPolling } from './signaturesSignPolling.ts'

/** What there is to say, in the words of v2.2; how much of it is said, and under which name of an edition, differs. */
export interface Info {
  readonly name: string
  readonly logo: string
  readonly region: string
  readonly lang: string
  readonly description: string
  readonly authType: readonly string[]
  readonly oauth2: string
  readonly supportsRar: boolean
  readonly asynchronousOperationMode: boolean
  readonly validationInfo: boolean
  readonly methods: readonly string[]
  readonly signAlgorithms: { readonly algos: readonly string[]; readonly algoParams: readonly string[] }
  readonly supportedHashTypes: readonly string[]
  readonly documentTypes: readonly string[]
  readonly signature_formats: object
  readonly conformance_levels: readonly string[]
}

/** The same, as the API's document describes it; `specs` is the edition's to say. */
const response = z.object({
  specs: z.string(),
  name: z.string(),
  logo: z.string(),
  region: z.string(),
  lang: z.string(),
  description: z.string(),
  authType: z.array(z.string()),
  oauth2: z.string(),
  supportsRar: z.boolean(),
  asynchronousOperationMode: z.boolean(),
  validationInfo: z.boolean(),
  methods: z.array(z.string()),
  signAlgorithms: z.object({ algos: z.array(z.string()), algoParams: z.array(z.string()) }),
  supportedHashTypes: z.array(z.string()),
  documentTypes: z.array(z.string()),
  signature_formats: z.object({
    formats: z.array(z.string()),
    envelope_properties: z.array(z.array(z.string())),
    allowMix: z.boolean(),
  }),
  conformance_levels: z.array(z.string()),
})

/**
 * CSC API v2.2, 11.1. It says what exists and nothing else; the endpoints are told to it by the edition.
 * Documents are not signed here, so there is no format, no envelope and no conformance level: the lists are there,
 * because strict clients want the members, and are empty.
 */
export function infoEndpoint(methods: () => readonly string[]): Endpoint<Info> {
  return endpoint({
    name: 'info',
    open: true,
    request: z.strictObject(common),
    described: {
      summary: 'Says what the service is and can',
      clause: '11.1',
      response,
      examples: { everything: {} },
    },
    answer: (ctx): Info => ({
      ...aboutUs(ctx),
      authType: ['oauth2code', 'oauth2client'],
      // Clients append /oauth2/authorize, /oauth2/pushed_authorize and /oauth2/token.
      oauth2: ctx.config.baseUrl,
      supportsRar: true,
      asynchronousOperationMode: methods().includes(signaturesSignPolling.name),
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

function aboutUs(ctx: Context): Pick<Info, 'name' | 'logo' | 'region' | 'lang' | 'description'> {
  const { name, region, lang, description, logo } = ctx.config.csc
  return { name, logo: logo ?? `${ctx.config.baseUrl}/csc/v2/logo.png`, region, lang, description }
}

/** Every algorithm that some type of key signs with. */
function signAlgorithms(): string[] {
  return [...new Set(Object.values(keyTypes).flatMap((row) => algorithmOids(row)))]
}
