import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect } from 'chai'
import { newIdentity, publicHalf, type Identity } from '../../src/api/admin/identity.ts'
import type { EndpointName } from '../../src/api/admin/matrix.ts'
import { signApproval } from '../../src/pki/ceremonyApproval.ts'
import { intaglio, type Ran } from '../support/cli.ts'
import { withClient } from '../support/database.ts'
import { install, type Installation, type ServerProcess } from '../support/serverProcess.ts'
import { callAdmin, type AdminAnswer } from '../support/tools.ts'

const root = resolve(import.meta.dirname, '../..')
const example = readFileSync(join(root, 'config/ceremony.example.yaml'), 'utf8')
export const PIN = '73912846'

/** Officers submit and run, two officers and an administrator approve, an auditor looks on. */
export const people = {
  submitter: newIdentity({ name: 'Signe', roles: ['security-officer', 'registration-officer'] }),
  officer: newIdentity({ name: 'Olga', roles: ['security-officer'] }),
  admin: newIdentity({ name: 'Adam', roles: ['administrator'] }),
  second: newIdentity({ name: 'Siri', roles: ['security-officer'] }),
  auditor: newIdentity({ name: 'Aud', roles: ['auditor'] }),
}
export type Person = keyof typeof people

/** A real service that makes no authorities by itself, and real people at the command line. */
export class Ground {
  readonly installation: Installation
  readonly ids = new Map<Person, string>()
  #server: ServerProcess
  url = ''

  private constructor(installation: Installation) {
    this.installation = installation
    this.#server = installation.run()
  }

  static async open(): Promise<Ground> {
    const installation = await install('test')
    installation.configure((config) => {
      Object.assign(config['ca'] as object, { madeBy: 'ceremony' })
      config['operators'] = Object.values(people).map((one) => ({
        name: one.name,
        roles: one.roles,
        publicKey: publicHalf(one),
      }))
    })
    mkdirSync(join(installation.home, 'keys'))
    for (const [name, identity] of Object.entries(people))
      writeFileSync(join(installation.home, 'keys', `${name}.json`), JSON.stringify(identity))
    const ground = new Ground(installation)
    ground.url = await ground.#server.ready()
    const { body } = await ground.admin('auditor', 'GET /operators')
    for (const { id, name } of (body as { items: { id: string; name: string }[] }).items) {
      const [person] = Object.entries(people).find(([, one]) => one.name === name) ?? []
      ground.ids.set(person as Person, id)
    }
    return ground
  }

