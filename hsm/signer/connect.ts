import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Module, Slot } from 'graphene-pk11'
import type { Hello } from '../codec.ts'
import type { ProviderRow } from '../providers.ts'
import type { TokenAccess } from '../starting.ts'
import type { MechanismInfo } from '../types.ts'
import { Failure } from './answer.ts'
import { CKF, ckr } from './cryptoki.ts'
import { graphene } from './graphene.ts'

/** How to reach a token, its make looked up. */
export interface StartOptions extends Omit<TokenAccess, 'provider'> {
  readonly provider: ProviderRow
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

/**
 * Loads the module, initialises it and finds the token by label and serial.
 * @param loaded the same module, where this process has initialised it for another token.
 */
export async function connect(options: StartOptions, loaded?: Module): Promise<Connection> {
  const sha256 = moduleDigest(options.module)
  const module = loaded ?? graphene.Module.load(options.module)
  let trouble = ''
  for (let attempt = 0; attempt < TRIES; attempt++) {
    try {
      if (loaded === undefined) initialise(module, options.libraryParameters)
      const slot = findSlot(module, options)
      if (slot !== undefined) return { module, slot, hello: hello({ module, slot, sha256 }) }
      trouble = 'no such token'
    } catch (error) {
      if (error instanceof Failure) throw error
      trouble = `CKR 0x${(ckr(error) ?? 0).toString(16)}`
    }
    if (loaded === undefined) finalize(module)
    await pause(Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS))
  }
  const serial = options.serial === undefined ? '' : ` and serial '${options.serial}'`
  throw new Failure(
    'unavailable',
    `The token with label '${options.label}'${serial} cannot be reached: ${trouble}.`,
  )
}

export function initialise(module: Module, libraryParameters: string | undefined): void {
  module.initialize({
    // Without this flag a module may believe that nobody else uses it, and crash.
    flags: CKF.OS_LOCKING_OK,
    // The binding drops the last character, so one is there to be dropped.
    ...(libraryParameters === undefined ? {} : { libraryParameters: `${libraryParameters} ` }),
  })
}

export function moduleDigest(path: string): string {
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
