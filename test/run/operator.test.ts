import { expect } from 'chai'
import { Command } from 'commander'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { configSchema } from '../../config/config.ts'
import { addAuditCommands } from '../../scripts/cli/commands/audit.ts'
import { addCeremonyCommands } from '../../scripts/cli/commands/ceremonies.ts'
import { addClientCommands } from '../../scripts/cli/commands/clients.ts'
import { addClockCommands } from '../../scripts/cli/commands/clock.ts'
import { addCredentialCommands } from '../../scripts/cli/commands/credentials.ts'
import { addDeliveryCommands } from '../../scripts/cli/commands/deliveries.ts'
import { addIssuerCommands } from '../../scripts/cli/commands/issuers.ts'
import { addKeyCommands } from '../../scripts/cli/commands/keys.ts'
import { addOperatorCommands } from '../../scripts/cli/commands/operators.ts'
import { addPersonCommands } from '../../scripts/cli/commands/persons.ts'
import { addTokenCommands } from '../../scripts/cli/commands/tokens.ts'
import type { Open } from '../../scripts/cli/verb.ts'
import { METRIC_NAMES } from '../ops/metricNames.ts'
import { intaglio } from '../support/cli.ts'
import { startService, type TestService } from '../support/startService.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const page = read('docs/operator.md')

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, text = '']) => text,
  )
}

describe("The operator's page", () => {
  describe('beside a running service', () => {
    let service: TestService
    let home: string
    before(async () => {
      service = await startService()
      home = mkdtempSync(join(tmpdir(), 'intaglio-operator-'))
      mkdirSync(join(home, 'operators'))
      for (const [name, identity] of Object.entries(service.operators)) {
        const file = join(home, 'operators', `${name}.json`)
        writeFileSync(file, JSON.stringify({ ...identity, url: service.url }))
      }
    })
    after(async () => {
      rmSync(home, { recursive: true, force: true })
      await service.close()
    })
    afterEach(() => service.checkState())

    /** @returns what was printed */
    const run = async (command: string): Promise<string> => {
      const [program, ...args] = command.split(' ')
      if (program === 'curl') {
        const answer = await fetch(new URL(new URL(args.at(-1) ?? '').pathname, service.url))
        expect(answer.status, command).to.equal(200)
        return answer.text()
      }
      expect([program, args[0]], command).to.deep.equal(['npx', 'intaglio'])
      const { code, out, err } = await intaglio(args.slice(1), { env: { INTAGLIO_HOME: home } })
      expect(code, `${command}\n${err}`).to.equal(0)
      return out
    }

    const expectFlags = (printed: string): void => {
      for (const name of ['pin.countLow', 'pin.finalTry', 'pin.locked']) {
        expect(page).to.contain(name)
        expect(printed).to.match(new RegExp(`^${name} +false$`, 'm'))
      }
      expect(printed).to.match(/^firmware +[0-9.]+$/m)
    }

    it('shows commands that work, in the order in which they stand there', async () => {
      const commands = blocks('console').flatMap((block) => block.trimEnd().split('\n'))
      expect(commands).to.have.length.greaterThan(8)
      const ids = new Map<string, string>()
      for (const line of commands) {
        expect(line).to.match(/^\$ /)
        const command = line
          .slice(2)
          .replaceAll(/(?<= )\S+\.json$/g, (file) => join(home, file))
          .replaceAll(/<([a-z]+)>/g, (_all, noun: string) => ids.get(noun) ?? '?')
        const printed = await run(command)
        const id = /^id +(\S+)$/m.exec(printed)?.[1]
        const [, , noun] = command.split(' ')
        if (id !== undefined && noun !== undefined) ids.set(noun, id)
        if (line.endsWith('token show')) expectFlags(printed)
      }
    }).timeout(60_000)
  })

  it('names verbs of the command line that exist, and so does the page of alarms', () => {
    const program = new Command('intaglio')
    const nowhere: Open = () => {
      throw new Error('nothing is run')
    }
    const nouns = [
      addAuditCommands,
      addCeremonyCommands,
      addClientCommands,
      addClockCommands,
      addCredentialCommands,
      addDeliveryCommands,
      addIssuerCommands,
      addKeyCommands,
      addOperatorCommands,
      addPersonCommands,
      addTokenCommands,
    ]
    for (const add of nouns) add(program, nowhere)
    const verbs = program.commands.flatMap((noun) =>
      noun.commands.map((verb) => `${noun.name()} ${verb.name()}`),
    )
    const named = [...`${page}${read('docs/alarms.md')}`.matchAll(/(?:`|npx )intaglio ([a-z]+ [a-z-]+)/g)]
    expect(named).to.have.length.greaterThan(20)
    expect(verbs).to.include.members(named.map(([, verb]) => verb))
  })

  it('names fields of the configuration that exist', () => {
    const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' })
    const fields = new Set(fieldsOf(schema as Schema, ''))
    const table = /\n\| field \| why \|\n(.*?)\n\n/s.exec(page)?.[1] ?? ''
    const named = [...table.matchAll(/^\| (.*?) \|/gm)].flatMap(
      ([, cell = '']) => cell.match(/[a-z]+[A-Za-z.]*/g) ?? [],
    )
    expect(named).to.have.length.greaterThan(10)
    expect([...fields]).to.include.members(named)
  })

  it('makes the roles that a laptop has', async () => {
    const cluster = (await import(join(root, 'scripts/up/cluster.mjs'))) as {
      serviceRolesSql(passwords: Record<string, string>): string
    }
    const made = cluster.serviceRolesSql({ postgres: 'x', intaglio_owner: 'x', intaglio_service: 'x' })
    const statements = made.replaceAll(" password 'x'", '').split('\n').slice(1, -1)
    expect(blocks('sql').join('').trimEnd().split('\n')).to.deep.equal(statements.map((line) => `${line};`))
  })

  it('names metrics that exist', () => {
    const named = page.match(/\b(?:intaglio|nodejs|process)_[a-z_]+/g) ?? []
    const names = named.filter((name) => !['intaglio_owner', 'intaglio_service'].includes(name))
    expect(METRIC_NAMES).to.include.members(names)
  })

  it('leads nowhere that is not there; nor does the page of alarms', () => {
    for (const from of ['docs/operator.md', 'docs/alarms.md']) {
      for (const [, target = ''] of read(from).matchAll(/\]\(([^)]+)\)/g)) {
        const [path = '', anchor] = target.split('#')
        const file = path === '' ? from : join(dirname(from), path)
        expect(existsSync(join(root, file)), `${from}: ${target}`).to.equal(true)
        if (anchor !== undefined) expect(anchorsOf(read(file)), `${from}: ${target}`).to.include(anchor)
      }
    }
  })
})

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
}

/** `a.b` for each member, through lists. */
function fieldsOf(schema: Schema, prefix: string): string[] {
  const { properties = {}, items, anyOf = [] } = schema
  const inner = [...(items === undefined ? [] : [items]), ...anyOf].flatMap((one) => fieldsOf(one, prefix))
  const own = Object.entries(properties).flatMap(([name, member]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`
    return [path, ...fieldsOf(member, path)]
  })
  return [...inner, ...own]
}

/** As GitHub makes them of headings. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^a-z0-9 _-]/g, '')
      .replaceAll(' ', '-'),
  )
}
