/**
 * What tests do to a token behind the service's back, in a process of its own: the module is never loaded into the
 * tests' own process. Reads one command as JSON from standard input, writes its result as JSON.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import pkcs11js, { type Handle, type PKCS11, type Template } from 'pkcs11js'

export type ToolCommand =
  | { readonly do: 'init'; readonly label: string; readonly soPin: string; readonly pin: string }
  | { readonly do: 'initPin'; readonly soPin: string; readonly pin: string }
  | { readonly do: 'initFactory'; readonly label: string; readonly soPin: string; readonly pin: string }
  | { readonly do: 'flags' }
  | { readonly do: 'login'; readonly pin: string }
  | ({ readonly do: 'import'; readonly pin: string } & ImportedKey)
  | { readonly do: 'importSecret'; readonly pin: string; readonly label: string; readonly value: string }
  | { readonly do: 'destroyLabelled'; readonly pin: string; readonly label: string }
  | { readonly do: 'hmac'; readonly pin: string; readonly label: string; readonly data: string }

/** An EC P-256 key; all values in hex. */
export interface ImportedKey {
  readonly ckaId: string
  readonly label: string
  readonly scalar: string
  /** Uncompressed, without its OCTET STRING. */
  readonly point: string
}

interface Input {
  readonly module: string
  readonly libraryParameters?: string
  readonly label: string
  readonly command: ToolCommand
}

const P256 = Buffer.from('06082a8648ce3d030107', 'hex')
const USER = 1
const SO = 0
const RW_SERIAL = 6

const hex = (text: string): Buffer => Buffer.from(text, 'hex')

function initialise(lib: PKCS11, command: ToolCommand & { do: 'init' }): { serial: string } {
  const free = lib.C_GetSlotList(true).at(-1)
  if (free === undefined) throw new Error('no free slot')
  // Padded by hand: the binding pads with NUL, and the label would not be found again.
  lib.C_InitToken(free, command.soPin, command.label.padEnd(32, ' '))
  return initialisePin(lib, slotOf(lib, command.label), command)
}

/** openCryptoki: every token leaves the factory with the same SO PIN, and PINs that others set must be changed. */
const FACTORY_SO_PIN = '87654321'

function initialiseFactory(lib: PKCS11, command: ToolCommand & { do: 'initFactory' }): { serial: string } {
  const [slot] = lib.C_GetSlotList(true)
  if (slot === undefined) throw new Error('no token')
  lib.C_InitToken(slot, FACTORY_SO_PIN, command.label.padEnd(32, ' '))
  const session = lib.C_OpenSession(slot, RW_SERIAL)
  lib.C_Login(session, SO, FACTORY_SO_PIN)
  lib.C_SetPIN(session, FACTORY_SO_PIN, command.soPin)
  lib.C_InitPIN(session, FIRST_PIN)
  lib.C_Logout(session)
  lib.C_Login(session, USER, FIRST_PIN)
  lib.C_SetPIN(session, FIRST_PIN, command.pin)
  lib.C_Logout(session)
  lib.C_CloseSession(session)
  return { serial: lib.C_GetTokenInfo(slot).serialNumber.trim() }
}

const FIRST_PIN = '10203040'

/** Of a token that is there already, but has no user PIN. */
function initialisePin(lib: PKCS11, slot: Handle, pins: { soPin: string; pin: string }): { serial: string } {
  const session = lib.C_OpenSession(slot, RW_SERIAL)
  lib.C_Login(session, SO, pins.soPin)
  lib.C_InitPIN(session, pins.pin)
  lib.C_Logout(session)
  lib.C_CloseSession(session)
  return { serial: lib.C_GetTokenInfo(slot).serialNumber.trim() }
}

function slotOf(lib: PKCS11, label: string): Handle {
  const slot = lib
    .C_GetSlotList(true)
    .find((candidate) => lib.C_GetTokenInfo(candidate).label.trim() === label)
  if (slot === undefined) throw new Error('no such token')
  return slot
}

