import { expect } from 'chai'
import { X509Certificate } from 'node:crypto'
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { install, type Installation } from '../support/serverProcess.ts'
import { withClient } from '../support/database.ts'

interface Demo {
  readonly baseUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly userID: string
  readonly credentialID: string
  readonly oauth2CodeCredentialID: string
  readonly pin: string
  readonly issuer: string
  readonly caCertificate: string
}

describe('a development start', function () {
  this.timeout(60_000)
  let installation: Installation
  before(async () => {
    installation = await install('dev')
  })
  after(() => installation.remove())

  /** Starts, reads what was written down, and ends. */
  const start = async (): Promise<{ url: string; demo: Demo }> => {
    const server = installation.run()
    const url = await server.ready()
    const demo = JSON.parse(readFileSync(join(installation.home, 'demo.json'), 'utf8')) as Demo
    server.child.kill('SIGTERM')
    expect((await server.ended).code).to.equal(0)
    return { url, demo }
  }
  const credentials = () =>
    withClient(installation.database.superUrl, async (client) => {
      const { rows } = await client.query(
        `select key_type, scal, mode, state, client_id from credential order by created_at`,
      )
      return rows as unknown[]
    })
  const enabled = { key_type: 'P-256', scal: 2, mode: 'explicit', state: 'enabled', client_id: 'demo' }
  const opened = { ...enabled, mode: 'oauth2code' }
  let first: Demo

  it('makes a client, a person and two credentials, and writes them down for one user only', async () => {
    const { url, demo } = await start()
    first = demo
    expect(demo).to.have.all.keys(
      ...['baseUrl', 'clientId', 'clientSecret', 'redirectUri', 'userID', 'credentialID', 'pin'],
      ...['oauth2CodeCredentialID', 'issuer', 'caCertificate'],
    )
    expect(demo.baseUrl).to.equal(url)
    expect(demo.pin).to.match(/^[0-9]{8}$/)
    expect(demo.issuer).to.match(/^did:key:zDn/)
    expect(statSync(join(installation.home, 'demo.json')).mode & 0o777).to.equal(0o600)
    const ca = new X509Certificate(readFileSync(demo.caCertificate))
    expect(ca.ca).to.equal(true)
    expect(ca.verify(ca.publicKey)).to.equal(true)
    expect(await credentials()).to.deep.equal([enabled, opened])
  })

  it('makes key files for three operators', () => {
    const folder = join(installation.home, 'operators')
    expect(readdirSync(folder).sort()).to.deep.equal(['admin.json', 'auditor.json', 'officer.json'])
    for (const name of readdirSync(folder)) {
      expect(statSync(join(folder, name)).mode & 0o777).to.equal(0o600)
    }
  })

  it('keeps them over the next start, at another address', async () => {
    const operators = () =>
      withClient(installation.database.superUrl, async (client) => {
        const { rows } = await client.query('select thumbprint, roles from operator order by name')
        return rows as unknown[]
      })
    const before = await operators()
    expect(before).to.have.length(3)
    const { url, demo } = await start()
    expect(url).to.not.equal(first.baseUrl)
    expect(demo).to.deep.equal({ ...first, baseUrl: url })
    expect(await operators()).to.deep.equal(before)
    expect(await credentials()).to.deep.equal([enabled, opened])
  })

  it('makes new credentials when the PIN is lost', async () => {
    rmSync(join(installation.home, 'demo.json'))
    const { demo } = await start()
    expect(demo.credentialID).to.not.equal(first.credentialID)
    expect(demo).to.include({ clientSecret: first.clientSecret, issuer: first.issuer })
    expect(await credentials()).to.deep.equal([enabled, opened, enabled, opened])
    first = demo
  })

  it('makes a new credential when what it wrote cannot be read, or the credential cannot sign', async () => {
    writeFileSync(join(installation.home, 'demo.json'), '{ "pin": ')
    const { demo } = await start()
    expect(demo.credentialID).to.not.equal(first.credentialID)
    await withClient(installation.database.superUrl, (client) =>
      client.query(`update credential set state = 'disabled' where id = $1`, [demo.credentialID]),
    )
    expect((await start()).demo.credentialID).to.not.equal(demo.credentialID)
  })

  it('adds what a file of an older version does not name', async () => {
    const path = join(installation.home, 'demo.json')
    const {
      oauth2CodeCredentialID: gone,
      redirectUri,
      ...old
    } = JSON.parse(readFileSync(path, 'utf8')) as Demo & Record<string, unknown>
    writeFileSync(path, JSON.stringify(old))
    await withClient(installation.database.superUrl, (client) =>
      client.query(`update client set redirect_uris = '{}' where id = 'demo'`),
    )
    const { demo } = await start()
    expect(demo).to.deep.include({ userID: old.userID, credentialID: old.credentialID, redirectUri })
    expect(demo.oauth2CodeCredentialID)
      .to.match(/^[0-9a-f]{32}$/)
      .and.not.equal(gone)
    await withClient(installation.database.superUrl, async (client) => {
      const { rows } = await client.query(`select redirect_uris from client where id = 'demo'`)
      expect(rows).to.deep.equal([{ redirect_uris: [redirectUri] }])
    })
  })

  it('makes another issuer when the one it made was disabled', async () => {
    await withClient(installation.database.superUrl, (client) =>
      client.query(`update credential_issuer set state = 'disabled' where identifier = $1`, [first.issuer]),
    )
    const { demo } = await start()
    expect(demo.issuer)
      .to.match(/^did:key:zDn/)
      .and.not.equal(first.issuer)
  })

  it('is what production refuses to go on with', async () => {
    installation.configure((config) => {
      Object.assign(config, { profile: 'production', baseUrl: 'https://sign.example.org' })
      // A hardware token as far as the configuration can tell.
    })
    const { code, err } = await installation.run().ended
    expect(code).to.equal(1)
    expect(err).to.match(/tokens\.0\.module: SoftHSM keeps keys in files/)
  })
})
