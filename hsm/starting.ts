/** What the service tells a new process before anything else, and what that answers; no secret is among it. */
import { decodeHello, encodeHello, whole, type Hello } from './codec.ts'
import { Writer, type Reader } from './payload.ts'

const MAX_PATH = 4096
const MAX_NAME = 64
/** Octets of an answer to the start: a token's names and its mechanisms. */
const MAX_HELLO = 128 * 1024

/** A module and how it is initialised. */
export interface ModuleAccess {
  readonly module: string
  /** Row of providers.ts. */
  readonly provider: string
  readonly libraryParameters: string | undefined
}

/** How a signer reaches a token. */
export interface TokenAccess extends ModuleAccess {
  readonly label: string
  readonly serial: string | undefined
  readonly pinFile: string
  readonly allowFinalTry: boolean
}

/** What a signer signs with, and the other token that its secrets are in, if they are not in the first. */
export interface Start<Access = TokenAccess> {
  readonly token: Access
  readonly seals?: Access | undefined
}

export function encodeStart({ token, seals }: Start): Buffer {
  const w = writeToken(new Writer(1024), token)
  return w.optional(seals, (access) => writeToken(w, access)).end()
}

/** @throws WireError for anything that encodeStart did not make. */
export function decodeStart(payload: Buffer): Start {
  return whole(payload, (r) => ({ token: readToken(r), seals: r.optional(() => readToken(r)) }))
}

export const encodeStarted = ({ token, seals }: Start<Hello>): Buffer =>
  new Writer(4096)
    .bytes(encodeHello(token))
    .list(seals === undefined ? [] : [encodeHello(seals)])
    .end()

export function decodeStarted(payload: Buffer): Start<Hello> {
  return whole(payload, (r) => {
    const token = decodeHello(r.bytes(MAX_HELLO))
    const [seals] = r.list(1, MAX_HELLO)
    return seals === undefined ? { token } : { token, seals: decodeHello(seals) }
  })
}

export const encodeModule = (access: ModuleAccess): Buffer => writeModule(new Writer(1024), access).end()
export const decodeModule = (payload: Buffer): ModuleAccess => whole(payload, readModule)

function writeModule(w: Writer, access: ModuleAccess): Writer {
  w.text(access.module).text(access.provider)
  return w.optional(access.libraryParameters, (text) => w.text(text))
}

function readModule(r: Reader): ModuleAccess {
  return {
    module: r.text(MAX_PATH),
    provider: r.text(MAX_NAME),
    libraryParameters: r.optional(() => r.text(MAX_PATH)),
  }
}

function writeToken(w: Writer, access: TokenAccess): Writer {
  writeModule(w, access).text(access.label)
  w.optional(access.serial, (serial) => w.text(serial))
  return w.text(access.pinFile).u8(access.allowFinalTry ? 1 : 0)
}

function readToken(r: Reader): TokenAccess {
  return {
    ...readModule(r),
    label: r.text(MAX_NAME),
    serial: r.optional(() => r.text(MAX_NAME)),
    pinFile: r.text(MAX_PATH),
    allowFinalTry: r.u8() === 1,
  }
}
