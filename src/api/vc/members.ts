import { z } from 'zod'
import { formats } from '../../credentials/formats/index.ts'
import { object, text } from '../http/members.ts'

export const ID_MAX = 2_000
/** A JWT in a presentation with ten of 46 KB each. */
const COMPACT_MAX = 512 * 1024

/** A document with its proofs, or the compact form of a token. */
export const secured = z.union(
  [z.string().min(1, 'is empty').max(COMPACT_MAX, `${COMPACT_MAX} characters at most`), object],
  'an object, or a token as a string, is wanted',
)

export const credentialId = text(ID_MAX)

type FormatName = keyof typeof formats
const formatNames = Object.keys(formats) as [FormatName, ...FormatName[]]
export const format = z.enum(formatNames, `one of ${formatNames.join(', ')}`)

/**
 * What clients ask to be checked. The signature, the times and the issuer are always; here it is about the status. What is not
 * known is refused: whoever misspells it would take for checked what was not.
 */
const checkNames = ['proof', 'credentialStatus', 'status'] as const
export const checks = z
  .array(z.enum(checkNames, `one of ${checkNames.join(', ')}`), 'a list is wanted')
  .max(20, '20 at most')
  .optional()
  .meta({ description: 'Without, or with credentialStatus in it: the status, too' })

/** What is answered: an object, or a token as a string. */
export const ISSUED = z.object({
  verifiableCredential: z
    .unknown()
    .meta({ description: 'A document with its proof; of other formats, the compact form' }),
})
