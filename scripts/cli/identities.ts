import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { identitySchema, type Identity } from '../../src/api/admin/identity.ts'
import { matrix, type EndpointName } from '../../src/api/admin/matrix.ts'
import { Failure } from './failure.ts'
import type { Connection } from './transport.ts'

export interface Surroundings {
  /** --operator, or INTAGLIO_OPERATOR. */
  readonly operatorFile: string | undefined
  /** --url, or INTAGLIO_URL. */
  readonly url: string | undefined
  /** INTAGLIO_HOME: where a development service keeps its operators' key files. */
  readonly home: string
  /** --ca, --certificate, --key, or INTAGLIO_CA, INTAGLIO_CERTIFICATE, INTAGLIO_KEY. */
  readonly connection: Connection
}

/** The operator who makes the request: the one who was named, or the first in the home whose roles suffice. */
export function chooseIdentity(where: Surroundings, endpoint: EndpointName): Identity {
  if (where.operatorFile !== undefined) return readIdentity(where.operatorFile)
  const folder = join(where.home, 'operators')
  const identities = keyFiles(folder).map(readIdentity)
  if (identities.length === 0) {
    throw new Failure('usage', 'Who are you? Name your key file by --operator or INTAGLIO_OPERATOR.')
  }
  const needed: readonly string[] = matrix[endpoint]
  const able = identities.find((identity) => identity.roles.some((role) => needed.includes(role)))
  if (able !== undefined) return able
  throw new Failure(
    'usage',
    `This takes one of these roles: ${needed.join(', ')}. Nobody in ${folder} has one: name a key file by --operator.`,
  )
}

/** Where the service is: as told, as the operator's file says, or as a service of this machine wrote down. */
export function serviceUrl(where: Surroundings, identity: Identity): string {
  const url = where.url ?? identity.url ?? writtenDown(where.home)
  if (url === undefined) throw new Failure('usage', 'Which service? Name it by --url or INTAGLIO_URL.')
  if (!URL.canParse(url)) throw new Failure('usage', `${url} is no URL.`)
  return url.replace(/\/+$/, '')
}

function writtenDown(home: string): string | undefined {
  try {
    const { baseUrl } = JSON.parse(readFileSync(join(home, 'demo.json'), 'utf8')) as { baseUrl?: unknown }
    return typeof baseUrl === 'string' ? baseUrl : undefined
  } catch {
    return undefined
  }
}

function keyFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json') && !name.endsWith('.pub.json'))
      .sort()
      .map((name) => join(folder, name))
  } catch {
    return []
  }
}

function readIdentity(path: string): Identity {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new Failure(
      'usage',
      `${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unreadable'}).`,
    )
  }
  const parsed = identitySchema.safeParse(parsedJson(text))
  if (!parsed.success) throw new Failure('usage', `${path} is not an operator's key file.`)
  return parsed.data
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
