import type { Config } from './config.ts'

/** Node majors that still get security fixes; older ones run, with a warning. */
const OLDEST_MAINTAINED_NODE = 22

/** Tokens that are files. As a `verifier`, which holds no keys, they are welcome. */
export const softwareTokens = [
  { name: 'SoftHSM', provider: 'softhsm', module: /softhsm/i },
  { name: 'NSS', provider: 'nss', module: /softokn/i },
] as const

/** Whether authorities are made by a plan that people approved, and not by the first start. */
export function authoritiesByCeremony({ profile, ca }: Pick<Config, 'profile' | 'ca'>): boolean {
  return profile === 'production' || ca.madeBy === 'ceremony'
}

/** What only a laptop may do. Empty outside production. Each sentence begins with the path. */
export function productionProblems(config: Config): string[] {
  if (config.profile !== 'production') return []
  const problems: string[] = []
  if (config.baseUrl === undefined) {
    problems.push('baseUrl: production needs the public https URL of this service')
  } else if (new URL(config.baseUrl).protocol !== 'https:') {
    problems.push('baseUrl: production is reached by https only')
  }
  const { url, ownerUrl } = config.database
  if (ownerUrl !== undefined && roleOf(ownerUrl) === roleOf(url)) {
    problems.push(
      'database.ownerUrl: must log in as another role than database.url: the service must not be able to change its audit log',
    )
  }
  if (config.messages.sender === 'file') {
    problems.push(
      'messages.sender: the file sender leaves one-time codes in files: production has none of it',
    )
  }
  config.tokens.forEach((token, index) => {
    const software = softwareTokens.find(
      ({ provider, module }) => token.provider === provider || module.test(token.module),
    )
    if (software !== undefined) {
      problems.push(
        `tokens.${index}.module: ${software.name} keeps keys in files: production needs a hardware token`,
      )
    }
  })
  if (config.ca.madeBy === 'start') {
    problems.push('ca.madeBy: production makes its authorities by a ceremony that people approved')
  }
  if (config.outgoing.privateHosts.length > 0) {
    problems.push('outgoing.privateHosts: production calls public addresses only')
  }
  return problems
}

export function productionWarnings(config: Config, nodeVersion: string): string[] {
  if (config.profile !== 'production') return []
  const warnings: string[] = []
  if (Number.parseInt(nodeVersion, 10) < OLDEST_MAINTAINED_NODE) {
    warnings.push(`Node ${nodeVersion} gets no security fixes any more: run a maintained LTS (22 or newer)`)
  }
  if (config.ca.publicUrl?.startsWith('http:') !== true) {
    warnings.push(
      'ca.publicUrl: revocation lists are to be reached by plain http (EN 319 412-2, GEN-4.3.11-4): set it before the first start',
    )
  }
  if (config.tsa !== undefined && config.clock.ntpServers.length < 3) {
    warnings.push(
      'clock.ntpServers: timestamps want a clock that is compared with others; name three servers or more',
    )
  }
  config.tokens.forEach((token, index) => {
    if (token.pin.allowFinalTry) {
      warnings.push(
        `tokens.${index}.pin.allowFinalTry is on: a wrong PIN would lock the token; set it for one start only`,
      )
    }
  })
  return warnings
}

/** The login role of a connection URL; '' where it leaves that to its environment. */
function roleOf(url: string): string {
  try {
    const parsed = new URL(url)
    return decodeURIComponent(parsed.username) || (parsed.searchParams.get('user') ?? '')
  } catch {
    return ''
  }
}
