import { randomBytes, randomUUID } from 'node:crypto'

/** Version of the audit body's layout; part of the body. */
export const AUDIT_VERSION = 1
const SALT_OCTETS = 32

export type AuditKind = 'intent' | 'result' | 'act'
type Detail = Readonly<Record<string, string | number | boolean | readonly string[]>>

export interface AuditFacts {
  /** intent and result come in pairs, joined by signatureId; an act stands alone. */
  readonly kind: AuditKind
  /** What happened, in a verb: 'sign', 'credential.create', 'operator.disable'. */
  readonly act: string
  /** 'client:<id>', 'operator:<id>', 'person:<id>' or 'service'. */
  readonly actor: string
  /** Typed ids of what was acted on: 'credential:<id>', 'key:<id>'. Ids only: nothing personal ever stands here. */
  readonly subjects: readonly string[]
  readonly signatureId?: string
  readonly detail?: Detail
}

export interface AuditEntry extends AuditFacts {
  readonly id: string
  readonly at: Date
  /** The exact octets that a leaf of the log will commit to, salted. */
  readonly body: Buffer
  readonly salt: Buffer
}

/** An entry ready to be stored in the transaction of what it records. */
export function auditEntry(facts: AuditFacts): AuditEntry {
  const id = randomUUID()
  const at = new Date()
  const body = Buffer.from(canonical(facts, id, at), 'utf8')
  const { kind, act, actor, subjects, signatureId, detail } = facts
  // Named one by one: members put behind a spread cost more than all the rest.
  return {
    id,
    at,
    body,
    salt: salt(),
    kind,
    act,
    actor,
    subjects,
    ...(signatureId === undefined ? {} : { signatureId }),
    ...(detail === undefined ? {} : { detail }),
  }
}

/**
 * Members in the order of their names: this is canonical JSON. JSON.stringify writes strings, booleans and safe integers as
 * RFC 8785 does; the order is ours to keep. Written member by member: an object made for it costs as much again.
 */
function canonical(facts: AuditFacts, id: string, at: Date): string {
  const { kind, act, actor, subjects, signatureId, detail } = facts
  const said = detail === undefined ? '' : `"detail":{${members(detail)}},`
  const signature = signatureId === undefined ? '' : `"signature":${JSON.stringify(signatureId)},`
  return (
    `{"act":${JSON.stringify(act)},"actor":${JSON.stringify(actor)},"at":"${at.toISOString()}",${said}` +
    `"id":"${id}","kind":"${kind}",${signature}"subjects":${JSON.stringify(subjects)},"v":${AUDIT_VERSION}}`
  )
}

function members(detail: Detail): string {
  let written = ''
  for (const name of Object.keys(detail).sort()) {
    const value = detail[name]
    if (typeof value === 'number' && !Number.isSafeInteger(value))
      throw new Error('audit numbers are safe integers')
    written += `${written === '' ? '' : ','}${JSON.stringify(name)}:${JSON.stringify(value)}`
  }
  return written
}

/** Random octets are drawn for many entries at once: asking for some costs more than getting many. */
const SALTS = 256
let salts = Buffer.alloc(0)

function salt(): Buffer {
  if (salts.length === 0) salts = randomBytes(SALTS * SALT_OCTETS)
  const own = salts.subarray(0, SALT_OCTETS)
  salts = salts.subarray(SALT_OCTETS)
  return own
}
