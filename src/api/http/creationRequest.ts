import { z } from 'zod'
import type { Context } from '../../context.ts'
import type { PersonRow } from '../../db/persons.ts'
import { profiles } from '../../pki/profiles.ts'
import { PLAIN_TEXT } from './plainText.ts'

const NAME_MAX = 200
const INVALID_POLICY = 'Invalid parameter certificatePolicy'
export const INVALID_SUBJECT = 'Invalid parameter subjectData'

/** Null is absent (CSC API v2.2, 7), in here as well. */
const optional = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullish().transform((value) => value ?? undefined)
const name = optional(
  z
    .string({ error: INVALID_SUBJECT })
    .max(NAME_MAX, { error: INVALID_SUBJECT })
    .regex(PLAIN_TEXT, { error: INVALID_SUBJECT }),
)

/** What a client wants a new credential to be: in authorization_details, and again in credentials/create (CSC API v2.2, 11.4). */
export const creationRequestSchema = z.strictObject(
  {
    certificatePolicy: optional(
      z.string({ error: INVALID_POLICY }).regex(/^[0-9.]{1,200}$/, { error: INVALID_POLICY }),
    ),
    subjectData: optional(
      z.strictObject({ givenName: name, surname: name, issuingCountry: name }, { error: INVALID_SUBJECT }),
    ),
  },
  { error: 'Missing (or invalid type) object parameter credentialCreationRequest' },
)
export type CreationRequest = z.output<typeof creationRequestSchema>
/** A client that says nothing takes what there is. */
export const ANYTHING: CreationRequest = { certificatePolicy: undefined, subjectData: undefined }

/** What the service would not make, whoever it is for. @returns the phrase that refuses it */
export function policyProblem(
  { config }: Context,
  { certificatePolicy: asked }: CreationRequest,
): string | undefined {
  if (asked === undefined) return undefined
  return profiles[config.ca.naturalPersons].policies.includes(asked) ? undefined : INVALID_POLICY
}

/**
 * Names come from the person's record, which an operator made; what a client claims must be what stands there.
 * @returns the phrase that refuses it
 */
export function subjectProblem(
  { subjectData }: CreationRequest,
  person: PersonRow | undefined,
): string | undefined {
  const { givenName, surname, country: issuingCountry } = person ?? {}
  const record = { givenName, surname, issuingCountry }
  const isSo = Object.entries(subjectData ?? {}).every(
    ([member, claimed]) =>
      claimed === undefined ||
      claimed.normalize('NFC') === record[member as keyof typeof record]?.normalize('NFC'),
  )
  return isSo ? undefined : INVALID_SUBJECT
}
