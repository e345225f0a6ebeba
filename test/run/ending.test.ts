import { expect } from 'chai'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { hang } from '../support/hang.ts'
import { Clone } from './clone.ts'
import { hasProc, leftOf, Running } from './running.ts'

/** A service without requests drains at once; Postgres writes its checkpoint. */
const ENDED_MS = 8_000

/** TABLE: ways in which a service ends. `code` is what the command then says; undefined: a signal ended it. */
const ways: readonly { name: string; end: (running: Running) => void; code: number | undefined }[] = [
  { name: 'Ctrl-C', end: ({ pid }) => process.kill(-pid, 'SIGINT'), code: 0 },
  { name: 'SIGTERM to the whole group', end: ({ pid }) => process.kill(-pid, 'SIGTERM'), code: 0 },
  { name: 'SIGTERM to the command alone', end: ({ pid }) => process.kill(pid, 'SIGTERM'), code: 0 },
  { name: 'kill -9 of the command', end: ({ pid }) => process.kill(pid, 'SIGKILL'), code: undefined },
  {
    name: 'kill -9 of the service',
    end: (running) => process.kill(running.pidOf('server.js'), 'SIGKILL'),
    code: 137,
  },
  { name: 'kill -9 of the whole group', end: ({ pid }) => process.kill(-pid, 'SIGKILL'), code: undefined },
]

describe('Ending the service', function () {
  this.timeout(60_000)
  let clone: Clone

  before(function () {
    if (!hasProc) {
      console.log('      skipped: processes are looked at in /proc, which is not here')
      this.skip()
    }
    clone = new Clone({ mode: 0o755 })
  })
  after(() => clone.remove('one'))

  for (const { name, end, code } of ways) {
    it(`leaves nothing running after ${name}, and starts again`, async () => {
      const running = new Running({ clone, name: 'one' })
      try {
        const url = await running.ready()
        expect((await fetch(`${url}/`)).status).to.be.a('number')
        const family = running.processes()
        expect(family.filter(({ command }) => command.includes('postgres'))).to.not.be.empty
        end(running)
        expect(await running.exited).to.equal(code)
        expect(await leftOf(family, ENDED_MS)).to.deep.equal([])
        expect(running.stdout).to.equal(`Intaglio ready at ${url}\n`)
      } finally {
        await running.stop()
      }
    })
  }

  it('ends at the second signal, also with a request under way', async () => {
    const running = new Running({ clone, name: 'one' })
    try {
      const url = await running.ready()
      const family = running.processes()
      const slow = await hang(url)
      process.kill(running.pid, 'SIGTERM')
      expect(await leftOf(family, 1_000)).to.not.be.empty
      process.kill(running.pid, 'SIGTERM')
      expect(await leftOf(family, ENDED_MS)).to.deep.equal([])
      slow.destroy()
    } finally {
      await running.stop()
    }
  })

  it('ends with npm, when that is killed without a word', async () => {
    const running = new Running({ clone, name: 'one', command: ['npm', 'start', '--silent'] })
    try {
      await running.ready()
      const family = running.processes()
      process.kill(running.pid, 'SIGKILL')
      expect(await leftOf(family, ENDED_MS)).to.deep.equal([])
    } finally {
      await running.stop()
    }
  })

  it('stops a Postgres whose watcher was killed, too, at the next start', async () => {
    const first = new Running({ clone, name: 'one' })
    await first.ready()
    const family = first.processes()
    process.kill(first.pidOf('watch.mjs'), 'SIGKILL')
    process.kill(-first.pid, 'SIGKILL')
    await first.exited
    const left = await leftOf(family, 1_000)
    expect(left.some(({ command }) => command.includes(' -D '))).to.equal(true)
    const second = new Running({ clone, name: 'one' })
    try {
      await second.ready()
      expect(await leftOf(left, 0)).to.deep.equal([])
    } finally {
      await second.stop()
    }
  })

  it('says that it runs already, and leaves the running one alone', async () => {
    const first = new Running({ clone, name: 'one' })
    const starts = [first]
    try {
      const url = await first.ready()
      const second = new Running({ clone, name: 'one' })
      starts.push(second)
      await second.closed
      expect(await second.exited).to.equal(1)
      expect(second.stderr).to.contain('Intaglio runs already with this INTAGLIO_HOME.')
      expect((await fetch(`${url}/`)).status).to.be.a('number')
      expect(existsSync(join(clone.home('one'), 'pg', 'postmaster.pid'))).to.equal(true)
    } finally {
      await Promise.all(starts.map((start) => start.stop()))
    }
  })
})
