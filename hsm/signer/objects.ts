import type { Handle, Template } from 'pkcs11js'
import { CKA, CKO, ckr, isNotTold } from './cryptoki.ts'
import type { WorkSession } from './sessions.ts'

/** Handles come in pages: some modules allocate what is asked for. */
const PAGE = 1000

/**
 * Handles of the objects that match, at most `limit`. SoftHSM finds nothing, without an error, when its directory is
 * gone: whoever concludes something from an empty answer proves the token alive first.
 */
export function find(session: WorkSession, template: Template, limit = Infinity): Handle[] {
  return session.use((handle, lib) => {
    lib.C_FindObjectsInit(handle, template)
    const found: Handle[] = []
    while (found.length < limit) {
      const page = lib.C_FindObjects(handle, Math.min(PAGE, limit - found.length))
      found.push(...page)
      if (page.length === 0) break
    }
    lib.C_FindObjectsFinal(handle)
    return found
  })
}

/**
 * One attribute; asked for singly, since one that the token does not tell spoils the whole call. Undefined: not told.
 */
export function attribute(session: WorkSession, object: Handle, type: number): Buffer | undefined {
  try {
    return session.use((handle, lib) => lib.C_GetAttributeValue(handle, object, [{ type }])[0]?.value)
  } catch (error) {
    if (isNotTold(ckr(error))) return undefined
    throw error
  }
}

/** CK_BBOOL. */
export function flag(session: WorkSession, object: Handle, type: number): boolean | undefined {
  const value = attribute(session, object, type)
  return value?.length === 1 ? value[0] !== 0 : undefined
}

/** CK_ULONG: four or eight octets, in the machine's order. */
export function ulong(session: WorkSession, object: Handle, type: number): number | undefined {
  const value = attribute(session, object, type)
  return value === undefined || value.length === 0
    ? undefined
    : value.readUIntLE(0, Math.min(value.length, 6))
}

/** An array of CK_ULONG, eight octets each. */
export function ulongs(session: WorkSession, object: Handle, type: number): number[] | undefined {
  const value = attribute(session, object, type)
  if (value === undefined) return undefined
  return Array.from({ length: value.length / ULONG }, (_, i) => value.readUInt32LE(i * ULONG))
}

const ULONG = 8

/** CKA_ALLOWED_MECHANISMS as the binding wants it: CK_ULONGs in one buffer. */
export function mechanismList(mechanisms: readonly number[]): Buffer {
  const list = Buffer.alloc(mechanisms.length * ULONG)
  for (const [i, mechanism] of mechanisms.entries()) list.writeUInt32LE(mechanism, i * ULONG)
  return list
}

export const privateKeys = (ckaId?: Buffer): Template => keysOf(CKO.PRIVATE_KEY, ckaId)
export const publicKeys = (ckaId?: Buffer): Template => keysOf(CKO.PUBLIC_KEY, ckaId)
export const secretKeys = (ckaId?: Buffer): Template => keysOf(CKO.SECRET_KEY, ckaId)

function keysOf(objectClass: number, ckaId: Buffer | undefined): Template {
  const template: Template = [
    { type: CKA.CLASS, value: objectClass },
    { type: CKA.TOKEN, value: true },
  ]
  return ckaId === undefined ? template : [...template, { type: CKA.ID, value: ckaId }]
}
