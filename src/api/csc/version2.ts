import type { Config } from '../../../config/config.ts'
import { readingVersion2 } from './aliases.ts'
import { credentialsAuthorize } from './credentialsAuthorize.ts'
import { credentialsAuthorizeCheck } from './credentialsAuthorizeCheck.ts'
import { credentialsCreate } from './credentialsCreate.ts'
import { credentialsDelete } from './credentialsDelete.ts'
import { credentialsExtendTransaction } from './credentialsExtendTransaction.ts'
import { credentialsGetChallenge } from './credentialsGetChallenge.ts'
import { credentialsInfo } from './credentialsInfo.ts'
import { credentialsList } from './credentialsList.ts'
import { credentialsSendOtp } from './credentialsSendOtp.ts'
import { credentialsRevocationList } from './credentialsRevocationList.ts'
import { credentialsRevoke } from './credentialsRevoke.ts'
import { withoutMembers, type Method } from './described.ts'
import { exists, spoken, without, type Dialect, type DialectConfig } from './dialect.ts'
import type { Endpoint } from './endpoint.ts'
import { renderingErrors } from './errors.ts'
import { infoEndpoint, type Info } from './info.ts'
import { notBuilt } from './notBuilt.ts'
import { signaturesSignHash } from './signaturesSignHash.ts'
import { signaturesSignPolling } from './signaturesSignPolling.ts'
import { signaturesTimestamp } from './signaturesTimestamp.ts'

/** Methods besides info; which of them exist, the configuration says. */
const methods: readonly Endpoint[] = [
  credentialsList,
  credentialsInfo,
  credentialsAuthorize,
  credentialsAuthorizeCheck,
  credentialsGetChallenge,
  credentialsSendOtp,
  credentialsExtendTransaction,
  signaturesSignHash,
  signaturesSignPolling,
  credentialsCreate,
  credentialsDelete,
  credentialsRevoke,
  credentialsRevocationList,
  signaturesTimestamp,
]

/** Members of info that 2.0 does not have. */
const SINCE_2_2 = ['supportsRar', 'supportedHashTypes', 'documentTypes']

/**
 * TABLE of what info says in each edition of version 2. Nothing else differs: what 2.2 adds to other answers
 * (cert.policy, cert.qcStatements) is optional and is not told, and the authentication that it spells otherwise (tls, which
 * was TLS) is not offered.
 */
const infos: Readonly<Record<Config['csc']['specs'], (info: Info) => object>> = {
  // The EUDI wallet's library wants exactly this string.
  '2.2.0.0': (info) => ({ specs: '2.2.0.0', ...info }),
  // What the edition 2.0.0.2 calls itself.
  '2.0.0.0': (info) => ({
    specs: '2.0.0.0',
    ...without(info, SINCE_2_2),
    signature_formats: without(info.signature_formats, ['allowMix']),
  }),
}

/** The same of what the API's document says of info. */
function describedIn(specs: Config['csc']['specs']) {
  return (method: Method): Method => {
    if (specs === '2.2.0.0' || method.response === undefined) return method
    const response = withoutMembers(method.response, SINCE_2_2)
    const { signature_formats: formats = {}, ...others } = response.properties ?? {}
    const properties = { ...others, signature_formats: withoutMembers(formats, ['allowMix']) }
    return { ...method, response: { ...response, properties } }
  }
}

/** The CSC API v2 (Cloud Signature Consortium, 2.2.0.0 or 2.0.0.2), to be mounted at /csc/v2. */
export function version2(config: DialectConfig): Dialect {
  const { specs, strict } = config.csc
  const reading = (name: string) => ({ read: readingVersion2(name, { strict }) })
  const info = infoEndpoint(() => endpoints.map(({ name }) => name))
  const endpoints = [
    spoken(info, { ...reading(info.name), write: infos[specs], describe: describedIn(specs) }),
    ...methods
      .filter((method) => exists(method, config))
      .map((method) => spoken(method, reading(method.name))),
  ]
  const absent = methods.filter((method) => !exists(method, config)).map(({ name }) => name)
  return { specs, endpoints, notBuilt: [...notBuilt, ...absent], renderError: renderingErrors() }
}
