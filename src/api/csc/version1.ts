import type { RefusalCode } from '../../refusal.ts'
import type { JsonSchema } from '../http/jsonSchema.ts'
import { readingVersion1 } from './aliases.ts'
import { OTP_ID, PIN_ID, type Auth, type AuthObject, type CredentialInfo } from './credential.ts'
import { credentialsAuthorizeAtOnce } from './credentialsAuthorize.ts'
import { credentialsExtendTransaction } from './credentialsExtendTransaction.ts'
import { credentialsInfo } from './credentialsInfo.ts'
import { credentialsList } from './credentialsList.ts'
import { credentialsSendOtp } from './credentialsSendOtp.ts'
import { onlyMembers } from './described.ts'
import { exists, only, spoken, type Dialect, type DialectConfig } from './dialect.ts'
import type { Endpoint } from './endpoint.ts'
import { renderingErrors, type CscError } from './errors.ts'
import { infoEndpoint, type Info } from './info.ts'
import { signaturesSignHash } from './signaturesSignHash.ts'
import { signaturesTimestamp } from './signaturesTimestamp.ts'
import { flatCredential, inVersion1 } from './version1Described.ts'

const SPECS = '1.0.4.0'

/** TABLE of the edition's methods and the members of their requests. */
const members: ReadonlyMap<string, readonly string[]> = new Map([
  ['info', []],
  ['auth/login', []],
  ['auth/revoke', []],
  ['credentials/list', ['userID', 'maxResults', 'pageToken']],
  ['credentials/info', ['credentialID', 'certificates', 'certInfo', 'authInfo']],
  // The standard has no hashAlgo in these two; who names it is not refused, and is held to it.
  [
    'credentials/authorize',
    ['credentialID', 'numSignatures', 'hash', 'hashAlgo', 'PIN', 'OTP', 'description'],
  ],
  ['credentials/extendTransaction', ['credentialID', 'hash', 'hashAlgo', 'SAD']],
  ['credentials/sendOTP', ['credentialID']],
  ['signatures/signHash', ['credentialID', 'SAD', 'hash', 'hashAlgo', 'signAlgo', 'signAlgoParams']],
  ['signatures/timestamp', ['hash', 'hashAlgo', 'nonce']],
  ['oauth2/authorize', []],
  ['oauth2/token', []],
  ['oauth2/revoke', []],
])
/** Of every method: they change nothing. */
const COMMON = ['lang', 'clientData']

const MISSING_STRING = 'Missing (or invalid type) string parameter'

/** Phrases that name a member which is called otherwise here. */
const phrases: ReadonlyMap<string, string> = new Map([
  [`${MISSING_STRING} hashAlgorithmOID`, `${MISSING_STRING} hashAlgo`],
  ['Invalid parameter hashAlgorithmOID', 'Invalid parameter hashAlgo'],
  ['Parameter hashAlgorithmOID is given twice', 'Parameter hashAlgo is given twice'],
  [
    'String parameter hashAlgorithmOID contradicts with signAlgo parameter',
    'String parameter hashAlgo contradicts with signAlgo parameter',
  ],
  ['Missing (or invalid type) array parameter authData', `${MISSING_STRING} PIN`],
  ['Invalid parameter authData', 'Invalid parameter PIN'],
])

/** Where the hash is told from the length of the digests, a length of no hash is what is wrong. */
const phrasesOfAuthorize: ReadonlyMap<string, string> = new Map([
  ...phrases,
  [`${MISSING_STRING} hashAlgorithmOID`, 'Invalid digest value length'],
])

/** Codes that are this edition's own. */
const errors: Readonly<Partial<Record<RefusalCode, CscError>>> = {
  activation_failed: { status: 400, error: 'invalid_pin', description: 'The PIN is invalid' },
  pin_missing: { status: 400, error: 'invalid_request', description: `${MISSING_STRING} PIN` },
  otp_failed: { status: 400, error: 'invalid_otp', description: 'The OTP is invalid' },
  otp_missing: { status: 400, error: 'invalid_request', description: `${MISSING_STRING} OTP` },
  otp_invalid: { status: 400, error: 'invalid_request', description: 'Invalid parameter OTP' },
}

