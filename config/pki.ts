import { z } from 'zod'
import type { Config } from './config.ts'
import { softwareTokens } from './production.ts'

/**
 * Profiles that natural persons' certificates may have, and the device that each asserts: 'secure', a certified secure
 * cryptographic device, or 'qscd', a qualified signature creation device. The rows stand in src/pki/profiles.ts, for operators
 * in docs/pki.md.
 */
export const naturalProfiles = {
  'ncp-n': undefined,
  'ncp-n-plus': 'secure',
  'qcp-n': 'secure',
  'qcp-n-qscd': 'qscd',
  'short-term': undefined,
  'short-term-qscd': 'qscd',
} as const
export type NaturalProfile = keyof typeof naturalProfiles

const QUALIFIED: ReadonlySet<NaturalProfile> = new Set(['qcp-n', 'qcp-n-qscd', 'short-term-qscd'])

const isHttps = (url: string): boolean => url.startsWith('https://')
/** As an IA5String has it. */
const address = z.url().regex(/^https?:\/\/[\x21-\x7e]{1,200}$/, 'an address by http or https')

/** Members of `ca` that certificates are made by. */
export const pkiFields = {
  /**
   * The organization's identifier (EN 319 412-1, 5.1.4), such as NTRNO-987654321: stands in the names of authorities and
   * services. EN 319 412-3 wants it of seals, and so of time-stamping units.
   */
  organizationIdentifier: z.string().min(1).max(128).optional(),
  /** Address of the certification practice statement: stands in each certificate with a policy (RFC 5280, 4.2.1.4). */
  cps: address.optional(),
  /** PKI disclosure statements, by https, by language (ISO 639-1); of qualified certificates one is English (EN 319 412-5, 4.3.4). */
  pds: z
    .array(
      z.strictObject({
        language: z.string().regex(/^[a-z]{2}$/, 'two small letters, such as en'),
        url: address.refine(isHttps, 'https'),
      }),
    )
    .max(10)
    .default([]),
  /** Profile of the certificates that credentials of natural persons get. Those that assert a device need `device`. */
  naturalPersons: z.enum(Object.keys(naturalProfiles) as [NaturalProfile]).default('ncp-n'),
  /**
   * The certified device that certificates speak of: QcCompliance, QcSSCD and the policies NCP+ and QCP are written only where
   * it is declared, QcSSCD only for keys in its token. Software is none.
   */
  device: z
    .strictObject({
      /** Name of the token. */
      token: z.string().min(1),
      /** 'qscd': a qualified signature and seal creation device; 'secure': certified, but not as one. */
      certifiedAs: z.enum(['secure', 'qscd']),
      /** Which certification, for whoever reviews this file: the scheme and the number. */
      certificate: z.string().min(3).max(200),
    })
    .optional(),
}

/** What certificates would assert, and the configuration does not bear out. Each sentence begins with the path. */
export function pkiProblems({ ca, tokens }: Pick<Config, 'ca' | 'tokens'>): string[] {
  const { device, naturalPersons: name, pds } = ca
  const problems: string[] = []
  const token = tokens.find((one) => one.name === device?.token)
  const software =
    token &&
    softwareTokens.find(({ provider, module }) => token.provider === provider || module.test(token.module))
  if (device !== undefined && token === undefined) {
    problems.push(`ca.device.token: there is no token '${device.token}'`)
  }
  if (software !== undefined) {
    problems.push(
      `ca.device.token: '${device?.token ?? ''}' is ${software.name}: software is no certified device`,
    )
  }
  const wanted = naturalProfiles[name]
  if (wanted !== undefined && device === undefined) {
    problems.push(`ca.naturalPersons: ${name} asserts a certified device, and ca.device declares none`)
  } else if (wanted === 'qscd' && device?.certifiedAs !== 'qscd') {
    problems.push(`ca.naturalPersons: ${name} asserts a QSCD, and ca.device is certified as none`)
  }
  if (wanted !== undefined && token?.purposes?.includes('signing') === false) {
    problems.push(`ca.device.token: '${token.name}' makes no keys of persons (purposes)`)
  }
  if (QUALIFIED.has(name) && !pds.some(({ language }) => language === 'en')) {
    problems.push(`ca.pds: ${name} names a PKI disclosure statement in English`)
  }
  return problems
}
