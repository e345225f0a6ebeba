import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect } from 'chai'
import { loadConfig } from '../../config/load.ts'
import { probeYaml, readCompose, settingsOf, type ComposeFile } from './composedDatabase.ts'
import { judge, type Probe } from './judge.ts'

const root = resolve(import.meta.dirname, '../..')
const docker = join(root, 'docker')
const FILE = join(docker, 'compose.yaml')

judge('compose.yaml as YAML', probeYaml, (tally) => {
  let compose: ComposeFile
  before(() => {
    compose = readCompose()
  })

  it('gives every container no more than it needs', () => {
    for (const [name, service] of Object.entries(compose.services)) {
      expect(service.read_only, name).to.equal(true)
      expect(service.cap_drop, name).to.deep.equal(['ALL'])
      expect(service.security_opt, name).to.deep.equal(['no-new-privileges:true'])
      expect(service.cap_add ?? [], name).to.deep.equal(name === 'database-secrets' ? ['CHOWN'] : [])
      tally.add('containers')
    }
    expect(compose.networks['inside']?.internal).to.equal(true)
    expect(compose.services.database.networks).to.deep.equal(['inside'])
    expect(compose.services.database.ports).to.equal(undefined)
    for (const port of compose.services.service.ports ?? []) expect(port).to.match(/^127\.0\.0\.1:/)
  })

  it('waits for what it stands on, and names only what is there', () => {
    for (const [name, { depends_on: needed = {}, volumes = [] }] of Object.entries(compose.services)) {
      for (const [other, { condition }] of Object.entries(needed)) {
        const found = compose.services[other as keyof ComposeFile['services']]
        const expected = found.restart === undefined ? 'service_completed_successfully' : 'service_healthy'
        expect(condition, `${name} waits for ${other}`).to.equal(expected)
        if (expected === 'service_healthy') expect(found.healthcheck?.test).to.be.an('array')
      }
      for (const volume of volumes) {
        const [from = ''] = volume.split(':')
        const isThere = from.startsWith('.') ? existsSync(join(docker, from)) : from in compose.volumes
        expect(isThere, `${name}: ${from}`).to.equal(true)
      }
    }
  })

  it('names files for secrets, and holds none', () => {
    expect(compose.services.database.environment).to.have.property('POSTGRES_PASSWORD_FILE')
    expect(readFileSync(FILE, 'utf8')).not.to.match(/^\s*(POSTGRES_PASSWORD|.*PIN|.*SECRET)\s*[:=]/m)
    const { target, dockerfile } = compose.services.service.build ?? {}
    expect(readFileSync(join(root, dockerfile ?? ''), 'utf8')).to.match(
      new RegExp(`^FROM .* AS ${target}$`, 'm'),
    )
  })

  it('has a configuration that the service takes, at the ports that are published', () => {
    const env = { INTAGLIO_CONFIG: join(docker, 'config.compose.json'), INTAGLIO_HOME: '/var/lib/intaglio' }
    const { config } = loadConfig({ env, cwd: '/opt/intaglio', nodeVersion: '24.0.0' })
    const published = (compose.services.service.ports ?? []).map((port) => Number(port.split(':')[2]))
    expect(config.listeners?.map(({ port }) => port)).to.deep.equal(published)
    expect(config.database.tls?.mode).to.equal('verify-full')
    expect(new Map(settingsOf(compose.services.database.command ?? [])).get('ssl')).to.equal('on')
  })
})

judge('docker compose', probeDockerCompose, (tally) => {
  it('takes compose.yaml', () => {
    execFileSync('docker', ['compose', '-f', FILE, 'config', '--quiet'], { stdio: 'pipe' })
    tally.add('files')
  })
})

function probeDockerCompose(): Probe {
  try {
    const asked = ['compose', 'version', '--short']
    return { version: execFileSync('docker', asked, { encoding: 'utf8', stdio: 'pipe' }).trim() }
  } catch {
    return { missing: 'docker has no plugin compose' }
  }
}
