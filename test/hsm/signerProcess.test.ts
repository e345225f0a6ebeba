import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { SignerProcess } from '../../hsm/signerProcess.ts'
import { MAX_FRAME } from '../../hsm/wire.ts'
import { MemoryLog } from '../softhsm-test-helpers/memoryLog.ts'
import { startPayload, startSigner } from './rawSigner.ts'
import { openToken, type OpenToken } from './support.ts'

const EMPTY = Buffer.alloc(0)

describe('a signer process', () => {
  let open: OpenToken
  let signer: SignerProcess

  before(async () => {
    open = await openToken()
    signer = await startSigner(open.soft)
  })
  after(async () => {
    await signer.close(2000)
    await open.close()
  })

  it('ends at a frame of an impossible length, and when the service hangs up', async () => {
    for (const last of [
      Buffer.from('ffffffff0000000001', 'hex'),
      Buffer.from('000000000000000001', 'hex'),
      EMPTY,
    ]) {
      const { child, wire } = rawChild(open.soft.config.environment)
      if (last.length > 0) wire.write(last)
      else wire.end()
      const [code] = (await once(child, 'exit')) as [number | null]
      expect(code).to.equal(last.length > 0 ? 1 : 0)
    }
    expect(MAX_FRAME).to.be.lessThan(0xffffffff)
  })

  it('lets signals to the group pass, and opens no inspector', async function () {
    if (process.platform === 'win32') this.skip()
    const { child, wire, errors } = rawChild(open.soft.config.environment)
    wire.write(Buffer.from('00000005000000070c', 'hex'))
    // It answers: the handlers are in place.
    await once(wire, 'data')
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) child.kill(signal)
    wire.write(Buffer.from('00000005000000080c', 'hex'))
    const [answer] = (await once(wire, 'data')) as [Buffer]
    expect(answer.readUInt32BE(4)).to.equal(8)
    expect(errors.join('')).not.to.include('Debugger')
    wire.end()
    await once(child, 'exit')
  })

  it('opens no inspector by a signal that comes before the signer is there', async function () {
    if (process.platform === 'win32') this.skip()
    const log = new MemoryLog()
    const { environment } = open.soft.config
    const fresh = new SignerProcess({ name: 'fresh', environment, log, onExit: () => undefined })
    const started = fresh.request('start', startPayload(open.soft))
    // From when Node has taken the signal over (before, it ends the process) until the signer answers.
    await pause(100)
    const timer = setInterval(() => {
      if (fresh.pid !== undefined) process.kill(fresh.pid, 'SIGUSR1')
    }, 5)
    await started.finally(() => {
      clearInterval(timer)
    })
    await fresh.close(2000)
    expect(log.lines.map(({ fields }) => fields['line']).join()).not.to.include('Debugger listening')
  })

  it('has no secret in its arguments and nothing unasked in its environment', function () {
    const folder = `/proc/${String(signer.pid)}`
    if (!existsSync(folder)) this.skip()
    const words = (name: string): string[] =>
      readFileSync(`${folder}/${name}`, 'utf8').split('\0').filter(Boolean)
    // glibc writes an end over each colon when it reads its own.
    const environment = words('environ').join('\n').replace('\nglibc.', ':glibc.').split('\n')
    expect(environment).to.deep.equal([
      'GLIBC_TUNABLES=glibc.malloc.tcache_count=2000:glibc.malloc.hugetlb=1',
      `SOFTHSM2_CONF=${open.soft.config.environment['SOFTHSM2_CONF'] ?? ''}`,
    ])
    expect(words('cmdline').join(' ')).not.to.include(open.soft.pin)
    expect(words('cmdline').filter((word) => /^--inspect(?!-port=192\.0\.2\.1:)/.test(word))).to.deep.equal(
      [],
    )
  })
})
function rawChild(environment: Readonly<Record<string, string>>): {
  child: ReturnType<typeof spawn>
  wire: Duplex
  errors: string[]
} {
  const main = fileURLToPath(new URL('../../dist/hsm/signer/main.js', import.meta.url))
  const child = spawn(process.execPath, [main], {
    env: { ...environment },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  const errors: string[] = []
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk.toString()))
  return { child, wire: child.stdio[3] as Duplex, errors }
}
