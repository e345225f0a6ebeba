import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { Module, type Slot } from 'graphene-pk11'
import type { Hello } from '../codec.ts'
import type { ProviderRow } from '../providers.ts'
import type { MechanismInfo } from '../types.ts'
import { Failure } from './answer.ts'
import { CKF, ckr } from './cryptoki.ts'

/** What the service tells a signer at its start; no secret is among it. */
export interface StartOptions {
  readonly module: string
  readonly provider: ProviderRow
  readonly label: string
  readonly serial: string | undefined
  readonly pinFile: string
  readonly allowFinalTry: boolean
  readonly prepare: boolean
}

export interface Connection {
  readonly module: Module
  readonly slot: Slot
  readonly hello: Hello
}

/**
 * SoftHSM 2.6.1 loses a race against other processes that start: a token is missing, or C_Initialize fails, in every
 * third start of four at once. Ten tries last some three seconds, which is also what an absent token costs.
 */
const TRIES = 10
const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 500

/** Loads the module, initialises it and finds the token by label and serial. */
export async function connect(options: StartOptions): Promise<Connection> {
  const sha256 = moduleDigest(options.module)
  const module = Module.load(options.module)
  let trouble = ''
  for (let attempt = 0; attempt < TRIES; attempt++) {
    try {
      // Without this flag a module may believe that nobody else uses it, and crash.
      module.initialize({ flags: CKF.OS_LOCKING_OK })
      const slot = findSlot(module, options)
      if (slot !== undefined) return { module, slot, hello: hello({ module, slot, sha256 }) }
      trouble = 'no such token'
    } catch (error) {
      if (error instanceof Failure) throw error
      trouble = `CKR 0x${(ckr(error) ?? 0).toString(16)}`
    }
    finalize(module)
    await pause(Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS))
  }
  const serial = options.serial === undefined ? '' : ` and serial '${options.serial}'`
  throw new Failure(
    'unavailable',
    `The token with label '${options.label}'${serial} cannot be reached: ${trouble}.`,
  )
}

function moduleDigest(path: string): string {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex')
  } catch {
    throw new Failure('refused', `The PKCS#11 module '${path}' cannot be read.`, { reason: 'token' })
  }
}

export function finalize(module: Module): void {
  try {
    module.finalize()
  } catch {
    // It was not initialised, or is beyond help.
  }
}

function findSlot(module: Module, options: StartOptions): Slot | undefined {
  const fitting: Slot[] = []
  const slots = module.getSlots(true)
  for (let i = 0; i < slots.length; i++) {
    const slot = slots.items(i)
    const token = tokenNames(slot)
    const isReady =
      (token.flags & CKF.TOKEN_INITIALIZED) !== 0 && (token.flags & CKF.USER_PIN_INITIALIZED) !== 0
    const isAsked = options.serial === undefined || token.serial === options.serial
    if (isReady && isAsked && token.label === options.label) fitting.push(slot)
  }
  if (fitting.length > 1) {
    throw new Failure(
      'refused',
      `Several tokens have the label '${options.label}': configure the serial too.`,
      {
        reason: 'token',
      },
    )
  }
  return fitting[0]
}

/** Read anew from the token. */
export function tokenNames(slot: Slot): { label: string; serial: string; flags: number } {
  const { label, serialNumber, flags } = slot.getToken()
  return { label: unpadded(label), serial: unpadded(serialNumber), flags }
}

const unpadded = (text: string): string => text.replace(/[\0 ]+$/, '')

function hello(found: { module: Module; slot: Slot; sha256: string }): Hello {
  const { module, slot, sha256 } = found
  const token = slot.getToken()
  const version = (v: { major: number; minor: number }): string => `${v.major}.${v.minor}`
  return {
    info: {
      ...tokenNames(slot),
      manufacturer: unpadded(token.manufacturerID),
      model: unpadded(token.model),
      firmware: version(token.firmwareVersion),
      modulePath: module.libFile,
      moduleSha256: sha256,
      libraryVersion: version(module.libraryVersion),
      libraryDescription: unpadded(module.libraryDescription),
    },
    flags: token.flags,
    mechanisms: mechanisms(module, slot),
  }
}

function mechanisms(module: Module, slot: Slot): MechanismInfo[] {
  return module.lib.C_GetMechanismList(slot.handle).map((mechanism) => {
    const info = module.lib.C_GetMechanismInfo(slot.handle, mechanism)
    return { mechanism, minBits: info.minKeySize, maxBits: info.maxKeySize, flags: info.flags }
  })
}
