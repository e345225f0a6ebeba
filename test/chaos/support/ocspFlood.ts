import { X509Certificate } from 'node:crypto'
import { Agent, request } from 'node:http'
import { certIdOf, newNonce, requestFor, serialOf } from '../../pki/ocspClient.ts'
import type { Ground } from './ground.ts'

const CONNECTIONS = 32
const SUCCESSFUL = 0
const TRY_LATER = 3

/** Strangers who ask for a status with a nonce, each again as soon as it was answered. */
export class OcspFlood {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  readonly #certId: Buffer
  readonly #url: URL
  readonly #asking: Promise<void>[]
  #isOver = false
  #signed = 0
  #turnedAway = 0

  private constructor(certId: Buffer, url: string) {
    this.#certId = certId
    this.#url = new URL('/pki/ocsp', url)
    this.#asking = Array.from({ length: CONNECTIONS }, () => this.#ask())
  }

  static async start(ground: Ground, url: string): Promise<OcspFlood> {
    const [row] = await ground.sql<{ der: Buffer }>(`select der from certificate where profile = 'issuing'`)
    const [credential] = ground.credentials
    const issuer = new X509Certificate(row?.der ?? '')
    const serial = serialOf(credential?.certificate ?? Buffer.alloc(0))
    return new OcspFlood(certIdOf({ issuer, serial }), url)
  }

  async stop(): Promise<{ readonly signed: number; readonly turnedAway: number }> {
    this.#isOver = true
    await Promise.all(this.#asking)
    this.#agent.destroy()
    return { signed: this.#signed, turnedAway: this.#turnedAway }
  }

  async #ask(): Promise<void> {
    while (!this.#isOver) {
      const answer = await this.#post(requestFor([this.#certId], newNonce()))
      // An answer has its length in three octets, an error in one. It is not verified: this process measures others.
      const status = answer[1] === 0x82 ? answer[6] : answer[4]
      if (status === TRY_LATER) this.#turnedAway++
      else if (status === SUCCESSFUL && answer.length > 300) this.#signed++
      else throw new Error(`an answer of status ${String(status)}`)
    }
  }

  #post(body: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/ocsp-request', 'content-length': body.length }
      const asked = request(this.#url, { method: 'POST', agent: this.#agent, headers }, (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('end', () => resolve(Buffer.concat(parts)))
      })
      asked.on('error', reject)
      asked.end(body)
    })
  }
}
