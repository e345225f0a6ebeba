import { expect } from 'chai'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { addressOf } from '../../config/databaseTls.ts'
import { install, type Installation } from '../support/serverProcess.ts'
import { hang } from '../support/hang.ts'

describe('the server process', function () {
  // Real processes, and a token that is looked for more than once before it is given up.
  this.timeout(60_000)
  let installation: Installation
  before(async () => {
    installation = await install()
  })
  after(() => installation.remove())

  it('prints one line when it serves, and ends with 0 when it is told to', async () => {
    const server = installation.run()
    const url = await server.ready()
    expect((await fetch(`${url}/health`)).status).to.equal(200)
    server.child.kill('SIGTERM')
    const { code, out, err } = await server.ended
    expect(code).to.equal(0)
    expect(out).to.equal(`Intaglio ready at ${url}\n`)
    expect(err).to.equal('')
  })

  it('drains on SIGINT, once, although the signal comes twice at the same time', async () => {
    const server = installation.run()
    await server.ready()
    server.child.kill('SIGINT')
    server.child.kill('SIGTERM')
    expect((await server.ended).code).to.equal(0)
  })

  it('ends at once when it is told a second time', async () => {
    const server = installation.run({ INTAGLIO_HTTP_DRAIN_SECONDS: '120' })
    const socket = await hang(await server.ready())
    const before = Date.now()
    server.child.kill('SIGTERM')
    // Longer than what counts as the same signal.
    await pause(700)
    server.child.kill('SIGTERM')
    expect((await server.ended).code).to.equal(1)
    expect(Date.now() - before).to.be.lessThan(10_000)
    socket.destroy()
  })

  it('drains when its parent vanishes', async () => {
    const server = installation.run({}, { parent: true })
    await server.ready()
    server.child.stdio[3]?.destroy()
    expect((await server.ended).code).to.equal(0)
  })

  it('that is told to end while it starts ends as soon as it is up', async () => {
    const server = installation.run({ INTAGLIO_LOG_LEVEL: 'info' })
    if (server.child.stdout === null) throw new Error('no output')
    // The first line of its log: a signer is ready, and much is still to come.
    await once(server.child.stdout, 'data')
    server.child.kill('SIGTERM')
    const { code, out } = await server.ended
    expect(code).to.equal(0)
    expect(out).to.not.match(/^Intaglio ready/m)
  })

  describe('says in a sentence, without a stack, why it does not start:', () => {
    const failure = async (env: Record<string, string>) => {
      const { code, out, err } = await installation.run(env).ended
      expect(out).to.not.match(/^Intaglio ready/m)
      expect(code).to.equal(1)
      return err
    }

    it('a port that is in use', async () => {
      const other = createServer().listen(0, '127.0.0.1')
      await once(other, 'listening')
      const { port } = other.address() as AddressInfo
      expect(await failure({ PORT: String(port) })).to.equal(
        `Port ${port} on 127.0.0.1 is in use: stop what listens there, or set PORT.\n`,
      )
      other.close()
    })

    it('an address that is another machine’s', async () => {
      expect(await failure({ INTAGLIO_HTTP_HOST: '192.0.2.1' })).to.equal(
        '192.0.2.1 is no address of this machine: set http.host.\n',
      )
    })

    it('a database that is not there', async () => {
      const url = 'postgres://someone:hidden-word@127.0.0.1:1/intaglio'
      const file = join(installation.home, 'nowhere-url')
      writeFileSync(file, url)
      const env = { INTAGLIO_DATABASE_URL_FILE: file, INTAGLIO_DATABASE_OWNER_URL_FILE: file }
      expect(await failure(env)).to.equal(
        'The database at 127.0.0.1:1/intaglio cannot be reached: start it, or set DATABASE_URL.\n',
      )
    })

    it('a database whose socket is not there', async () => {
      const file = join(installation.home, 'no-socket-url')
      writeFileSync(file, 'postgres://someone:hidden-word@/intaglio?host=/nowhere')
      const env = { INTAGLIO_DATABASE_URL_FILE: file, INTAGLIO_DATABASE_OWNER_URL_FILE: file }
      expect(await failure(env)).to.equal(
        'The database at /nowhere/intaglio cannot be reached: start it, or set DATABASE_URL.\n',
      )
    })

    it('a database that refuses the password', async () => {
      const url = new URL(installation.database.url)
      url.password = 'wrong-word'
      const file = join(installation.home, 'refused-url')
      writeFileSync(file, url.href)
      expect(await failure({ INTAGLIO_DATABASE_URL_FILE: file })).to.equal(
        `The database at ${addressOf(url.href).shown} refused the password: set DATABASE_URL.\n`,
      )
    })

    it('a setting that is not there', async () => {
      expect(await failure({ INTAGLIO_HTTP_PROT: '1', INTAGLIO_CSC_NAM: 'x' })).to.equal(
        'The configuration cannot be used:\n' +
          '  INTAGLIO_HTTP_PROT: no setting has this name\n' +
          '  INTAGLIO_CSC_NAM: no setting has this name\n',
      )
    })

    it('a token that is not there', async () => {
      const err = await failure({ INTAGLIO_TOKENS_0_LABEL: 'another' })
      expect(err).to.match(/^The token "another" cannot be used: .+\n$/)
      expect(err.trim().split('\n')).to.have.length(1)
    })

    it('a module that is not there', async () => {
      const err = await failure({ PKCS11_MODULE: '/nowhere/lib.so' })
      expect(err).to.match(/^The token "intaglio-test" cannot be used: .+\n$/)
      expect(err.trim().split('\n')).to.have.length(1)
    })

    it('a wrong PIN, which is tried once in the life of its version', async () => {
      const file = join(installation.home, 'wrong-pin')
      writeFileSync(file, '000000\n', { mode: 0o600 })
      const env = { INTAGLIO_TOKENS_0_PIN_FILE: file, INTAGLIO_TOKENS_0_PIN_VERSION: '2' }
      const first = await failure(env)
      const second = await failure(env)
      for (const err of [first, second]) {
        expect(err).to.match(/PIN/)
        expect(err).to.not.match(/000000|\n\s+at /)
        expect(err.trim().split('\n')).to.have.length(1)
      }
      expect(second).to.contain('raise pin.version in the configuration')
    })
  })
})
