import { hashByOid, keyTypes, schemes, type HashRow, type SchemeRow } from '../../../hsm/algorithms.ts'
import { Refusal } from '../../refusal.ts'
import { decodeBase64 } from './encoding.ts'
import { pssHash } from './pssParameters.ts'

/** Members of a signHash request that name the algorithm (CSC API v2.2, 11.13). */
export interface AskedAlgorithm {
  readonly signAlgo: string
  readonly signAlgoParams?: string | undefined
  readonly hashAlgorithmOID?: string | undefined
}

/** The one OID of a key that the standard takes for a signature's, if the hash is named beside it (11.13). */
const RSA = keyTypes['RSA-3072'].oid
const PSS = schemes['pss-sha256'].oid
const DER_NULL = Buffer.from('0500', 'hex')
const rows: readonly SchemeRow[] = Object.values(schemes)

const refuse = (message: string): never => {
  throw new Refusal('invalid_request', message)
}

/** The one scheme that the request names. @throws Refusal 'invalid_request' in the standard's phrases */
export function askedScheme(asked: AskedAlgorithm): SchemeRow {
  const hash = asked.hashAlgorithmOID === undefined ? undefined : askedHash(asked.hashAlgorithmOID)
  const scheme = asked.signAlgo === PSS ? pssScheme(asked.signAlgoParams) : plainScheme(asked, hash)
  // The standard says to ignore a hash that the algorithm implies. A contradiction is a mistake that would make a
  // signature over something else than the client means.
  if (hash !== undefined && scheme.hash !== undefined && scheme.hash !== hash) {
    return refuse('String parameter hashAlgorithmOID contradicts with signAlgo parameter')
  }
  return scheme
}

/** @throws Refusal 'invalid_request' */
export function askedHash(oid: string): HashRow {
  return hashByOid(oid) ?? refuse('Invalid parameter hashAlgorithmOID')
}

function plainScheme(asked: AskedAlgorithm, hash: HashRow | undefined): SchemeRow {
  const isRsa = asked.signAlgo === RSA
  if (isRsa && hash === undefined) {
    return refuse('Missing (or invalid type) string parameter hashAlgorithmOID')
  }
  const scheme = rows.find((row) =>
    isRsa ? row.padding === 'pkcs1' && row.hash === hash : row.oid === asked.signAlgo,
  )
  if (scheme === undefined) return refuse('Invalid parameter signAlgo')
  checkNoParameters(scheme, asked.signAlgoParams)
  return scheme
}

/** Only PSS has parameters; PKCS#1 v1.5 has NULL in their place (RFC 3279, 2.2.1), and some clients send it. */
function checkNoParameters(scheme: SchemeRow, given: string | undefined): void {
  if (given === undefined || given === '') return
  const isNull = scheme.padding === 'pkcs1' && decodeBase64(given)?.equals(DER_NULL) === true
  if (!isNull) refuse('Invalid parameter signAlgoParams')
}

function pssScheme(params: string | undefined): SchemeRow {
  if (params === undefined) return refuse('Missing (or invalid type) string parameter signAlgoParams')
  const hash = pssHash(decodeBase64(params) ?? Buffer.alloc(0))
  const scheme = hash && rows.find((row) => row.padding === 'pss' && row.hash === hash)
  return scheme ?? refuse('Invalid parameter signAlgoParams')
}

/** What the standard calls key/algo: OIDs, the one to prefer first; the bare OID last where it is a signature's, too. */
export function algorithmOids(row: (typeof keyTypes)[keyof typeof keyTypes]): string[] {
  const oids = row.schemes.map((name) => schemes[name].oid)
  return [...new Set(row.family === 'RSA' ? [...oids, row.oid] : oids)]
}
