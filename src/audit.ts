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
  const body = canonicalJson({
    v: AUDIT_VERSION,
    id,
    at: at.toISOString(),
    kind: facts.kind,
    act: facts.act,
    actor: facts.actor,
    subjects: facts.subjects,
    ...(facts.signatureId === undefined ? {} : { signature: facts.signatureId }),
    ...(facts.detail === undefined ? {} : { detail: facts.detail }),
  })
  return { ...facts, id, at, body: Buffer.from(body, 'utf8'), salt: randomBytes(SALT_OCTETS) }
}

/** JSON with members sorted by code unit and no white space (RFC 8785, for strings, booleans and safe integers). */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`
  }
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw new Error('audit numbers are safe integers')
  return JSON.stringify(value)
}
