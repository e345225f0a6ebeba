import { randomBytes } from 'node:crypto'
import type { Handle } from 'pkcs11js'
import { CKK, CKM } from '../algorithms.ts'
import type { ProviderRow } from '../providers.ts'
import { serviceSecrets, type ServiceSecret } from '../purposes.ts'
import { Failure } from './answer.ts'
import { CKA, CKO, ckr, classify } from './cryptoki.ts'
import { attribute, find, flag, mechanismList, ulong } from './objects.ts'
import type { PooledOperation, SessionPool } from './pool.ts'
import type { WorkSession } from './sessions.ts'

/** Octets of a service secret, and of what HMAC-SHA256 makes. */
const LENGTH = 32

interface Found {
  readonly handle: Handle
  readonly ckaId: Buffer
}

/** The token-held secrets that are used by HMAC only: found by label, exactly one each, attributes checked. */
export class Secrets {
  readonly #session: WorkSession
  readonly #provider: ProviderRow
  readonly #found: Record<ServiceSecret, Found>
  /** In a token that is slow and works on several things at once. */
  pool: SessionPool | undefined

  private constructor(session: WorkSession, provider: ProviderRow, found: Record<ServiceSecret, Found>) {
    this.#session = session
    this.#provider = provider
    this.#found = found
  }

  /** @throws Failure if one of them is missing, there twice, or not what a secret of ours is. */
  static open(session: WorkSession, provider: ProviderRow): Secrets {
    const of = (name: ServiceSecret): Found => findSecret(session, provider, name)
    return new Secrets(session, provider, { seal: of('seal'), pepper: of('pepper'), mac: of('mac') })
  }

  /** CKA_IDs of the secrets, which no operation may destroy. */
  get ckaIds(): Buffer[] {
    return Object.values(this.#found).map((found) => found.ckaId)
  }

  /** HMAC-SHA256 in the token, 32 octets. Without effects, so a stale handle costs one more try. */
  hmac(name: ServiceSecret, data: Buffer): Buffer {
    try {
      return this.#sign(name, data)
    } catch (error) {
      if (classify(ckr(error)) !== 'again') throw error
      this.#found[name] = findSecret(this.#session, this.#provider, name)
      return this.#sign(name, data)
    }
  }

  /** The same, without keeping the signer from its other work where the token is slow. */
  async hmacMeanwhile(name: ServiceSecret, data: Buffer): Promise<Buffer> {
    const { pool } = this
    if (pool === undefined) return this.hmac(name, data)
    const init: PooledOperation['init'] = (session, lib) => {
      lib.C_SignInit(session, HMAC, this.#found[name].handle)
    }
    try {
      return checked(await pool.run({ init, data, length: LENGTH }))
    } catch (error) {
      if (classify(ckr(error)) !== 'again') throw error
      // The way that finds the secret anew.
      return this.hmac(name, data)
    }
  }

  #sign(name: ServiceSecret, data: Buffer): Buffer {
    return this.#session.use((session, lib) => {
      lib.C_SignInit(session, HMAC, this.#found[name].handle)
      return checked(lib.C_Sign(session, data, Buffer.alloc(LENGTH)))
    })
  }
}

const HMAC = { mechanism: CKM.SHA256_HMAC }

/** A short MAC would be easier to guess, and an empty one equal to any other. */
function checked(mac: Buffer): Buffer {
  if (mac.length !== LENGTH) throw new Failure('unavailable', 'The token made a MAC of another length.')
  return mac
}

const labelled = (label: string): { type: number; value: number | boolean | string }[] => [
  { type: CKA.CLASS, value: CKO.SECRET_KEY },
  { type: CKA.TOKEN, value: true },
  { type: CKA.LABEL, value: label },
]

/** Names of the secrets that the token lacks. */
export function missingSecrets(session: WorkSession): ServiceSecret[] {
  const names = Object.keys(serviceSecrets) as ServiceSecret[]
  return names.filter((name) => find(session, labelled(serviceSecrets[name]), 1).length === 0)
}

function findSecret(session: WorkSession, provider: ProviderRow, name: ServiceSecret): Found {
  const label = serviceSecrets[name]
  const [handle, second] = find(session, labelled(label), 2)
  if (handle === undefined) throw new Failure('unavailable', `The token has no secret '${label}'.`)
  if (second !== undefined)
    throw new Failure('refused', `The token has two secrets '${label}'.`, { reason: 'token' })
  const wrong = wrongAttribute(session, provider, handle)
  if (wrong !== undefined) {
    throw new Failure('refused', `The secret '${label}' is not one that this service made: ${wrong}.`, {
      reason: 'token',
    })
  }
  return { handle, ckaId: Buffer.from(attribute(session, handle, CKA.ID) ?? Buffer.alloc(0)) }
}

/** What must be so for a secret; `unless` a make of token does not tell. */
function wrongAttribute(session: WorkSession, provider: ProviderRow, handle: Handle): string | undefined {
  const expected: [string, number, boolean][] = [
    ['SENSITIVE', CKA.SENSITIVE, true],
    ['EXTRACTABLE', CKA.EXTRACTABLE, false],
    ['ALWAYS_SENSITIVE', CKA.ALWAYS_SENSITIVE, true],
    ['NEVER_EXTRACTABLE', CKA.NEVER_EXTRACTABLE, true],
    ['SIGN', CKA.SIGN, true],
    ...(provider.local ? [['LOCAL', CKA.LOCAL, true] as [string, number, boolean]] : []),
  ]
  const wrong = expected.find(([, type, value]) => flag(session, handle, type) !== value)
  if (wrong !== undefined) return wrong[0]
  const forbidden = [CKA.ENCRYPT, CKA.DECRYPT, CKA.WRAP, CKA.UNWRAP, CKA.DERIVE]
  if (forbidden.some((type) => flag(session, handle, type) === true)) return 'it may do more than SIGN'
  const length = ulong(session, handle, CKA.VALUE_LEN)
  return length === undefined || length === LENGTH ? undefined : 'VALUE_LEN'
}

/** Makes a secret. */
export function makeSecret(session: WorkSession, provider: ProviderRow, name: ServiceSecret): void {
  const off = [CKA.EXTRACTABLE, CKA.VERIFY, CKA.ENCRYPT, CKA.DECRYPT, CKA.WRAP, CKA.UNWRAP, CKA.DERIVE]
  const template = [
    ...labelled(serviceSecrets[name]),
    { type: CKA.ID, value: randomBytes(Math.min(16, provider.idLength)) },
    { type: CKA.KEY_TYPE, value: CKK.GENERIC_SECRET },
    { type: CKA.VALUE_LEN, value: LENGTH },
    { type: CKA.PRIVATE, value: true },
    { type: CKA.SENSITIVE, value: true },
    { type: CKA.SIGN, value: true },
    ...off.map((type) => ({ type, value: false })),
    ...(provider.modifiable ? [{ type: CKA.MODIFIABLE, value: false }] : []),
    ...(provider.allowedMechanisms
      ? [{ type: CKA.ALLOWED_MECHANISMS, value: mechanismList([CKM.SHA256_HMAC]) }]
      : []),
  ]
  session.use((handle, lib) => lib.C_GenerateKey(handle, { mechanism: CKM.GENERIC_SECRET_KEY_GEN }, template))
}
