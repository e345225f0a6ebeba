import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import { Clone, type User } from './clone.ts'
import { Running, type StartOptions } from './running.ts'

const isRoot = process.getuid?.() === 0

describe('Starting the service', function () {
  this.timeout(60_000)
  let clone: Clone
  const starts: Running[] = []

  const start = (options: Omit<StartOptions, 'clone'>): Running => {
    const running = new Running({ clone, ...options })
    starts.push(running)
    return running
  }
  /** What a start that fails says, and nothing else. */
  const refusal = async (options: Omit<StartOptions, 'clone'>): Promise<string> => {
    const running = start(options)
    await running.closed
    expect(await running.exited).to.equal(1)
    expect(running.stdout).to.equal('')
    return running.stderr
  }

  before(() => {
    clone = new Clone({ mode: 0o755 })
  })
  afterEach(() => Promise.all(starts.splice(0).map((running) => running.stop())))
  after(() => clone.remove('one', 'two'))

  describe('as it should', () => {
    let one: Running
    let url: string
    const startOne = async (): Promise<void> => {
      one = new Running({ clone, name: 'one' })
      url = await one.ready()
    }
    before(startOne)
    after(() => one.stop())

    it('prints one line, and keeps what is secret to its owner', () => {
      expect(one.stdout).to.equal(`Intaglio ready at ${url}\n`)
      const home = clone.home('one')
      for (const file of [
        'database-url',
        'database-owner-url',
        'pg-passwords.json',
        'demo.json',
        'token/so-pin',
      ]) {
        expect(statSync(join(home, file)).mode & 0o777, file).to.equal(0o600)
      }
      const demo = JSON.parse(readFileSync(join(home, 'demo.json'), 'utf8')) as Record<string, unknown>
      const client = ['baseUrl', 'clientId', 'clientSecret', 'redirectUri', 'caCertificate']
      const holder = ['userID', 'credentialID', 'pin', 'oauth2CodeCredentialID', 'issuer']
      expect(demo).to.have.all.keys([...client, ...holder])
      expect(demo['baseUrl']).to.equal(url)
      expect(readFileSync(String(demo['caCertificate']), 'utf8')).to.contain('BEGIN CERTIFICATE')
    })

    it('shows no password in the arguments of any process', () => {
      const file = readFileSync(join(clone.home('one'), 'pg-passwords.json'), 'utf8')
      const passwords = Object.values(JSON.parse(file) as Record<string, string>)
      const lines = one.processes().map(({ command }) => command)
      expect(lines.filter((line) => passwords.some((password) => line.includes(password)))).to.deep.equal([])
    })

    it('lets two services with two homes live side by side', async () => {
      const two = start({ name: 'two' })
      expect(await two.ready()).to.not.equal(url)
      await two.stop()
      expect((await fetch(`${url}/`)).status).to.be.a('number')
    })

    it('keeps the credential, and takes another port for Postgres where the last one is taken', async () => {
      const demo = () =>
        JSON.parse(readFileSync(join(clone.home('one'), 'demo.json'), 'utf8')) as { credentialID: string }
      const before = demo().credentialID
      await one.stop()
      const portFile = join(clone.home('one'), 'pg-port')
      const taken = await listen(Number(readFileSync(portFile, 'utf8')))
      try {
        await startOne()
        expect(Number(readFileSync(portFile, 'utf8'))).to.not.equal(portOf(taken))
        expect(demo().credentialID).to.equal(before)
      } finally {
        taken.close()
      }
    })
  })

  describe('where it cannot', () => {
    it('says that its port is in use', async () => {
      const taken = await listen(0)
      try {
        const said = await refusal({ name: 'one', env: { PORT: String(portOf(taken)) } })
        expect(said).to.contain(
          `Port ${portOf(taken)} on 127.0.0.1 is in use: stop what listens there, or set PORT.\n`,
        )
      } finally {
        taken.close()
      }
    })

    it('says that a database is not there', async () => {
      const free = await listen(0)
      const port = portOf(free)
      await new Promise((resolve) => free.close(resolve))
      const said = await refusal({
        name: 'one',
        env: { DATABASE_URL: `postgres://nobody@127.0.0.1:${port}/none` },
      })
      expect(said).to.contain(
        `The database at 127.0.0.1:${port}/none cannot be reached: start it, or set DATABASE_URL.\n`,
      )
    })

    it('says that its module is not there', async () => {
      const said = await refusal({ name: 'one', env: { PKCS11_MODULE: '/nowhere/pkcs11.so' } })
      expect(said).to.equal(
        'PKCS11_MODULE names /nowhere/pkcs11.so, which is not there. Correct it, or unset it to use SoftHSM.\n',
      )
    })

    it('says that its token is gone, and makes no other in its place', async () => {
      await start({ name: 'two' }).ready()
      await starts.pop()?.stop()
      const tokens = join(clone.home('two'), 'token', 'tokens')
      rmSync(tokens, { recursive: true })
      const said = await refusal({ name: 'two' })
      expect(said).to.contain(
        `The token that was in ${tokens} is gone, and its keys with it. Put it back, or remove `,
      )
      rmSync(clone.home('two'), { recursive: true })
    })

    it('says that its home is not a place to write to', async () => {
      writeFileSync(clone.home('file'), '')
      const said = await refusal({ name: 'file' })
      expect(said).to.match(/cannot be written to \(E[A-Z]+\)\. Choose another place by INTAGLIO_HOME\.\n$/)
    })
  })
})

describe('Starting the service elsewhere', function () {
  this.timeout(60_000)

  it('works as root in a folder that is closed to others', async function () {
    if (!isRoot) return skip(this, 'it takes root')
    const clone = new Clone({ mode: 0o700 })
    const running = new Running({ clone, name: 'one' })
    try {
      await running.ready()
      const elsewhere = clone.elsewhere('one')
      expect(elsewhere).to.match(/^\/var\/tmp\/intaglio-[0-9a-f]{16}$/)
      expect(statSync(join(elsewhere ?? '', 'pg')).uid).to.not.equal(0)
    } finally {
      await running.stop()
      clone.remove('one')
    }
  })

  it('works as an ordinary user', async function () {
    const user: User | undefined = isRoot ? { uid: 65534, gid: 65534 } : undefined
    if (user && spawnSync(process.execPath, ['--version'], user).status !== 0) {
      return skip(this, 'an ordinary user does not reach this Node')
    }
    const clone = new Clone({ mode: 0o700, owner: user })
    const running = new Running({ clone, name: 'one', user })
    try {
      await running.ready()
      expect(clone.elsewhere('one')).to.equal(undefined)
    } finally {
      await running.stop()
      clone.remove('one')
    }
  })
})

function skip(context: Mocha.Context, reason: string): never {
  console.log(`      skipped: ${reason}`)
  return context.skip()
}

async function listen(port: number): Promise<Server> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return server
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}
