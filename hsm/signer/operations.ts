/** The operations of the wire: each reads its payload to the last octet, acts, and writes its answer. */
import { hashes, keyTypes, schemes } from '../algorithms.ts'
import { encodeActivation, encodeKey, MAX_SPKI, writeAttributes } from '../codec.ts'
import { canaryMessage, macDomains, purposes } from '../purposes.ts'
import { canonicalMac } from '../records.ts'
import { readReference } from '../sealedOctets.ts'
import type { GenerateRequest } from '../types.ts'
import { Writer, type Reader } from '../payload.ts'
import { MAX_AUTHORISED, MAX_INPUTS, MAX_MESSAGE, MAX_PART, type Operation } from '../wire.ts'
import { activate } from './activate.ts'
import { refuse } from './answer.ts'
import { authorisedSign, learnSeals, type SignRequest } from './authorisedSign.ts'
import { extend } from './extend.ts'
import { generate } from './generate.ts'
import { HASHING_NAME } from './hashing.ts'
import { describe, destroy, list } from './manage.ts'
import { probe } from './probe.ts'
import { digestOf, signAll } from './sign.ts'
import { signHashed } from './signHashed.ts'
import type { Signer } from './signer.ts'
import type { Verifier } from './verifier.ts'

/** Octets of a sealed record; an authorisation with its digests has more. */
const MAX_RECORD = 8192
const MAX_AUTHORISATION = MAX_AUTHORISED + MAX_RECORD
/** Octets of Argon2id's output. */
const STRETCHED = 32
const MAX_SALT = 64
const MAX_ID = 64
/** What a MAC is asked over: names, versions, a credential's fields. */
const MAX_MAC_DATA = 64 * 1024
const MAX_RANDOM = 4096
const NONCE = 32
const ALIVE = Buffer.from('alive')

/** What leads to an open process, and is no operation of one. */
export type Entrance = 'start' | 'login' | 'open' | 'verifier'
/** Answers at once, but for what a slow token works on meanwhile. */
export type Handler = (signer: Signer, r: Reader) => Buffer | Promise<Buffer>

export const handlers: Readonly<Record<Exclude<Operation, Entrance>, Handler>> = {
  generate: (signer, r) => {
    const made = generate(signer, done(r, readGenerate(r)))
    const w = new Writer(4096).bytes(encodeKey(made.key))
    w.optional(made.activation, (activation) => w.bytes(encodeActivation(activation)))
    writeAttributes(w, made.attributes)
    return w.end()
  },
  describe: (signer, r) => {
    const found = describe(signer, done(r, r.bytes(MAX_ID)))
    const w = new Writer(2048)
    return w.optional(found, (attributes) => writeAttributes(w, attributes)).end()
  },
  list: (signer, r) => {
    const { keys, isLast } = list(signer, done(r, r.u32()))
    const w = new Writer(16_384).u8(isLast ? 1 : 0).u32(keys.length)
    for (const key of keys) writeAttributes(w, key)
    return w.end()
  },
  destroy: (signer, r) => new Writer().u8(destroy(signer, done(r, r.bytes(MAX_ID))) ? 1 : 0).end(),
  random: (signer, r) => {
    const length = done(r, r.u32())
    if (length < 1 || length > MAX_RANDOM) throw refuse('rule', `Random octets come by 1 to ${MAX_RANDOM}.`)
    const octets = signer.session.use((session, lib) => lib.C_GenerateRandom(session, Buffer.alloc(length)))
    return new Writer(length + 4).bytes(octets).end()
  },
  mac: async (signer, r) => {
    const domain = macDomains[r.u8()]
    const data = done(r, r.bytes(MAX_MAC_DATA))
    if (domain === undefined) throw refuse('rule', 'There is no such MAC domain.')
    return new Writer().bytes(await signer.secrets.hmacMeanwhile('mac', canonicalMac(domain, data))).end()
  },
  activate: async (signer, r) => {
    const request = {
      key: r.bytes(MAX_RECORD),
      activation: r.bytes(MAX_RECORD),
      credential: r.optional(() => r.bytes(MAX_RECORD)),
      stretched: r.exactly(STRETCHED),
      authorisation: r.bytes(MAX_AUTHORISATION),
    }
    const w = new Writer()
    return w.optional(await activate(signer, done(r, request)), (seal) => w.bytes(seal)).end()
  },
  extend: async (signer, r) => {
    const request = {
      key: r.bytes(MAX_RECORD),
      authorisation: r.bytes(MAX_AUTHORISATION),
      credential: r.optional(() => r.bytes(MAX_RECORD)),
      extended: r.bytes(MAX_AUTHORISATION),
    }
    return new Writer().bytes(await extend(signer, done(r, request))).end()
  },
  sign: (signer, r) => {
    const request = {
      key: readReference(r, MAX_RECORD),
      scheme: r.name(schemes),
      authorisation: r.optional(() => readReference(r, MAX_AUTHORISATION)),
      credential: r.optional(() => readReference(r, MAX_RECORD)),
      inputs: r.list(MAX_INPUTS, MAX_MESSAGE),
    }
    done(r, request)
    if (signer.pool !== undefined) return signMeanwhile(signer, request)
    const signatures = authorisedSign(signer, request)
    return Array.isArray(signatures) ? signatureList(signatures) : signatures.then(signatureList)
  },
  hash: ({ hashing }, r) => {
    const name = r.exactly(HASHING_NAME).toString('latin1')
    const part = {
      hash: hashes[r.name(hashes)],
      length: r.integer(),
      at: r.integer(),
      octets: r.bytes(MAX_PART),
    }
    hashing.add(name, done(r, part))
    return Buffer.alloc(0)
  },
  signHashed: async (signer, r) => {
    const request = {
      key: readReference(r, MAX_RECORD),
      scheme: r.name(schemes),
      name: r.exactly(HASHING_NAME).toString('latin1'),
    }
    return signatureList(await signHashed(signer, done(r, request)))
  },
  check: (signer, r) => {
    const records = {
      key: r.bytes(MAX_RECORD),
      authorisation: r.optional(() => r.bytes(MAX_AUTHORISATION)),
      credential: r.optional(() => r.bytes(MAX_RECORD)),
    }
    const { key, authorisation, credential } = done(r, records)
    const { spki } = signer.seals.key({ octets: key })
    if (authorisation !== undefined) {
      signer.seals.authorisation({ octets: authorisation }, { spki, wanted: 0 })
    }
    if (credential !== undefined) signer.seals.credential({ octets: credential })
    return Buffer.alloc(0)
  },
  verify: ({ verifier }, r) => verify(verifier, r),
  probe: (signer, r) => {
    const w = new Writer(2048)
    const rows = probe(signer, done(r, r.name(keyTypes)))
    w.u32(rows.length)
    for (const row of rows)
      w.text(row.scheme)
        .u8(row.works ? 1 : 0)
        .text(row.reason)
    return w.end()
  },
  canary: (signer, r) => new Writer().bytes(signCanary(signer, done(r, r.exactly(NONCE)))).end(),
}

