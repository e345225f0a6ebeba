import { z } from 'zod'

/** Purposes of keys: the rows of hsm/purposes.ts. A test holds the two lists together. */
export const purposeNames = [
  'signing',
  'seal',
  'holder',
  'credential-issuing',
  'ca',
  'ocsp',
  'tsu',
  'log',
  'map-head',
  'vrf',
  'oauth',
  'notification',
  'ceremony',
] as const

const pin = z.strictObject({
  /**
   * File that holds the token's user PIN (for CloudHSM: user:password). Only the signer processes read it. Mode 0600.
   */
  file: z.string().min(1),
  /**
   * Raise by one whenever the PIN in the file changes. A PIN of a version that the token once rejected is never tried
   * again, by no replica: hardware tokens lock after a few wrong PINs.
   */
  version: z.int().min(1).default(1),
  /** Log in although the token reports that one more wrong PIN locks it. Set it for one start only. */
  allowFinalTry: z.boolean().default(false),
})

/**
 * What a module is given at C_Initialize beside the flags (pReserved). Only NSS wants it, such as
 * "configdir='sql:/var/lib/nss' certPrefix='' keyPrefix='' secmod='secmod.db' flags= ".
 */
const libraryParameters = z.string().min(1).max(4096).optional()

/** What the module needs, such as SOFTHSM2_CONF; the processes that load it get this environment and nothing else. */
const environment = z.record(z.string(), z.string()).default({})

const verifier = z.strictObject({
  /** Path of a PKCS#11 module on this machine, such as NSS's libsoftokn3.so or SoftHSM. */
  module: z.string().min(1),
  /** Row of hsm/providers.ts. */
  provider: z.string().min(1),
  environment,
  libraryParameters,
})

const token = z.strictObject({
  /** Name in logs and commands. */
  name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
  /** Path of the PKCS#11 module. PKCS11_MODULE overrides it in the first token. */
  module: z.string().min(1),
  /** Row of hsm/providers.ts: how this make of token differs from others. */
  provider: z.string().min(1),
  /** CKA token label, without padding. */
  label: z.string().min(1).max(32),
  /** Serial number; where it is given, label and serial must both match. */
  serial: z.string().min(1).max(16).optional(),
  pin,
  /**
   * Signer processes. Two or more: a signature over a digest is verified by another process than its maker. One is enough
   * beside a `verifier`.
   */
  signers: z.int().min(1).max(32).default(2),
  /**
   * Operations that the token works on at the same time for each signer; each takes a session. 1, the default, is best for
   * tokens that take less than a millisecond: a signer then does one thing after the other. A network HSM that takes 10 ms
   * makes 100 signatures a second for each: 2 signers of 32 are good for 6,000.
   */
  concurrency: z.int().min(1).max(64).default(1),
  environment,
  libraryParameters,
  /**
   * Purposes whose keys are made in this token; all of them where it is left out. Of several tokens, the first in the list
   * that has a purpose makes its keys. Existing keys are used where they are: an empty list makes a token one that is only
   * being used up.
   */
  purposes: z.array(z.enum(purposeNames)).readonly().optional(),
  /**
   * Name of another token of the list, whose secrets seal and check for this one: for tokens that make no HMAC keys, such
   * as a TPM. The signers of this token log in to that one, too. Cannot be changed once the token has keys.
   */
  seals: z.string().optional(),
  /**
   * A software module on this machine that verifies what the signers of this token made, with public keys only, in a
   * process of its own and without a login: saves a network HSM one operation for each ECDSA signature.
   */
  verifier: verifier.optional(),
  /** Keys that the token has room for. At 90 % the alarm `token_nearly_full` is raised. */
  capacity: z.int().min(1).optional(),
})

type Token = z.infer<typeof token>

/**
 * One token or more. The first without `seals` also makes the MACs that the service derives client secrets from, and its
 * random octets: which one that is must never change while the database is in use.
 */
export const tokensSchema = z
  .array(token)
  .min(1)
  .superRefine((tokens, issues) => {
    for (const { path, message } of problems(tokens)) issues.addIssue({ code: 'custom', path, message })
  })

interface Problem {
  readonly path: (string | number)[]
  readonly message: string
}

/** What is wrong between the tokens, each with the place to mend. */
function problems(tokens: readonly Token[]): Problem[] {
  const each = tokens.flatMap((one, index) =>
    [nameProblem(tokens, index), signersProblem(one), ...sealsProblems(tokens, one)]
      .filter((problem) => problem !== undefined)
      .map(([field, message]) => ({ path: [index, field], message })),
  )
  const orphaned = purposeNames.filter((name) => !tokens.some((one) => one.purposes?.includes(name) ?? true))
  return [
    ...each,
    ...orphaned.map((name) => ({ path: [], message: `no token makes keys of the purpose '${name}'` })),
  ]
}

type FieldProblem = readonly [field: keyof Token, message: string]

function nameProblem(tokens: readonly Token[], index: number): FieldProblem | undefined {
  const { name } = tokens[index] ?? {}
  const isTaken = tokens.slice(0, index).some((earlier) => earlier.name === name)
  return isTaken ? ['name', 'another token has this name'] : undefined
}

function signersProblem(one: Token): FieldProblem | undefined {
  return one.signers === 1 && one.verifier === undefined
    ? ['signers', 'one verifies what another one signed: two or more, or one beside a verifier']
    : undefined
}

function sealsProblems(tokens: readonly Token[], one: Token): FieldProblem[] {
  if (one.seals === undefined) return []
  const other = tokens.find(({ name }) => name === one.seals)
  if (other === undefined) return [['seals', `there is no token '${one.seals}'`]]
  if (other === one) return [['seals', 'a token that makes its own seals goes without this field']]
  if (other.seals !== undefined) return [['seals', `the token '${other.name}' takes its own from elsewhere`]]
  // A signer of this token loads both modules, in one process.
  const clash = Object.keys(one.environment).find(
    (key) => other.environment[key] !== undefined && other.environment[key] !== one.environment[key],
  )
  if (clash !== undefined) {
    return [['environment', `${clash} has another value for '${other.name}', and both go into one process`]]
  }
  return one.module === other.module && one.libraryParameters !== other.libraryParameters
    ? [['libraryParameters', `must be those of '${other.name}': one process loads their module once`]]
    : []
}
