import { randomBytes } from 'node:crypto'
import { PemFiles } from '../support/authority.ts'
import { Receiver } from '../outgoing/receiver.ts'
import { startService, type TestService } from '../support/startService.ts'
import { KeyClient, type MadeKey } from './client.ts'

/** The document of a DID, of which all keys are for everything. */
export interface DidDocument {
  readonly '@context': readonly string[]
  readonly id: string
  readonly verificationMethod: readonly Record<string, unknown>[]
  readonly assertionMethod: readonly string[]
  readonly authentication: readonly string[]
}

/** A service, and owners of keys of its key service, each a DID of the web whose document they serve themselves. */
export class Holders {
  readonly service: TestService
  readonly client: KeyClient
  readonly #receiver: Receiver
  readonly #files: PemFiles
  readonly #documents = new Map<string, DidDocument>()

  private constructor(of: { service: TestService; client: KeyClient; receiver: Receiver; files: PemFiles }) {
    this.service = of.service
    this.client = of.client
    this.#receiver = of.receiver
    this.#files = of.files
    of.receiver.answer = ({ url = '' }, response) => {
      const document = this.#documents.get(url)
      response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/did+json' })
      response.end(JSON.stringify(document ?? {}))
    }
  }

  static async start(): Promise<Holders> {
    const receiver = await Receiver.start()
    const files = new PemFiles()
    const outgoing = {
      didWebHosts: ['localhost'],
      privateHosts: ['localhost'],
      ca: files.write('holders.crt', receiver.ca),
    }
    const service = await startService({ outgoing })
    return new Holders({ service, client: await KeyClient.of(service), receiver, files })
  }

  /** Keys of one new DID, one for each of the signature types. */
  async keys(...signatureTypes: readonly string[]): Promise<{ keys: MadeKey[]; document: DidDocument }> {
    const name = randomBytes(6).toString('hex')
    const id = `did:web:localhost%3A${this.#receiver.port}:${name}`
    const keys = []
    for (const [index, signatureType] of signatureTypes.entries()) {
      const identifier = `${id}#key-${index + 1}`
      keys.push(await this.client.key({ identifier, signatureType, keyType: 'Multikey' }))
    }
    const methods = keys.map((key) => key.id)
    const document = {
      '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
      id,
      verificationMethod: keys.map(({ method }) => method),
      assertionMethod: methods,
      authentication: methods,
    }
    this.#documents.set(`/${name}/did.json`, document)
    return { keys, document }
  }

  async key(signatureType: string): Promise<MadeKey & { readonly document: DidDocument }> {
    const { keys, document } = await this.keys(signatureType)
    const [key] = keys
    if (key === undefined) throw new Error('no key was made')
    return { ...key, document }
  }

  async close(): Promise<void> {
    await this.service.close()
    await this.#receiver.close()
    this.#files.remove()
  }
}
