import { Agent } from 'node:http'
import { connect, type Socket } from 'node:net'
import { OID } from '../../csc/client.ts'
import type { TestCredential } from '../../support/tools.ts'
import type { Ground } from './ground.ts'
import { sha256 } from './ledger.ts'
import { call } from './load.ts'

/** Who else uses the service, and how. Its own client, so that what is fair between clients can be seen. */
export interface Neighbour {
  readonly credential: TestCredential
  readonly accessToken: string
}

/** Another client with a SCAL 1 credential, whose one authorisation is good for many signatures. */
export async function neighbour(ground: Ground, url: string): Promise<Neighbour> {
  const { neighbour: made } = ground
  const accessToken = await ground.tools.serviceToken(url, made.client)
  return { credential: made.credential, accessToken }
}

/** @returns a SAD for so many signatures of whatever digests */
export async function blankSad(
  ground: Ground,
  { credential, accessToken }: Neighbour,
  { url, count }: { readonly url: string; readonly count: number },
): Promise<string> {
  const body = {
    credentialID: credential.id,
    numSignatures: count,
    hashAlgorithmOID: OID.sha256,
    authData: [{ id: 'PIN', value: credential.pin }],
  }
  const answer = await call(`${url}/csc/v2/credentials/authorize`, { agent: new Agent(), accessToken, body })
  const { SAD } = JSON.parse(answer.text) as { SAD?: string }
  if (SAD === undefined) throw new Error(`not authorised: ${answer.status} ${answer.text}`)
  ground.keepSecret(SAD)
  return SAD
}

export function signBody(credential: TestCredential, sad: string, hashes: readonly string[]): object {
  const signAlgo = OID.ecdsa256
  return { credentialID: credential.id, SAD: sad, hashes, hashAlgorithmOID: OID.sha256, signAlgo }
}

export function manyHashes(count: number, seed: number): string[] {
  return Array.from({ length: count }, (_, n) => sha256(`${seed} ${n}`).toString('base64'))
}

/** Asks, and takes an octet of the answer now and then, or none at all. */
export class SlowReceiver {
  readonly #socket: Socket
  received = 0
  #timer: NodeJS.Timeout | undefined

  constructor(
    url: string,
    request: { readonly accessToken: string; readonly body: object; readonly everyMs: number },
  ) {
    const { hostname, port } = new URL(url)
    const body = JSON.stringify(request.body)
    this.#socket = connect({ port: Number(port), host: hostname })
    this.#socket.on('error', () => undefined)
    this.#socket.write(
      `POST /csc/v2/signatures/signHash HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
        `Authorization: Bearer ${request.accessToken}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    this.#socket.pause()
    if (request.everyMs > 0) {
      this.#timer = setInterval(() => {
        if (this.#socket.read(1) !== null) this.received++
      }, request.everyMs)
    }
  }

  end(): void {
    clearInterval(this.#timer)
    this.#socket.destroy()
  }
}
