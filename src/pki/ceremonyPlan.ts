import { createHash } from 'node:crypto'
import { z } from 'zod'
import { Refusal } from '../refusal.ts'
import { authorityName } from './names.ts'
import { profiles } from './profiles.ts'
import { ParseError, readYaml, type Located } from './strictYaml.ts'

/** A plan is read by people: what is longer is none. */
export const MAX_PLAN = 32 * 1024
/** RFC 5280, A.1: ub-common-name, ub-organization-name. */
const NAME_MAX = 64
/** X.520, 6.4.6. */
const IDENTIFIER_MAX = 128
const TEXT_MAX = 200
/** Whoever submits a plan does not count: three people at least stand behind an authority. */
const APPROVALS_MIN = 2
const APPROVERS_MAX = 20

const line = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^\P{C}+$/u, 'one line of text, without control characters')
    .refine((text) => text === text.trim(), 'no spaces at its ends')

const days = (most: number) => z.int().min(1).max(most)
const utcTime = z.iso.datetime({ error: 'a time in UTC in quotes, such as "2027-03-01T12:00:00Z"' })

/** Where a key is made, and which: RSA from 3072 bits. */
const key = {
  key: z.enum(['P-256', 'P-384', 'RSA-3072', 'RSA-4096']),
  /** CKA label of a configured token. */
  token: line(32),
}
const subject = { name: line(NAME_MAX), ...key }

const schema = z.strictObject({
  /** Of this format. */
  version: z.literal(1),
  title: line(TEXT_MAX),
  place: line(TEXT_MAX),
  /** Nobody approves or runs it from then on. */
  expires: utcTime,
  quorum: z.strictObject({
    /** M: approvals that it takes. */
    approvals: z.int().min(APPROVALS_MIN).max(APPROVERS_MAX),
    /** N: ids of the operators who may give one. */
    approvers: z.array(z.uuid()).min(APPROVALS_MIN).max(APPROVERS_MAX),
  }),
  /** Who does what at the ceremony, and who looks on. */
  roles: z.array(z.strictObject({ role: line(TEXT_MAX), person: line(TEXT_MAX) })).min(1),
  witnesses: z.array(z.strictObject({ person: line(TEXT_MAX), from: line(TEXT_MAX).optional() })).min(1),
  country: z.string().regex(/^[A-Z]{2}$/, 'two capital letters (ISO 3166-1)'),
  organization: line(NAME_MAX),
  /** EN 319 412-1, 5.1.4, such as NTRNO-987654321: in each subject, where it is there. */
  organizationIdentifier: line(IDENTIFIER_MAX).optional(),
  /** A new root; or SHA-256 of the certificate of one that is there. */
  root: z.strictObject({ ...subject, days: days(profiles.root.days) }).optional(),
  existingRoot: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'SHA-256 of a certificate: 64 hexadecimal digits')
    .optional(),
  issuing: z.strictObject({ ...subject, days: days(profiles.issuing.days) }),
  /** Absent: the service makes them itself when it needs them. */
  ocsp: z.strictObject({ ...subject, days: days(profiles.ocsp.days) }).optional(),
  tsu: z.strictObject({ ...subject, days: days(profiles.tsu.days) }).optional(),
  /** What the transcript is signed with: made for this ceremony, used once. */
  transcript: z.strictObject({ ...key, key: z.enum(['P-256', 'RSA-3072']) }),
})

/** Of a laptop and of tests: approved by nobody, witnessed by nobody. */
const developmentSchema = schema.extend({
  quorum: z.strictObject({ approvals: z.literal(0), approvers: z.array(z.never()) }),
  roles: z.array(z.never()),
  witnesses: z.array(z.never()),
})

export type CeremonyPlan = Omit<z.infer<typeof schema>, 'quorum' | 'roles' | 'witnesses'> & {
  readonly quorum: { readonly approvals: number; readonly approvers: readonly string[] }
  readonly roles: readonly { readonly role: string; readonly person: string }[]
  readonly witnesses: readonly { readonly person: string; readonly from?: string | undefined }[]
}