/** The CSC API v1 (Cloud Signature Consortium, 1.0.4.0), to be mounted at /csc/v1. Absent members are left out, never null. */
export function version1(config: DialectConfig): Dialect {
  const { strict } = config.csc
  const reading = ({ name }: Endpoint, response?: (schema: JsonSchema) => JsonSchema) => {
    const own = [...COMMON, ...(members.get(name) ?? [])]
    const describe = inVersion1({ members: own, ...(response === undefined ? {} : { response }) })
    return { read: readingVersion1(name, { members: own, strict }), phrases, describe }
  }
  const info = infoEndpoint(() => endpoints.map(({ name }) => name))
  const all: readonly Endpoint[] = [
    spoken(info, { ...reading(info, (schema) => onlyMembers(schema, ['specs', ...OF_INFO])), write: infoOf }),
    spoken(
      credentialsList,
      reading(credentialsList, (schema) => onlyMembers(schema, OF_LIST)),
    ),
    spoken(credentialsInfo, {
      ...reading(credentialsInfo, (schema) => flatCredential(schema, OF_CREDENTIAL)),
      write: flat,
    }),
    spoken(credentialsAuthorizeAtOnce, {
      ...reading(credentialsAuthorizeAtOnce),
      phrases: phrasesOfAuthorize,
    }),
    spoken(credentialsExtendTransaction, {
      ...reading(credentialsExtendTransaction),
      phrases: phrasesOfAuthorize,
    }),
    spoken(credentialsSendOtp, reading(credentialsSendOtp)),
    spoken(signaturesSignHash, {
      ...reading(signaturesSignHash, (schema) => onlyMembers(schema, ['signatures'])),
      write: ({ signatures }) => ({ signatures }),
    }),
    spoken(signaturesTimestamp, reading(signaturesTimestamp)),
  ]
  const endpoints = all.filter((one) => exists(one, config))
  const built = new Set(endpoints.map(({ name }) => name))
  const notBuilt = [...members.keys()].filter((name) => !built.has(name))
  return { specs: SPECS, endpoints, notBuilt, renderError: renderingErrors(errors) }
}

const OF_INFO = ['name', 'logo', 'region', 'lang', 'description', 'authType', 'oauth2', 'methods']

function infoOf(info: Info): object {
  return { specs: SPECS, ...only(info, OF_INFO) }
}

const OF_LIST = ['credentialIDs', 'nextPageToken']

const OF_CREDENTIAL = ['description', 'key', 'cert', 'SCAL', 'multisign', 'lang']

/** credentials/info: what authorises stands beside the rest. */
function flat({ auth, ...info }: CredentialInfo): object {
  return { ...only(info, OF_CREDENTIAL), authMode: auth.mode, ...secrets(auth) }
}

/** The edition writes presence as a word. */
function secrets({ objects }: Auth): object {
  if (objects === null) return {}
  // What is given out of band is nothing that a client could pass on.
  const passed = objects.filter(({ type }) => type !== 'PasswordOOB')
  const [pin, otp] = [PIN_ID, OTP_ID].map((wanted) => passed.find(({ id }) => id === wanted))
  return { PIN: secret(pin), OTP: { ...secret(otp), ...(otp && otpMembers(otp)) } }
}

function secret(found: AuthObject | undefined): object {
  if (found === undefined) return { presence: 'false' }
  return { presence: 'true', ...only(found, ['format', 'label', 'description']) }
}

/** offline: the holder has it without being sent anything. */
function otpMembers({ id, generator }: AuthObject): object {
  return { type: generator === undefined ? 'online' : 'offline', ID: id }
}
