/** What the tests of lists of others share: a server that has them, and whoever signs them. */
import { deflateSync, gzipSync } from 'node:zlib'
import type { Format, JsonObject } from '../../../src/credentials/formats/format.ts'
import { formats } from '../../../src/credentials/formats/index.ts'
import type { ForeignList } from '../../../src/credentials/status/foreignList.ts'
import { ForeignLists, type AskedList } from '../../../src/credentials/status/foreignLists.ts'
import { MIN_LENGTH } from '../../../src/credentials/status/statusBits.ts'
import { guardedFetch } from '../../../src/outgoing/fetch.ts'
import { Flaw } from '../../../src/signing/flaw.ts'
import { Receiver } from '../../outgoing/receiver.ts'
import { NOW, SECONDS } from '../credentials.ts'
import { forged, knowing, localKey } from '../keys.ts'

export const HOST = 'lists.example'
const LIMITS = { connectMs: 2_000, headersMs: 300, wholeMs: 600 }

export const issuer = 'did:web:issuer.example'
export const key = localKey(`${issuer}#key`)
export const stranger = localKey('did:web:stranger.example#key')

/** The second entry is revoked. */
const encodedList = `u${gzipSync(Buffer.concat([Buffer.from([0b0100_0000]), Buffer.alloc(MIN_LENGTH / 8 - 1)])).toString('base64url')}`
export const HEADER = { alg: 'ES256', typ: 'statuslist+jwt', kid: key.id }

type Fetching = Parameters<typeof guardedFetch>[0]

/** Somebody's server, with one list or another. */
export class ListServer {
  readonly receiver: Receiver
  /** What time it is for whoever asks. */
  clock = NOW.getTime()

  private constructor(receiver: Receiver) {
    this.receiver = receiver
  }

  static async start(): Promise<ListServer> {
    return new ListServer(await Receiver.start([HOST]))
  }

  reset(): void {
    this.clock = NOW.getTime()
    this.receiver.received.length = 0
  }

  url(path = '/1'): string {
    return `https://${HOST}:${String(this.receiver.port)}${path}`
  }

  serve(body: string | Buffer | object, status = 200): void {
    this.receiver.answer = (_request, response) =>
      void response
        .writeHead(status)
        .end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body))
  }

  /** Another token at each address. */
  serveTokens(more: object = {}): void {
    this.receiver.answer = (request, response) =>
      void response.writeHead(200).end(this.token({ sub: this.url(request.url), ...more }))
  }

  lists(
    { patienceMs, ...more }: Partial<Fetching> & { readonly patienceMs?: number } = {},
    allowed: readonly string[] = [HOST],
  ): ForeignLists {
    return new ForeignLists({
      ...(patienceMs === undefined ? {} : { patienceMs }),
      clock: () => this.clock,
      resolve: knowing(key, stranger),
      fetch: guardedFetch({
        hosts: { notification: [], message: [], 'did-web': [], 'status-list': allowed },
        privateHosts: [HOST],
        ca: this.receiver.ca,
        limits: LIMITS,
        resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
        ...more,
      }),
    })
  }

  asBitstring(path?: string): AskedList {
    return { url: this.url(path), form: 'bitstring' }
  }

  asToken(path?: string): AskedList {
    return { url: this.url(path), form: 'token' }
  }

  read(asked: AskedList, from = this.lists()): Promise<ForeignList> {
    return from.reader()(asked)
  }

  flawOf(asked: AskedList, from = this.lists()): Promise<string> {
    return this.read(asked, from).then(
      () => 'read',
      (error: unknown) => {
        if (error instanceof Flaw) return `${error.problem}: ${error.message}`
        throw error
      },
    )
  }

  credential(subject: object = {}, more: object = {}): JsonObject {
    return {
      '@context': ['https://www.w3.org/ns/credentials/v2'],
      id: this.url(),
      type: ['VerifiableCredential', 'BitstringStatusListCredential'],
      issuer,
      validFrom: '2026-06-01T11:00:00Z',
      credentialSubject: {
        id: `${this.url()}#list`,
        type: 'BitstringStatusList',
        statusPurpose: 'revocation',
        encodedList,
        ...subject,
      },
      ...more,
    }
  }

  claims(more: object = {}): object {
    return {
      iss: issuer,
      sub: this.url(),
      iat: SECONDS,
      status_list: { bits: 2, lst: deflateSync(Buffer.from([0b1001])).toString('base64url') },
      ...more,
    }
  }

  token(more: object = {}, header: object = {}): string {
    return forged(key, { ...HEADER, ...header }, this.claims(more))
  }
}

export async function secured(
  credential: JsonObject,
  format: Format['name'] = 'jwt',
): Promise<string | Buffer | JsonObject> {
  const made = await formats[format]?.issue({ credential, key, now: NOW })
  return made?.body ?? ''
}