/** A plan that cannot be used. Each problem names the line and the path that it is about. */
export class PlanError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'PlanError'
    this.problems = problems
  }
}

export interface ReadPlan {
  readonly plan: CeremonyPlan
  readonly sha256: Buffer
}

/**
 * Reads a plan: YAML without anchors, aliases, tags or directives, every key known and there once.
 * @param options.development the built-in plan, whose quorum is nobody
 * @throws PlanError
 */
export function readPlan(octets: Buffer, options: { readonly development?: boolean } = {}): ReadPlan {
  if (octets.length > MAX_PLAN) throw new PlanError([`a plan of more than ${MAX_PLAN} octets`])
  const read = located(octets)
  const { success, data, error } = (options.development === true ? developmentSchema : schema).safeParse(
    read.value,
  )
  if (!success) throw new PlanError(error.issues.flatMap((issue) => worded(issue, read)))
  const problems = [...together(data, read), ...doubled(data, read), ...unnameable(data, read)]
  if (problems.length > 0) throw new PlanError(problems)
  return { plan: data, sha256: createHash('sha256').update(octets).digest() }
}

function located(octets: Buffer): Located {
  try {
    return readYaml(octets)
  } catch (error) {
    throw error instanceof ParseError ? new PlanError([error.message]) : error
  }
}

type Path = readonly PropertyKey[]

function at(read: Located, path: Path, message: string): string {
  const name = path.length === 0 ? '' : `${path.join('.')}: `
  return `line ${read.lineOf(path)}: ${name}${message}`
}

function worded(issue: z.core.$ZodIssue, read: Located): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((name) => at(read, [...issue.path, name], 'unknown key'))
  }
  const isMissing = issue.code === 'invalid_type' && read.valueAt(issue.path) === undefined
  return [at(read, issue.path, isMissing ? 'missing' : issue.message)]
}

/** What no member says alone. */
function together(plan: CeremonyPlan, read: Located): string[] {
  const { root, existingRoot, issuing, quorum } = plan
  const problems: string[] = []
  if ((root === undefined) === (existingRoot === undefined))
    problems.push(at(read, root === undefined ? [] : ['existingRoot'], 'either root or existingRoot'))
  if (quorum.approvers.length < quorum.approvals)
    problems.push(
      at(read, ['quorum', 'approvers'], `fewer than the approvals that it takes, ${quorum.approvals}`),
    )
  if (root !== undefined && issuing.days >= root.days)
    problems.push(at(read, ['issuing', 'days'], 'must end before the root that issues it'))
  for (const part of ['ocsp', 'tsu'] as const) {
    if ((plan[part]?.days ?? 0) >= issuing.days)
      problems.push(at(read, [part, 'days'], 'must end before the authority that issues it'))
  }
  return problems
}

/** What no certificate could name its subject: a country that is none, an identifier of no form. */
function unnameable(plan: CeremonyPlan, read: Located): string[] {
  for (const part of ['root', 'issuing', 'ocsp', 'tsu'] as const) {
    const { name } = plan[part] ?? {}
    if (name === undefined) continue
    try {
      authorityName({ ...plan, name })
    } catch (error) {
      if (error instanceof Refusal) return [at(read, [part, 'name'], error.message)]
      throw error
    }
  }
  return []
}

/** Approvers, and names of certificates, are each there once. */
function doubled(plan: CeremonyPlan, read: Located): string[] {
  const approvers = plan.quorum.approvers.map((id, index): [Path, string] => [
    ['quorum', 'approvers', index],
    id,
  ])
  const names = (['root', 'issuing', 'ocsp', 'tsu'] as const).flatMap((part): [Path, string][] => {
    const { name } = plan[part] ?? {}
    return name === undefined ? [] : [[[part, 'name'], name]]
  })
  return [approvers, names].flatMap((list) =>
    list
      .filter(([, value], index) => list.findIndex(([, other]) => other === value) < index)
      .map(([path]) => at(read, path, 'stands here twice')),
  )
}
