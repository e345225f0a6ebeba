import {
  chownSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect } from 'chai'
import pg from 'pg'
import { freePort } from '../support/ownPostgres.ts'
import { Buildah, probeBuildah, type BuiltImage } from './buildah.ts'
import { ComposedDatabase, probeYaml, readCompose, type ComposeFile } from './composedDatabase.ts'
import { ContainedService } from './containedService.ts'
import { judge, type Probe } from './judge.ts'

const root = resolve(import.meta.dirname, '../..')
const UID = 10001
const MINUTES = 60_000
const TOOLS = /^(gcc|g\+\+|cc|c\+\+|make|python3?|npm|npx|corepack|yarn|openssl|curl|git)$/
const DEMO = ['node', 'scripts/demo.mjs', '/tmp/some.pdf']

judge('a container image built by Buildah', probe, (tally) => {
  const buildah = new Buildah()
  const compose: ComposeFile = readCompose()
  let production: BuiltImage
  let dev: BuiltImage

  before(async function () {
    this.timeout(30 * MINUTES)
    production = await buildah.build('production')
    dev = await buildah.build('dev')
    for (const { name, seconds, megabytes } of [production, dev]) {
      console.log(`    ${name.replace(/-\d+$/, '')}: ${megabytes} MB, built in ${seconds.toFixed(0)} s`)
      tally.add('images')
    }
  })
  after(async function () {
    this.timeout(5 * MINUTES)
    await buildah.remove()
  })

  describe('production', () => {
    let container: string
    let files: string

    before(async function () {
      this.timeout(MINUTES)
      container = await buildah.container(production)
      files = await buildah.mount(container)
    })

    it('says how it runs: unprivileged, node itself, ended by SIGTERM, looked after', async () => {
      const config = await buildah.config(production)
      expect(config.User).to.equal(`${UID}:${UID}`)
      expect(config.Entrypoint ?? []).to.deep.equal([])
      const heap = ['--min-semi-space-size=32', '--max-semi-space-size=32', '--heap-growing-percent=100']
      expect(config.Cmd).to.deep.equal(['node', ...heap, 'dist/src/server.js'])
      expect(config.StopSignal).to.equal('SIGTERM')
      expect(config.Healthcheck.Test.slice(0, 3)).to.deep.equal(['CMD', 'node', '-e'])
      expect(config.Env.join('\n')).not.to.match(/PKCS11_MODULE|PIN|PASSWORD|SECRET|TOKEN/i)
      expect(config.Labels).to.include({ 'org.opencontainers.image.licenses': 'Apache-2.0' })
    })

    it('loads the binding as its own user, with a maintained Node', async () => {
      const script = "require('pkcs11js'); console.log(process.getuid(), process.version)"
      const [uid, version = ''] = (await buildah.run(container, ['node', '-e', script])).trim().split(' ')
      expect(Number(uid)).to.equal(UID)
      expect(Number.parseInt(version.slice(1), 10)).to.be.at.least(22)
    })

    it('has no compiler, no package manager, no sources, no tests and no SoftHSM', () => {
      const commands = ['bin', 'sbin', 'usr/bin', 'usr/sbin', 'usr/local/bin'].flatMap((folder) =>
        readdirSync(join(files, folder)),
      )
      expect(commands.filter((name) => TOOLS.test(name))).to.deep.equal([])
      expect(readdirSync(join(files, 'opt/intaglio')).sort()).to.deep.equal(
        ['LICENSE', 'dist', 'node_modules', 'package.json', 'scripts'].sort(),
      )
      expect(walk(join(files, 'opt/intaglio/dist')).filter((path) => /\.(ts|map)$/.test(path))).to.deep.equal(
        [],
      )
      expect(walk(join(files, 'usr')).filter((path) => /softhsm/i.test(path))).to.deep.equal([])
    })

    it('has exactly the dependencies that the lock file has for production', () => {
      const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
        packages: Record<string, { dev?: boolean }>
      }
      const hidden = JSON.parse(
        readFileSync(join(files, 'opt/intaglio/node_modules/.package-lock.json'), 'utf8'),
      ) as { packages: Record<string, unknown> }
      const installed = Object.keys(hidden.packages)
      expect(installed.filter((path) => lock.packages[path]?.dev !== undefined)).to.deep.equal([])
      for (const path of installed) expect(existsSync(join(files, 'opt/intaglio', path)), path).to.equal(true)
      tally.add('dependencies', installed.length)
    })

    it('holds no setting of npm, and no file of the service that the service can change', () => {
      for (const path of ['root/.npmrc', 'root/.npm', 'root/.cache', 'opt/intaglio/.npmrc'])
        expect(existsSync(join(files, path)), path).to.equal(false)
      const changeable = walk(join(files, 'opt/intaglio')).filter((path) => {
        const { uid, mode } = lstatSync(path)
        return uid !== 0 || (!lstatSync(path).isSymbolicLink() && (mode & 0o022) !== 0)
      })
      expect(changeable).to.deep.equal([])
    })
  })

  describe('with compose.yaml', () => {
    let database: ComposedDatabase
    let container: string
    let home: string
    let ports: number[]

    before(async function () {
      this.timeout(2 * MINUTES)
      database = await ComposedDatabase.start()
      container = await buildah.container(dev, ['database:127.0.0.1'])
      home = mkdtempSync(join(tmpdir(), 'intaglio-home-'))
      chownSync(home, UID, UID)
      ports = [await freePort(), await freePort()]
    })
    after(async function () {
      this.timeout(MINUTES)
      await database.remove()
      rmSync(home, { recursive: true, force: true })
    })

    /** What the containers of compose.yaml are given, less what this machine has other numbers for. */
    const environment = (): Record<string, string> => ({
      INTAGLIO_DATABASE_URL: `postgres://intaglio_service@database:${database.port}/intaglio`,
      INTAGLIO_DATABASE_OWNER_URL: `postgres://intaglio_owner@database:${database.port}/intaglio`,
      INTAGLIO_BASE_URL: `http://127.0.0.1:${ports[0]}`,
      INTAGLIO_LISTENERS_0_PORT: String(ports[0]),
      INTAGLIO_LISTENERS_1_PORT: String(ports[1]),
      INTAGLIO_LISTENERS_0_HOST: '127.0.0.1',
      INTAGLIO_LISTENERS_1_HOST: '127.0.0.1',
      HEALTHCHECK_URL: `http://127.0.0.1:${ports[1]}/health/liveness`,
    })
    const volumes = (): string[] => [
      `${join(root, 'docker/config.compose.json')}:/etc/intaglio/intaglio.json:ro`,
      `${database.serviceFolder}:/etc/intaglio/tls:ro`,
      `${home}:/var/lib/intaglio`,
    ]
    const running: ContainedService[] = []
    const begun = async (image: BuiltImage, more: Record<string, string> = {}): Promise<ContainedService> => {
      const where = image === dev ? container : await buildah.container(image, ['database:127.0.0.1'])
      const { Cmd: command } = await buildah.config(image)
      const env = { ...environment(), ...more }
      const service = new ContainedService(buildah.start(where, command, { env, volumes: volumes() }))
      running.push(service)
      return service
    }
    /** One that a failed test left would keep its ports, and the run of the tests, for ever. */
    afterEach(async () => {
      for (const service of running.splice(0)) await service.kill()
    })

    it('makes the certificates with no more right than to give them away, once', async () => {
      const { command = [], user = '', cap_add: capabilities = [] } = compose.services['database-secrets']
      expect(capabilities).to.deep.equal(['CHOWN'])
      const options = {
        user,
        capabilities,
        volumes: [`${database.serverFolder}:/tls/server`, `${database.serviceFolder}:/tls/service`],
      }
      const here = command.map((argument) => argument.replace(/:999$/, `:${database.uid}`))
      expect(await buildah.run(container, here, options)).to.match(/were made/)
      expect(await buildah.run(container, here, options)).to.match(/are there/)
      expect(lstatSync(join(database.serviceFolder, 'intaglio_service.key'))).to.include({ uid: UID })
      expect(lstatSync(join(database.serverFolder, 'server.key')).mode & 0o777).to.equal(0o400)
      await database.requireTls(compose.services.database.command ?? [])
    }).timeout(MINUTES)

    it('lets a role in by TLS with a certificate of its own, and otherwise not', async () => {
      const file = (name: string): string => readFileSync(join(database.serviceFolder, name), 'utf8')
      const ca = file('database-ca.crt')
      const own = { ca, servername: 'database', ...pair('intaglio_service') }
      function pair(name: string): { cert: string; key: string } {
        return { cert: file(`${name}.crt`), key: file(`${name}.key`) }
      }
      expect(await login('intaglio_service', own)).to.equal('let in')
      expect(await login('intaglio_owner', { ...own, ...pair('intaglio_owner') })).to.equal('let in')
      expect(await login('intaglio_owner', own)).to.match(/certificate authentication failed/)
      expect(await login('intaglio_service', { ca, servername: 'database' })).to.match(
        /valid client certificate/,
      )
      expect(await login('intaglio_service', false)).to.match(/no pg_hba.conf entry .*no encryption/)
      expect(await login('intaglio_service', { ...own, servername: 'another' })).to.match(/altnames/)
    })
    const login = async (user: string, ssl: pg.ClientConfig['ssl']): Promise<string> => {
      const where = { host: '127.0.0.1', port: database.port, database: 'intaglio' }
      const client = new pg.Client({ ...where, user, ssl: ssl ?? false })
      client.on('error', () => undefined)
      try {
        await client.connect()
        return 'let in'
      } catch (error) {
        return (error as Error).message
      } finally {
        await client.end().catch(() => undefined)
      }
    }

    it('makes the token, once', async () => {
      const { command = [] } = compose.services.token
      const settings = (): string => readFileSync(join(home, 'token-pin'), 'utf8')
      await buildah.run(container, command, { env: environment(), volumes: volumes() })
      const pin = settings()
      await buildah.run(container, command, { env: environment(), volumes: volumes() })
      expect(settings()).to.equal(pin)
      expect(readdirSync(join(home, 'token/tokens'))).to.have.length(1)
    }).timeout(MINUTES)

    it('serves as its own user, is healthy, signs, and drains at SIGTERM, twice', async () => {
      for (const time of ['first', 'second']) {
        const began = Date.now()
        const service = await begun(dev)
        await service.ready()
        console.log(`    the ${time} start took ${((Date.now() - began) / 1000).toFixed(1)} s`)
        const { pid, uid } = service.node()
        expect(uid).to.equal(UID)
        const [, ...check] = (await buildah.config(dev)).Healthcheck.Test
        await buildah.run(container, check, { env: environment() })
        const answer = await fetch(`http://127.0.0.1:${ports[1]}/health/readiness`)
        expect(answer.status).to.equal(200)
        expect(await database.connections()).to.deep.include({
          role: 'intaglio_service',
          version: 'TLSv1.3',
          client: '/CN=intaglio_service',
        })
        const folder = mkdtempSync(join(home, 'demo-'))
        writeFileSync(join(folder, 'some.pdf'), 'signed in a container')
        chownSync(folder, UID, UID)
        const printed = await buildah.run(container, DEMO, {
          volumes: [...volumes(), `${folder}:/tmp`],
        })
        expect(printed).to.match(/the signature is good\n {2}the certificates lead to .*CN=/)
        tally.add('signatures')
        process.kill(pid, 'SIGTERM')
        expect(await service.ended).to.equal(0)
      }
    }).timeout(5 * MINUTES)

    it('lets operators work with the command line in the image', async () => {
      const service = await begun(dev)
      await service.ready()
      const printed = await buildah.run(container, ['intaglio', 'credential', 'list'], { volumes: volumes() })
      expect(printed).to.contain('demo')
      process.kill(service.node().pid, 'SIGTERM')
      expect(await service.ended).to.equal(0)
    }).timeout(2 * MINUTES)

    it('production does not start without a module, and says which one it misses', async () => {
      const service = await begun(production, { PKCS11_MODULE: '/opt/hsm/lib/libpkcs11.so' })
      expect(await service.ended).to.equal(1)
      expect(service.stderr).to.match(
        /^The token "intaglio" cannot be used: .*\/opt\/hsm\/lib\/libpkcs11\.so/m,
      )
    }).timeout(2 * MINUTES)

    it('production refuses SoftHSM by its profile', async () => {
      const service = await begun(dev, { INTAGLIO_PROFILE: 'production' })
      expect(await service.ended).to.equal(1)
      expect(service.stderr).to.contain('SoftHSM keeps keys in files: production needs a hardware token')
    }).timeout(MINUTES)
  })
})

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? [path, ...walk(path)] : [path]
  })
}

/** Without YAML there is no telling what compose.yaml runs in the containers. */
function probe(): Probe {
  const yaml = probeYaml()
  return 'missing' in yaml ? yaml : probeBuildah()
}