  /** Ends the service as a power cut does, and starts another one. */
  async killAndRestart(): Promise<void> {
    this.#server.child.kill('SIGKILL')
    await this.#server.ended
    await this.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`,
    )
    this.#server = this.installation.run()
    this.url = await this.#server.ready()
  }

  id(person: Person): string {
    return this.ids.get(person) ?? ''
  }

  /** The example with this service's token, these approvers, and names of its own. */
  plan(generation: string, change: (text: string) => string = (text) => text): Buffer {
    const approvers: Person[] = ['officer', 'admin', 'second']
    const named = approvers.reduce(
      (text, person, index) =>
        text.replace(`00000000-0000-4000-8000-00000000000${index + 1}`, this.id(person)),
      example,
    )
    const text = named
      .replaceAll('token: intaglio', `token: ${this.installation.token.config.label}`)
      .replaceAll('P-384', 'P-256')
      .replaceAll('G1', generation)
    return Buffer.from(change(text))
  }

  run(person: Person, ...args: string[]): Promise<Ran> {
    const { home } = this.installation
    const env = { INTAGLIO_URL: this.url, INTAGLIO_OPERATOR: join(home, 'keys', `${person}.json`) }
    return intaglio(args, { env })
  }

  admin(
    person: Person,
    endpoint: EndpointName,
    { id, body }: { readonly id?: string; readonly body?: unknown } = {},
  ): Promise<AdminAnswer> {
    const identity: Identity = people[person]
    const params = id === undefined ? {} : { params: { id } }
    return callAdmin(this.url, identity, { endpoint, ...params, ...(body === undefined ? {} : { body }) })
  }

  /** Runs a ceremony. @returns the refusal */
  async refusedRun(id: string): Promise<readonly [number, unknown]> {
    return refusal(await this.admin('submitter', 'POST /ceremonies/:id/run', { id, body: {} }))
  }

  async submit(plan: Buffer): Promise<string> {
    const answer = await this.admin('submitter', 'POST /ceremonies', {
      body: { plan: plan.toString('base64') },
    })
    expect(answer.status, JSON.stringify(answer.body)).to.equal(201)
    return (answer.body as { id: string }).id
  }

  async approve(person: Person, id: string, plan: Buffer): Promise<AdminAnswer> {
    const sha256 = createHash('sha256').update(plan).digest()
    const signature = await signApproval(people[person].privateKey, { ceremony: id, plan: sha256 })
    return this.admin(person, 'POST /ceremonies/:id/approve', { id, body: { signature } })
  }

  sql<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
    return withClient(this.installation.database.superUrl, async (client) => {
      const { rows } = await client.query(text, values)
      return rows as Row[]
    })
  }
}

export const refusal = ({ status, body }: AdminAnswer): readonly [number, unknown] => [
  status,
  (body as { detail?: unknown }).detail,
]

/** What was seen on the way from a service without authorities to one with them. */
export interface Held {
  readonly ground: Ground
  /** Of the ceremony. */
  readonly id: string
  /** Where its transcript is, without .json and .md. */
  readonly transcript: string
  readonly ready: number
  readonly unenrolled: { readonly status: number; readonly retryAfter: string | null; readonly keys: number }
  readonly enrolled: number
  readonly submitted: Ran
  readonly self: Ran
  readonly approved: readonly Ran[]
  readonly unapproved: Ran
  readonly ran: Ran
  readonly verified: Ran
  /** Of each authority when it had been run, and how many of them were published by then. */
  readonly lists: readonly { readonly profile: string; readonly published: number; readonly all: number }[]
}

/** Holds the first ceremony, with a holder who comes before it and after it. */
export async function holdFirst(): Promise<Held> {
  const ground = await Ground.open()
  const { home } = ground.installation
  const ready = (await fetch(`${ground.url}/health/readiness`)).status
  const code = await enrolmentCode(ground)
  const before = await enrol(ground, code)
  const [{ keys } = { keys: -1 }] = await ground.sql<{ keys: number }>(
    'select count(*)::int as keys from key',
  )
  const unenrolled = { status: before.status, retryAfter: before.headers.get('retry-after'), keys }

  const [plan, transcript] = [join(home, 'plan.yaml'), join(home, 'first')]
  writeFileSync(plan, ground.plan('G1'))
  const submitted = await ground.run('submitter', 'ceremony', plan)
  const id = /^id (\S+)$/m.exec(submitted.out)?.[1] ?? ''
  const self = await ground.run('submitter', 'ceremony', 'approve', id)
  const one = await ground.run('officer', 'ceremony', 'approve', id, '--plan', plan)
  const unapproved = await ground.run('submitter', 'ceremony', 'run', id, '--out', transcript)
  const approved = [one, await ground.run('admin', 'ceremony', 'approve', id)]
  const ran = await ground.run('submitter', 'ceremony', 'run', id, '--out', transcript)
  const lists = await ground.sql<Held['lists'][number]>(
    `select c.profile, count(l.published)::int as published, count(*)::int as all
       from crl_list l join certificate c on c.id = l.issuer_id group by 1 order by 1 desc`,
  )
  const nowhere = ['--url', 'http://127.0.0.1:1']
  const verified = await ground.run('auditor', 'ceremony', 'verify', `${transcript}.json`, ...nowhere)
  const enrolled = (await enrol(ground, code)).status
  const ways = { submitted, self, approved, unapproved, ran, verified, lists }
  return { ground, id, transcript, ready, unenrolled, enrolled, ...ways }
}

/** A credential that waits for its holder. @returns the code of its link */
async function enrolmentCode(ground: Ground): Promise<string> {
  const made = async (endpoint: EndpointName, body: unknown): Promise<Record<string, unknown>> =>
    (await ground.admin(endpoint === 'POST /clients' ? 'admin' : 'submitter', endpoint, { body }))
      .body as Record<string, unknown>
  const person = await made('POST /persons', { givenName: 'Kari', surname: 'Nordmann', country: 'NO' })
  const client = await made('POST /clients', { name: 'Narvik' })
  const ids = { personId: person['id'], clientId: client['id'] }
  const { enrolment } = await made('POST /credentials', ids)
  return new URL((enrolment as { link: string }).link).hash.slice(1)
}

function enrol(ground: Ground, code: string): Promise<Response> {
  return fetch(`${ground.url}/enrol`, {
    method: 'POST',
    body: new URLSearchParams({ code, pin: PIN, again: PIN }),
  })
}
