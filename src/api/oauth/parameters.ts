import { Refusal } from '../../refusal.ts'

/** The parameters of an authorization request, each at most once and none empty. */
export type Parameters = Readonly<
  Partial<Record<ParameterName, string>> & {
    /** The person's id that an account_token named; no parameter has this name. */
    account?: string
  }
>

/**
 * TABLE of what an authorization request may say (RFC 6749, 4.1.1; RFC 7636, 4.3; RFC 9396, 2; RFC 9449, 10; CSC API v2.2, 8.2.2).
 * Others are ignored (RFC 6749, 3.1), and stored nowhere: a pushed request comes with a client's secret.
 */
const names = [
  'response_type',
  'response_mode',
  'client_id',
  'redirect_uri',
  'scope',
  'state',
  'code_challenge',
  'code_challenge_method',
  'dpop_jkt',
  'authorization_details',
  'request',
  'request_uri',
  'lang',
  'credentialID',
  'signatureQualifier',
  'numSignatures',
  'hashes',
  'hashAlgorithmOID',
  'description',
  'account_token',
  'clientData',
] as const
export type ParameterName = (typeof names)[number]

/** What version 1 of the CSC API calls them. */
const aliases: ReadonlyMap<string, ParameterName> = new Map([
  ['hash', 'hashes'],
  ['hashAlgo', 'hashAlgorithmOID'],
])
const known: ReadonlyMap<string, ParameterName> = new Map([
  ...names.map((name) => [name, name] as const),
  ...aliases,
])

/** @throws Refusal 'invalid_request': a parameter given twice is two meanings for whoever reads the other one */
export function readParameters(form: URLSearchParams): Parameters {
  const read = new Map<ParameterName, string>()
  for (const [given, value] of form) {
    const name = known.get(given)
    // One without a value is as good as omitted (RFC 6749, 3.1).
    if (name === undefined || value === '') continue
    if (read.has(name)) throw new Refusal('invalid_request', `Parameter ${name} is given twice`)
    // Postgres stores no NUL in a text, and no text has one.
    if (value.includes('\0')) throw new Refusal('invalid_request', `Invalid parameter ${name}`)
    read.set(name, value)
  }
  return Object.fromEntries(read)
}

/**
 * What the browser brings beside a request_uri may say what was pushed, and nothing else; a state that was not pushed is
 * taken, since wallets send it so.
 * @throws Refusal 'invalid_request'
 */
export function pushedParameters(pushed: Parameters, brought: Parameters): Parameters {
  for (const name of names) {
    const value = brought[name]
    if (value === undefined || name === 'request_uri' || value === pushed[name]) continue
    if (name === 'state' && pushed.state === undefined) continue
    throw new Refusal('invalid_request', `Parameter ${name} is not what was pushed`)
  }
  return brought.state === undefined ? pushed : { ...pushed, state: brought.state }
}
