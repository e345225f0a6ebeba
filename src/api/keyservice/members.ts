import { z } from 'zod'
import { parseDateTime } from '../../credentials/dateTime.ts'
import type { Format, JsonObject } from '../../credentials/formats/format.ts'
import { signatureTypeNames } from '../../credentials/keys/signatureTypes.ts'
import type { Proof } from '../../signing/holderPermit.ts'
import { object, pointers, text } from '../http/members.ts'

/** The limits of the key service's README (docs/key-service.md). */
const SECRETS_MAX = 10
const SECRET_MAX = 1_000
const IDENTIFIER_MAX = 500
/** An identifier, '#', and an RSA key of 4096 bits in base 58. */
const ID_MAX = 1_300
const BEARER_MAX = 512
/** Signatures that one activation is for: as many as a signer seals. Each is a row. */
const ACTIVATED_MAX = 10_000
const PROOFS_MAX = 20

/** RFC 3986, but for quotes, parentheses and brackets: all that a DID URL is made of, and one '#'. */
const IDENTIFIER =
  /^(?:[A-Za-z0-9._~:/?@!$&*+,;=-]|%[0-9A-Fa-f]{2})+(?:#(?:[A-Za-z0-9._~:/?@!$&*+,;=-]|%[0-9A-Fa-f]{2})+)?$/
const DID = /^(?!did:)|^did:[a-z0-9]+:[^/?#]/
const ALPHABET = 'letters, digits, . _ ~ : / ? @ ! $ & * + , ; = - and %XX, and at most one #'
/** No halves of characters: different ones of them are the same octets. */
const WELL_FORMED = /^\P{Cs}*$/u

const named = (most: number) =>
  z
    .string('a string is wanted')
    .min(1, 'is empty')
    .max(most, `${most} characters at most`)
    .regex(IDENTIFIER, ALPHABET)
    .regex(DID, 'not the form of a DID')

/** What a new key is called. */
export const newIdentifier = named(IDENTIFIER_MAX).meta({
  description: "A DID, a DID URL with '#', or a name of your own",
})
/** What a key is asked for by. */
export const identifier = named(ID_MAX).meta({
  description: "The key's id, or its identifier where one enabled key has it",
})

const secret = z
  .string('a string is wanted')
  .min(1, 'is empty')
  .max(SECRET_MAX * 2, `${SECRET_MAX} characters at most`)
  .refine((text) => Array.from(text).length <= SECRET_MAX, `${SECRET_MAX} characters at most`)
  .regex(WELL_FORMED, 'not well-formed Unicode')

export const secrets = z
  .array(secret, 'a list is wanted')
  .min(1, 'is empty')
  .max(SECRETS_MAX, `${SECRETS_MAX} at most`)
  .refine(
    (given) => new Set(given.map((one) => one.normalize('NFC'))).size === given.length,
    'one secret stands there twice',
  )
  .meta({ description: 'All of them together open the key, in any order' })

export const signatureType = z.enum(signatureTypeNames, `one of ${signatureTypeNames.join(', ')}`)

const forms = {
  JWK: 'JsonWebKey',
  JsonWebKey: 'JsonWebKey',
  VerificationKey2020: 'Multikey',
  Multikey: 'Multikey',
} as const
type FormName = keyof typeof forms
const formNames = Object.keys(forms) as [FormName, ...FormName[]]
/** Either spelling of a form. */
export const keyType = z
  .enum(formNames, `one of ${formNames.join(', ')}`)
  .transform((name) => forms[name])
  .meta({ description: 'How its public half is written' })

export const numSignatures = z
  .int('a whole number is wanted')
  .min(1, 'at least 1')
  .max(ACTIVATED_MAX, `${ACTIVATED_MAX} at most`)
  .meta({ description: 'How many signatures' })

/** What authorises: see `proofOf`. */
export const authorising = {
  secrets: secrets.optional(),
  activation: text(BEARER_MAX)
    .optional()
    .meta({ description: 'In place of secrets: what /activate answered' }),
}

/** One of both, and no more. */
export function checkProof(
  given: { readonly secrets?: unknown; readonly activation?: unknown },
  issues: z.core.$RefinementCtx,
): void {
  const one = (given.secrets === undefined) !== (given.activation === undefined)
  if (!one)
    issues.addIssue({ code: 'custom', path: ['secrets'], message: 'these, or an activation, and not both' })
}

export function proofOf(given: {
  readonly secrets?: readonly string[] | undefined
  readonly activation?: string | undefined
}): Proof {
  return given.secrets === undefined ? { activation: given.activation ?? '' } : { secrets: given.secrets }
}

/** The body is no longer than its limit. */
const sdJwt = z
  .string()
  .min(1, 'is empty')
  .meta({ description: 'An SD-JWT with the disclosures that its holder chose: it gets a key binding' })

const presentation = object.meta({ description: "A presentation of W3C's data model" })

/** TABLE of what is presented, by format. */
export const presentable = {
  jwt: presentation,
  'data-integrity': presentation,
  'sd-jwt': z.union([sdJwt, presentation], 'a presentation, or an SD-JWT as text, is wanted'),
  cose: presentation,
} as const satisfies Readonly<Record<Format['name'], z.ZodType<JsonObject | string>>>

/** What some formats take besides. */
export const cryptosuite = text(100)
  .optional()
  .meta({ description: 'Data Integrity: which; without, by the key' })
export const issuing = {
  cryptosuite,
  selective: pointers
    .optional()
    .meta({ description: 'SD-JWT: JSON pointers of what its holder may leave out' }),
  holder: object
    .optional()
    .meta({ description: "SD-JWT: the holder's public key, as a JWK", type: 'object' }),
  mandatoryPointers: pointers
    .optional()
    .meta({ description: 'ecdsa-sd-2023: JSON pointers of what is always disclosed' }),
  previousProof: z
    .union(
      [text(IDENTIFIER_MAX), z.array(text(IDENTIFIER_MAX)).max(PROOFS_MAX)],
      'an id, or a list of ids, is wanted',
    )
    .optional()
    .meta({ description: 'Data Integrity: the proofs that the new one comes after' }),
  proofId: text(IDENTIFIER_MAX)
    .optional()
    .meta({ description: 'Data Integrity: a URL for the proof, by which later ones can come after it' }),
}

/** Of a proof of possession. */
export const client = text().optional().meta({ description: "The wallet's client_id, where it has one" })

/** Of a hundred RSA keys, and the longest nonce. */
const ATTESTATION_MAX = 100_000
export const keyAttestation = text(ATTESTATION_MAX)
  .optional()
  .meta({ description: 'JWT: who attests the key, such as what /keys/attest answered' })

/** RFC 3339, 5.6: a time has one. */
const ZONE = /(?:Z|[+-]\d{2}:\d{2})$/
const time = z
  .string('a string is wanted')
  .refine((value) => ZONE.test(value) && parseDateTime(value) !== undefined, 'not a time of RFC 3339')
  .transform((value) => parseDateTime(value))

/** For whom, and against being used again. Each has two names. */
export const presenting = {
  challenge: text().optional(),
  nonce: text().optional().meta({ description: 'The same as challenge' }),
  domain: text().optional(),
  audience: text().optional().meta({ description: 'The same as domain' }),
  validUntil: time.optional().meta({ description: 'RFC 3339' }),
  cryptosuite,
}

interface Presenting {
  readonly challenge?: string | undefined
  readonly nonce?: string | undefined
  readonly domain?: string | undefined
  readonly audience?: string | undefined
}

/** Two names with two values are one too many. */
export function checkNames(given: Presenting, issues: z.core.$RefinementCtx): void {
  for (const [name, other] of [
    ['challenge', 'nonce'],
    ['domain', 'audience'],
  ] as const) {
    const [a, b] = [given[name], given[other]]
    if (a === undefined || b === undefined || a === b) continue
    issues.addIssue({ code: 'custom', path: [other], message: `another one than ${name}` })
  }
}

export const challengeOf = (given: Presenting): string | undefined => given.challenge ?? given.nonce
export const domainOf = (given: Presenting): string | undefined => given.domain ?? given.audience
