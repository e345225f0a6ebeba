import { expect } from 'chai'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { strings } from '../../src/api/enrol/strings.ts'
import { intaglio, type Ran } from '../support/cli.ts'
import { install, type Installation } from '../support/serverProcess.ts'

/** The command line as a child process, against a service of profile dev in another: what a person has on a laptop. */
describe('the command line', function () {
  this.timeout(60_000)
  let installation: Installation
  let url: string
  before(async () => {
    installation = await install('dev')
    url = await installation.run().ready()
  })
  after(() => installation.remove())

  const run = (...args: string[]): Promise<Ran> =>
    intaglio(args, { env: { INTAGLIO_HOME: installation.home } })
  /** Runs with --json, and expects it to work. */
  const json = async (...args: string[]): Promise<Record<string, unknown>> => {
    const { code, out, err } = await run(...args, '--json')
    expect(code, err).to.equal(0)
    return JSON.parse(out) as Record<string, unknown>
  }
  const idOf = (item: Record<string, unknown>): string => String(item['id'])

  it('registers a person and opens a credential, whose holder sets the PIN by the link', async () => {
    const person = await json(
      'person',
      'create',
      '--given-name',
      'Kari',
      '--surname',
      'Nordmann',
      '--country',
      'NO',
    )
    const client = await json('client', 'create', 'Narvik')
    expect(client['clientSecret']).to.match(/^[A-Za-z0-9_-]{43}$/)
    const opened = await json('credential', 'create', '--person', idOf(person), '--client', idOf(client))
    const { link } = opened['enrolment'] as { link: string }
    expect(link.startsWith(`${url}/enrol#`)).to.equal(true)

    const form = new URLSearchParams({
      code: new URL(link).hash.slice(1),
      pin: '73912846',
      again: '73912846',
    })
    const answer = await fetch(`${url}/enrol`, { method: 'POST', body: form })
    expect(await answer.text()).to.contain(strings.en.doneTitle)

    const shown = await json('credential', 'show', idOf(opened))
    expect(shown).to.include({
      state: 'enabled',
      locked: false,
      clientId: idOf(client),
      personId: idOf(person),
    })
    expect((await json('credential', 'disable', idOf(opened)))['state']).to.equal('disabled')
    expect((await json('credential', 'enable', idOf(opened)))['state']).to.equal('enabled')
    expect((await json('credential', 'unlock', idOf(opened)))['locked']).to.equal(false)
  })

  it('prints for people unless it is told otherwise', async () => {
    const { code, out, err } = await run('client', 'list')
    expect(code, err).to.equal(0)
    const [head = '', ...rows] = out.trimEnd().split('\n')
    expect(head.split(/ +/)).to.deep.equal(['id', 'name', 'state', 'authentication', 'createdAt'])
    expect(rows.some((row) => row.startsWith('demo'))).to.equal(true)
    const one = await run('client', 'show', 'demo')
    expect(one.out).to.match(/^id {14}demo\nname {12}Demo\nstate {11}enabled\nauthentication {2}secret\n/)
  })

  it('lists acts one a line', async () => {
    const { code, out } = await run('audit', 'list', '--act', 'operator.create', '--limit', '2')
    expect(code).to.equal(0)
    const lines = out.trimEnd().split('\n')
    expect(lines).to.have.length(2)
    for (const line of lines) {
      expect(line).to.match(
        /^[0-9T:.-]+Z service operator\.create operator:[0-9a-f-]{36} key=[A-Za-z0-9_-]{43} roles=[a-z -]+$/,
      )
    }
  })

  it('goes on where a list ended', async () => {
    const first = await run('audit', 'list', '--limit', '1')
    const cursor = /--cursor (\S+)\n$/.exec(first.err)?.[1]
    expect(cursor).to.be.a('string')
    const second = await run('audit', 'list', '--limit', '1', '--cursor', cursor ?? '')
    expect(second.code).to.equal(0)
    expect(second.out).to.not.equal(first.out)
  })

  it('shows the token, its keys and what it can do', async () => {
    const { out } = await run('token', 'list')
    expect(out)
      .to.match(/^name +label +serial +manufacturer +model +up\n/)
      .and.to.match(/ true\n$/)
    const keys = await run('token', 'keys')
    expect(keys.out).to.match(/neverExtractable/)
    const probe = await run('token', 'probe')
    expect(probe.code, probe.err).to.equal(0)
    expect(probe.out).to.match(/P-256 +ecdsa-sha256 +true/)
    // No bar where nobody looks at it.
    expect(probe.err).to.equal('')
    const made = await json('token', 'generate', 'oauth', '--key-type', 'P-256')
    expect((await json('key', 'show', idOf(made)))['purpose']).to.equal('oauth')
    expect((await json('key', 'disable', idOf(made)))['state']).to.equal('disabled')
    const listed = await json('key', 'list', '--purpose', 'oauth')
    expect(listed['items']).to.have.length(1)
  })

  it('shows the clock, and vouches for none that has not jumped', async () => {
    expect(await json('clock', 'show')).to.deep.include({ trusted: true, troubles: [] })
    const vouched = await run('clock', 'vouch')
    expect(vouched).to.deep.include({ code: 1, out: '', err: 'The clock has not jumped.\n' })
  })

  it('enters an operator whose key was made on another machine', async () => {
    const file = join(installation.home, 'ola.json')
    const made = await json('operator', 'new-key', '--name', 'Ola', '--roles', 'auditor', '--out', file)
    expect(made).to.deep.equal({ privateKey: file, publicKey: join(installation.home, 'ola.pub.json') })
    expect(statSync(file).mode & 0o777).to.equal(0o600)
    expect(readFileSync(join(installation.home, 'ola.pub.json'), 'utf8')).to.not.contain('"d"')
    const entered = await json(
      ...['operator', 'create', '--name', 'Ola', '--roles', 'auditor'],
      ...['--public-key', join(installation.home, 'ola.pub.json')],
    )
    const own = await run('audit', 'list', '--limit', '1', '--operator', file)
    expect(own.code, own.err).to.equal(0)
    expect((await json('operator', 'roles', idOf(entered), 'administrator'))['roles']).to.deep.equal([
      'administrator',
    ])
    expect((await json('operator', 'disable', idOf(entered)))['state']).to.equal('disabled')
    const after = await intaglio(['audit', 'list'], {
      env: { INTAGLIO_HOME: installation.home, INTAGLIO_OPERATOR: file },
    })
    expect(after.code).to.equal(1)
    expect(after.err).to.equal('The signature is not that of an operator of this service.\n')
    const again = await run('operator', 'new-key', '--name', 'Ola', '--roles', 'auditor', '--out', file)
    expect(again.code).to.equal(2)
    expect(again.err).to.equal(`${file} is there already.\n`)
  })

  it('creates many from a file, and stops at the line that is refused', async () => {
    const file = join(installation.home, 'people.ndjson')
    const line = (surname: string) => JSON.stringify({ givenName: 'A', surname, country: 'NO' })
    writeFileSync(file, `${line('One')}\n${line('Two')}\n\n${line('')}\n${line('Four')}\n`)
    const { code, out, err } = await run('person', 'create', '--file', file)
    expect(code).to.equal(1)
    const made = out.trimEnd().split('\n')
    expect(made.map((text) => (JSON.parse(text) as { surname: string }).surname)).to.deep.equal([
      'One',
      'Two',
    ])
    expect(err).to.equal(`${file}, line 3: surname: Too small: expected string to have >=1 characters\n`)
  })

  it('erases a person only when it is meant', async () => {
    const person = await json(
      'person',
      'create',
      '--given-name',
      'Kort',
      '--surname',
      'Liv',
      '--country',
      'NO',
    )
    const asked = await run('person', 'erase', idOf(person))
    expect(asked.code).to.equal(2)
    expect(asked.err).to.equal('This cannot be undone: say --yes.\n')
    expect((await json('person', 'erase', idOf(person), '--yes'))['erased']).to.equal(true)
  })

  describe('ends with a status that a script can act on:', () => {
    it('1 when the service refuses', async () => {
      const { code, out, err } = await run('client', 'show', 'nobody')
      expect({ code, out, err }).to.deep.equal({ code: 1, out: '', err: 'There is no such client.\n' })
    })

    const ISSUE = ['certificate', 'issue', '--profile', 'ncp-l', '--request', 'package.json', '--subject']

    it('2 when it is used wrongly', async () => {
      for (const [args, sentence] of [
        [['client', 'nonsense'], /unknown command 'nonsense'/],
        [['client', 'show'], /missing required argument 'id'/],
        [['client', 'list', '--nonsense'], /unknown option '--nonsense'/],
        [['credential', 'create'], /^Give --person and --client, or --file\.\n$/],
        [
          ['credential', 'create', '--person', 'a', '--client', 'b', '--scal', 'two'],
          /^--scal takes a whole number\.\n$/,
        ],
        [['operator', 'roles', 'x', 'king'], /^There is no role "king"; there are security-officer, /],
        [
          ['operator', 'roles', 'x', 'auditor,administrator'],
          /^One operator cannot be auditor and administrator\.\n$/,
        ],
        [
          ['client', 'list', '--operator', '/nowhere.json'],
          /^\/nowhere\.json cannot be read \(ENOENT\)\.\n$/,
        ],
        [['client', 'list', '--url', 'nonsense'], /^nonsense is no URL\.\n$/],
        [['certificate', 'issue'], /^Give --profile, --request and --subject\.\n$/],
        [['certificate', 'show', '/nowhere.pem'], /^\/nowhere\.pem cannot be read \(ENOENT\)\.\n$/],
        [['certificate', 'show', 'package.json'], /^package\.json is no certificate\.\n$/],
        [
          ['certificate', 'export', '4f', '--der', '--chain'],
          /^DER is of one certificate: --chain goes without/,
        ],
        [
          [...ISSUE, 'Narvik'],
          /^--subject takes attributes such as "CN=Narvik seal, O=Narvik AS, C=NO"\.\n$/,
        ],
        [[...ISSUE, 'CN=a, CN=b'], /^--subject: CN stands there twice\.\n$/],
        [[...ISSUE, 'L=Narvik'], /^--subject: there is no "L"; there are C, O, OU, organizationIdentifier, /],
      ] as const) {
        const { code, err } = await run(...args)
        expect(code, args.join(' ')).to.equal(2)
        expect(err).to.match(sentence)
      }
    })

    it('2 when nobody here may do it', async () => {
      const nowhere = await intaglio(['client', 'list'], { env: { INTAGLIO_HOME: '/nowhere' } })
      expect(nowhere.code).to.equal(2)
      expect(nowhere.err).to.equal('Who are you? Name your key file by --operator or INTAGLIO_OPERATOR.\n')
    })

    it('3 when there is no service', async () => {
      const { code, err } = await run('client', 'list', '--url', 'http://127.0.0.1:1')
      expect(code).to.equal(3)
      expect(err).to.match(/^http:\/\/127\.0\.0\.1:1 cannot be reached \(.+\)\.\n$/)
    })

    it('0 for help, which has examples', async () => {
      for (const args of [
        ['--help'],
        ['credential', '--help'],
        ['operator', 'new-key', '--help'],
        ['--version'],
      ]) {
        const { code, out } = await run(...args)
        expect(code).to.equal(0)
        expect(out).to.not.equal('')
      }
      expect((await run('credential', '--help')).out).to.contain('$ intaglio credential create --person')
    })
  })
})