async function signMeanwhile(signer: Signer, request: SignRequest): Promise<Buffer> {
  await learnSeals(signer, request)
  return signatureList(await authorisedSign(signer, request))
}

const signatureList = (signatures: readonly Buffer[]): Buffer => new Writer(2048).list(signatures).end()

/** The one operation of a process that only verifies. */
export function verify(verifier: Verifier, r: Reader): Buffer {
  const job = {
    keyType: r.name(keyTypes),
    spki: r.bytes(MAX_SPKI),
    scheme: schemes[r.name(schemes)],
    digests: r.list(MAX_INPUTS, MAX_RECORD),
    signatures: r.list(MAX_INPUTS, MAX_SPKI),
  }
  return new Writer().u8(verifier.verify(done(r, job)) ? 1 : 0).end()
}

/** Everything was read before anything is done. */
function done<T>(r: Reader, value: T): T {
  r.end()
  return value
}

function readGenerate(r: Reader): GenerateRequest {
  return {
    keyId: r.text(MAX_ID),
    ckaId: Buffer.from(r.bytes(MAX_ID)),
    keyType: r.name(keyTypes),
    purpose: r.name(purposes),
    activation: r.optional(() => ({
      salt: Buffer.from(r.bytes(MAX_SALT)),
      memoryKiB: r.u32(),
      passes: r.u32(),
      lanes: r.u32(),
      secrets: r.u32(),
      stretched: Buffer.from(r.exactly(STRETCHED)),
    })),
  }
}

function signCanary(signer: Signer, nonce: Buffer): Buffer {
  // Where another token seals, it must be there too, and its session must not be idle for long.
  signer.secrets.hmac('seal', ALIVE)
  const { ckaId, spki, row } = signer.canary
  const [name = 'ecdsa-sha256'] = row.schemes
  const scheme = schemes[name]
  const record = {
    keyId: '',
    tokenSerial: signer.serial,
    ckaId,
    keyType: row.name,
    purpose: 'log',
    spki,
  } as const
  const [signature = Buffer.alloc(0)] = signAll(signer.session, {
    scheme,
    digests: [digestOf(scheme, canaryMessage(nonce))],
    key: () => signer.keys.get(record),
    drop: () => {
      signer.keys.drop(ckaId)
    },
  })
  return signature
}