function act(lib: PKCS11, session: Handle, command: ToolCommand): unknown {
  if (command.do === 'import') return importKey(lib, session, command)
  if (command.do === 'importSecret') return importSecret(lib, session, command)
  if (command.do === 'destroyLabelled') {
    const found = labelled(lib, session, command.label)
    for (const object of found) lib.C_DestroyObject(session, object)
    return { destroyed: found.length }
  }
  if (command.do === 'hmac') {
    const [key] = labelled(lib, session, command.label)
    if (key === undefined) throw new Error('no such secret')
    lib.C_SignInit(session, { mechanism: pkcs11js.CKM_SHA256_HMAC }, key)
    return { mac: lib.C_Sign(session, hex(command.data), Buffer.alloc(32)).toString('hex') }
  }
  return {}
}

function labelled(lib: PKCS11, session: Handle, label: string): Handle[] {
  lib.C_FindObjectsInit(session, [{ type: pkcs11js.CKA_LABEL, value: label }])
  const found = lib.C_FindObjects(session, 100)
  lib.C_FindObjectsFinal(session)
  return found
}

function importKey(lib: PKCS11, session: Handle, key: ImportedKey): object {
  const common: Template = [
    { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_EC },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_ID, value: hex(key.ckaId) },
    { type: pkcs11js.CKA_LABEL, value: key.label },
    { type: pkcs11js.CKA_EC_PARAMS, value: P256 },
  ]
  lib.C_CreateObject(session, [
    ...common,
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
    { type: pkcs11js.CKA_PRIVATE, value: false },
    { type: pkcs11js.CKA_VERIFY, value: true },
    { type: pkcs11js.CKA_EC_POINT, value: Buffer.concat([Buffer.from([0x04, 65]), hex(key.point)]) },
  ])
  lib.C_CreateObject(session, [
    ...common,
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
    { type: pkcs11js.CKA_PRIVATE, value: true },
    { type: pkcs11js.CKA_SENSITIVE, value: true },
    { type: pkcs11js.CKA_EXTRACTABLE, value: false },
    { type: pkcs11js.CKA_SIGN, value: true },
    { type: pkcs11js.CKA_VALUE, value: hex(key.scalar) },
  ])
  return {}
}

function importSecret(lib: PKCS11, session: Handle, command: { label: string; value: string }): object {
  lib.C_CreateObject(session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
    { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_GENERIC_SECRET },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_PRIVATE, value: true },
    { type: pkcs11js.CKA_SENSITIVE, value: true },
    { type: pkcs11js.CKA_EXTRACTABLE, value: false },
    { type: pkcs11js.CKA_SIGN, value: true },
    { type: pkcs11js.CKA_LABEL, value: command.label },
    { type: pkcs11js.CKA_VALUE, value: hex(command.value) },
  ])
  return {}
}

/** SoftHSM 2.6.1 loses some starts that overlap with those of other processes. */
const TRIES = 10

async function main(): Promise<void> {
  const input = JSON.parse(readFileSync(0, 'utf8')) as Input
  const { command } = input
  const lib = new pkcs11js.PKCS11()
  lib.load(input.module)
  for (let attempt = 1; ; attempt++) {
    try {
      const { libraryParameters } = input
      // The binding drops the last character.
      lib.C_Initialize({ flags: 2, ...(libraryParameters && { libraryParameters: `${libraryParameters} ` }) })
      break
    } catch (error) {
      if (attempt === TRIES) throw error
      await pause(20 * attempt)
    }
  }
  let result: unknown
  if (command.do === 'init') result = initialise(lib, command)
  else if (command.do === 'initFactory') result = initialiseFactory(lib, command)
  else if (command.do === 'flags') result = { flags: lib.C_GetTokenInfo(slotOf(lib, input.label)).flags }
  else if (command.do === 'initPin') result = initialisePin(lib, slotOf(lib, input.label), command)
  else {
    const session = lib.C_OpenSession(slotOf(lib, input.label), RW_SERIAL)
    lib.C_Login(session, USER, command.pin)
    result = act(lib, session, command)
  }
  lib.C_Finalize()
  process.stdout.write(JSON.stringify(result))
}

await main()
