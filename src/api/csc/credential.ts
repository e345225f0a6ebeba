import { z } from 'zod'
import { keyTypes } from '../../../hsm/algorithms.ts'
import type { Context } from '../../context.ts'
import { certificateChain } from '../../db/certificates.ts'
import type { CredentialRow } from '../../db/credentials.ts'
import { secondFactorOf, type SecondFactor } from '../../signing/secondFactor.ts'
import { certificateNames } from './distinguishedName.ts'
import { generalizedTime } from './encoding.ts'
import { algorithmOids } from './signAlgo.ts'

/** What a request wants to be told of a credential. */
export interface Shown {
  readonly certificates: 'none' | 'single' | 'chain'
  readonly certInfo: boolean
  readonly authInfo: boolean
}

export interface CredentialInfo {
  readonly credentialID: string
  readonly description?: string
  readonly status: 'valid' | 'invalid'
  readonly key: {
    readonly status: 'enabled' | 'disabled'
    readonly algo: readonly string[]
    readonly len: number
    readonly curve?: string
  }
  readonly cert: { readonly status: string; readonly certificates?: readonly string[] }
  readonly auth: Auth
  readonly SCAL: string
  readonly multisign: number
  readonly lang: string
}

/** How the holder authorises; the EUDI wallet's library fails without the member `objects`. */
export interface Auth {
  readonly mode: 'explicit' | 'oauth2code'
  readonly expression?: string
  /** Null is the standard's word for absent. */
  readonly objects: readonly AuthObject[] | null
}

export interface AuthObject {
  readonly type: string
  readonly id: string
  readonly format: 'A' | 'N'
  readonly label: string
  readonly description: string
  /** What makes it. */
  readonly generator?: string
}

/** The same, as the API's document describes it. */
export const credentialResponse = z.object({
  credentialID: z.string(),
  description: z.string().optional(),
  status: z.enum(['valid', 'invalid']),
  key: z.object({
    status: z.enum(['enabled', 'disabled']),
    algo: z.array(z.string()),
    len: z.int(),
    curve: z.string().optional(),
  }),
  cert: z.object({
    status: z.enum(['valid', 'expired', 'revoked', 'suspended']),
    certificates: z.array(z.string()).optional(),
    issuerDN: z.string().optional(),
    serialNumber: z.string().optional(),
    subjectDN: z.string().optional(),
    validFrom: z.string().optional(),
    validTo: z.string().optional(),
  }),
  auth: z.object({
    mode: z.enum(['explicit', 'oauth2code']),
    expression: z.string().optional(),
    objects: z
      .array(
        z.object({
          type: z.string(),
          id: z.string(),
          format: z.enum(['A', 'N']),
          label: z.string(),
          description: z.string(),
          generator: z.string().optional(),
        }),
      )
      .nullable(),
  }),
  SCAL: z.enum(['1', '2']),
  multisign: z.int().min(1),
  lang: z.string(),
})

/** A credential as credentials/info and credentials/list describe it (CSC API v2.2, 11.7). */
export async function describeCredential(
  ctx: Context,
  row: CredentialRow,
  shown: Shown,
): Promise<CredentialInfo> {
  const status = certificateStatus(row)
  const enabled = row.state === 'enabled' && row.keyState === 'enabled'
  return {
    credentialID: row.id,
    ...(row.description === '' ? {} : { description: row.description }),
    // Beyond the standard: the one word that older clients of the Greek QTSP's interface look for.
    status: enabled && status === 'valid' ? 'valid' : 'invalid',
    key: { status: enabled ? 'enabled' : 'disabled', ...keyMembers(row) },
    cert: {
      status,
      ...(await certificateMembers(ctx, row, shown.certificates)),
      ...(shown.certInfo ? certificateInfo(row) : {}),
    },
    auth: authMembers(row, shown.authInfo),
    SCAL: String(row.scal),
    multisign: row.multisign,
    lang: ctx.config.csc.lang,
  }
}

function keyMembers(row: CredentialRow): { algo: string[]; len: number; curve?: string } {
  const type = keyTypes[row.keyTypeOfKey ?? row.keyType]
  const curve = type.curve?.oid
  return { algo: algorithmOids(type), len: type.bits, ...(curve === undefined ? {} : { curve }) }
}

function certificateStatus(row: CredentialRow): 'valid' | 'expired' | 'revoked' | 'suspended' {
  if (row.certificateState === 'revoked' || row.certificateState === 'suspended') return row.certificateState
  return row.certificateState === 'issued' && row.certificateExpired === false ? 'valid' : 'expired'
}

/** Base64 of DER, the leaf first, the root last. */
async function certificateMembers(
  ctx: Context,
  { certificate, certificateId }: CredentialRow,
  which: Shown['certificates'],
): Promise<{ certificates?: string[] }> {
  if (which === 'none' || certificate === null || certificateId === null) return {}
  const chain = which === 'single' ? [certificate] : await certificateChain(ctx.db, certificateId)
  return { certificates: chain.map((der) => der.toString('base64')) }
}

function certificateInfo({ certificate, notBefore, notAfter }: CredentialRow): Record<string, string> {
  if (certificate === null || notBefore === null || notAfter === null) return {}
  const { issuerDN, subjectDN, serialNumber } = certificateNames(certificate)
  return {
    issuerDN,
    serialNumber,
    subjectDN,
    validFrom: generalizedTime(notBefore),
    validTo: generalizedTime(notAfter),
  }
}

/** The ids of the authentication objects of an explicit credential. */
export const PIN_ID = 'PIN'
export const OTP_ID = 'OTP'

const PIN_OBJECT: AuthObject = {
  type: 'Password',
  id: PIN_ID,
  format: 'A',
  label: 'PIN',
  description: 'The PIN that the holder of the credential has set',
}

/** TABLE of what is asked for besides the PIN, by the kind of second factor. */
const otpObjects: Readonly<Partial<Record<SecondFactor['kind'], AuthObject>>> = {
  totp: {
    type: 'Password',
    id: OTP_ID,
    format: 'N',
    label: 'One-time code',
    description: 'The code that the authenticator app of the holder shows',
    generator: 'totp',
  },
  sent: {
    type: 'ChallengeResponseOOB',
    id: OTP_ID,
    format: 'N',
    label: 'One-time code',
    description: 'The code that was sent to the holder',
  },
}

/** Whatever the holder is asked besides is asked on the page, too. */
const OOB_OBJECT: AuthObject = {
  ...PIN_OBJECT,
  type: 'PasswordOOB',
  description: 'The holder is sent a link, and gives the PIN on a page of this service',
}

function authMembers(row: CredentialRow, authInfo: boolean): Auth {
  if (row.mode === 'oauth2code') return { mode: row.mode, objects: null }
  const mode = 'explicit'
  if (!authInfo) return { mode, objects: null }
  if (row.mode === 'oob') return { mode, expression: PIN_ID, objects: [OOB_OBJECT] }
  const factor = secondFactorOf(row)
  const otp = factor && otpObjects[factor.kind]
  if (otp === undefined) return { mode, expression: PIN_ID, objects: [PIN_OBJECT] }
  return { mode, expression: `${PIN_ID} AND ${OTP_ID}`, objects: [PIN_OBJECT, otp] }
}
