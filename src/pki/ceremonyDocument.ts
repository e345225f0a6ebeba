import { z } from 'zod'
import { publicJwkSchema, roles } from '../../config/operators.ts'
import { keyFlags, type KeyFlag } from '../../hsm/types.ts'

/** The transcript of a ceremony: what is signed, and what `intaglio ceremony verify` reads. Strict, all of it. */
export const TRANSCRIPT_VERSION = 'intaglio-ceremony-transcript/1'

const base64 = z
  .string()
  .refine((text) => Buffer.from(text, 'base64').toString('base64') === text, 'not base64')
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const time = z.iso.datetime()
const part = z.enum(['root', 'issuing', 'ocsp', 'tsu', 'transcript'])

const operator = z.strictObject({
  id: z.uuid(),
  name: z.string(),
  /** RFC 7638. */
  thumbprint: z.string(),
})

const approval = z.strictObject({
  ...operator.shape,
  roles: z.array(z.enum(roles)),
  publicKey: publicJwkSchema,
  at: time,
  /** Compact JWS over ceremony and plan, by the approver's own key. */
  signature: z.string(),
})

/** As PKCS#11 tells them; the module's hash as the signer that loaded it found it. */
const token = z.strictObject({
  label: z.string(),
  serial: z.string(),
  manufacturer: z.string(),
  model: z.string(),
  firmware: z.string(),
  modulePath: z.string(),
  moduleSha256: sha256,
  libraryVersion: z.string(),
  libraryDescription: z.string(),
})

const flags = Object.fromEntries(keyFlags.map((name) => [name, z.boolean().nullable()])) as Record<
  KeyFlag,
  z.ZodNullable<z.ZodBoolean>
>

/** As read back from the token when the key was made; null: the token does not tell. */
const attributes = z.strictObject({
  ckaId: z.string(),
  label: z.string(),
  keyType: z.string().nullable(),
  flags: z.strictObject(flags),
  allowedMechanisms: z.array(z.int()).nullable(),
})

const key = z.strictObject({
  part,
  keyId: z.uuid(),
  token,
  attributes,
  /** SubjectPublicKeyInfo. */
  publicKey: base64,
})

const certificate = z.strictObject({
  part: part.exclude(['transcript']),
  id: z.uuid(),
  sha256,
  pem: z.string(),
})

export const transcriptSchema = z.strictObject({
  format: z.literal(TRANSCRIPT_VERSION),
  ceremony: z.uuid(),
  service: z.strictObject({
    version: z.string(),
    baseUrl: z.string(),
    profile: z.enum(['dev', 'test', 'production']),
  }),
  plan: z.strictObject({
    sha256,
    /** The octets that were submitted. */
    octets: base64,
    submittedAt: time,
    /** Null: the service's own, of a laptop or a test. */
    submittedBy: operator.nullable(),
  }),
  approvals: z.array(approval),
  keys: z.array(key).min(1),
  certificates: z.array(certificate).min(1),
  /** Of a root that was there. */
  existingRoot: z.strictObject({ sha256, pem: z.string() }).optional(),
  steps: z
    .array(
      z.strictObject({
        at: time,
        step: z.string(),
        event: z.enum(['begun', 'done']),
        /** Who ran it, where the step says that it was run. */
        by: operator.nullable().optional(),
      }),
    )
    .min(1),
})

export type Transcript = z.infer<typeof transcriptSchema>
